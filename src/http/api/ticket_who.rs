//! Who a ticket is for: by id, by his name in `linesman.toml`, or by what the caller says of himself, which is looked
//! up by its hash and registered when that is asked for (R27, R28).

use linesman_deadlines::policy::Caller as CallerKind;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::HttpState;
use crate::http::error::{Code, Flaw, Problem};
use crate::privacy::Personal;
use crate::store::customers::{
    Caller, CallerData, Customer, CustomerData, CustomerId, CustomerKind, Lookup, Registered,
};
use crate::ticket::event::Actor;
use crate::ticket::registration::CustomerRef;

use super::customers::body::{ContactBody, Reader, no_contact, nobody};

/// Longest name that is looked at.
const LONGEST: usize = 254;

/// Who calls, when nobody knows his id: found by account, telephone number or e-mail address, in this order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// Name of the `[[customer]]` in `linesman.toml`: his account.
    #[serde(default)]
    #[schema(max_length = 254)]
    account: Option<String>,
    /// Name of the person or company, if he is registered now; that of the contact or account unless stated.
    #[serde(default)]
    #[schema(max_length = 254)]
    name: Option<String>,
    /// How to reach him.
    #[serde(default)]
    contact: Option<ContactBody>,
    /// Register him when nobody is found, and a number or address that is new of somebody known.
    #[serde(default)]
    create: bool,
}

/// The customer of a ticket to be registered, and how the ticket names him.
pub(super) struct Named {
    pub reference: CustomerRef,
    /// `None`: not registered; then the ticket is refused.
    pub customer: Option<Customer>,
    pub is_new: bool,
}

/// Finds the customer that a registration names.
///
/// # Errors
/// 404 when nobody is found and nobody is to be registered, 422 when what is said cannot be or fits several.
pub(super) async fn named(
    state: &HttpState,
    reference: Option<CustomerRef>,
    who: Option<Who>,
    kind: Option<CallerKind>,
    by: &Actor,
) -> Result<Option<Named>, Problem> {
    match (reference, who) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(Problem::invalid(vec![Flaw::at("/who", "customer_named_twice")])),
        (Some(reference), None) => by_reference(state, reference).await.map(Some),
        (None, Some(who)) => by_caller(state, who, kind, by).await.map(Some),
    }
}

/// By his id, else by his name in `linesman.toml`.
async fn by_reference(state: &HttpState, mut reference: CustomerRef) -> Result<Named, Problem> {
    let id: String = reference.customer.chars().take(LONGEST).collect();
    let mut customer =
        state.store.customer(&CustomerId(id.clone())).await?.filter(|known| known.erased_at.is_none());
    if customer.is_none() {
        let lookup = Lookup { inventory_name: Some(id), ..Lookup::default() };
        customer = state.store.find_customers(&lookup, 1).await?.pop();
    }
    if let Some(known) = &customer {
        reference.customer.clone_from(&known.id.0);
    }
    Ok(Named { reference, customer, is_new: false })
}

async fn by_caller(
    state: &HttpState,
    who: Who,
    kind: Option<CallerKind>,
    by: &Actor,
) -> Result<Named, Problem> {
    let settings = state.settings.borrow().clone();
    let mut reader = Reader::new(&settings);
    let contact = match who.contact {
        Some(body) => reader.contact("/who/contact", body, no_contact()),
        None => no_contact(),
    };
    let contact = reader.finish(contact)?;
    let mut flaws = Vec::new();
    if let Some(account) = &who.account {
        let declared = super::customers::declared(&settings.inventory);
        if !declared.into_iter().any(|element| element.name == *account) {
            let shown: String = account.chars().filter(|one| !one.is_control()).take(64).collect();
            flaws.push(Flaw::at("/who/account", "unknown_customer").with("value", shown));
        }
    }
    let said = who.name.as_deref().is_none_or(|name| name.chars().count() <= LONGEST);
    if !said {
        flaws.push(Flaw::at("/who/name", "text_length").with("most", LONGEST));
    }
    if who.account.is_none() && contact.phone.is_none() && contact.email.is_none() {
        flaws.push(Flaw::at("/who", "nobody_said"));
    }
    if !flaws.is_empty() {
        return Err(Problem::invalid(flaws));
    }
    let name = who.name.as_deref().and_then(Personal::of);
    let name =
        name.or_else(|| contact.name.clone()).or_else(|| who.account.as_deref().and_then(Personal::of));
    let customer = CustomerData { kind: customer_kind(kind), name, inventory_name: who.account, ..nobody() };
    let caller = CallerData { customer, contact };
    match state.store.find_caller(&caller).await? {
        Caller::Several(ids) => {
            let ids: Vec<String> = ids.into_iter().map(|id| id.0).collect();
            let flaw = Flaw::at("/who", "several_customers").with("customers", ids.join(", "));
            Err(Problem::invalid(vec![flaw]))
        }
        Caller::Known(known) if !who.create => {
            let contact = Caller::contact_of(&known, &caller.contact).map(|contact| contact.0);
            let reference = CustomerRef { customer: known.id.0.clone(), contact };
            Ok(Named { reference, customer: Some(*known), is_new: false })
        }
        Caller::Nobody if !who.create => Err(Problem::say(Code::NotFound, "nobody_found")),
        Caller::Known(_) | Caller::Nobody => {
            let Registered { customer, contact, is_new } =
                state.store.find_or_add_customer(&caller, by).await?;
            let contact = contact.map(|contact| contact.0);
            let reference = CustomerRef { customer: customer.id.0.clone(), contact };
            Ok(Named { reference, customer: Some(customer), is_new })
        }
    }
}

const fn customer_kind(caller: Option<CallerKind>) -> CustomerKind {
    match caller {
        None | Some(CallerKind::Existing) => CustomerKind::Existing,
        Some(CallerKind::Prospect) => CustomerKind::Prospect,
        Some(CallerKind::Doubtful) => CustomerKind::Doubtful,
        Some(CallerKind::HelpSeeker) => CustomerKind::HelpSeeker,
    }
}
