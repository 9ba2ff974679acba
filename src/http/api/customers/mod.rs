//! Customers: looked up, registered, changed; what is shown depends on who asks.
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`body`] | what people send, checked |
//! | [`view`] | what they are shown, masked where their role does not need it |
//! | [`change`] | registering and changing |
//! | [`person`] | everything about a person: taken out, erased, who looked |
//!
//! A list is masked for everybody: nobody needs fifty numbers at once. One customer is shown in clear to
//! the NOC and above, and to a technician or biller who has a ticket of his that is not over; each such
//! look is in the privacy trail before the answer is. Telephone numbers are looked up by POST, because
//! addresses with `?` stand in the logs of proxies.

pub mod body;
pub mod change;
pub mod person;
pub mod view;

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::HttpState;
use crate::http::auth::{Caller, sees};
use crate::http::error::{Code, Flaw, Problem};
use crate::http::extract::{Body, Named, Params};
use crate::http::openapi::{BadRequest, Invalid, NotFound, TakesBody};
use crate::inventory::{Element, ElementKind, Inventory};
use crate::privacy::{CountryCode, Sight, normal};
use crate::store::customers::{Customer, CustomerError, CustomerId, Lookup, PrivacyClass};
use crate::store::{Role, TicketFilter};
use crate::ticket::Actor;

use super::paging::{limit, next_link};
use super::tickets::entity_tag;
use view::CustomerView;

/// Customers that a look-up gives out.
const MOST_FOUND: u32 = 50;
/// Open tickets of one person that are looked through.
const MOST_OWN_TICKETS: u32 = 500;

impl From<CustomerError> for Problem {
    fn from(error: CustomerError) -> Self {
        match error {
            CustomerError::Unknown(id) => no_customer(&id.0),
            CustomerError::NoPart(part) => {
                Self::say(Code::NotFound, "no_part_of_customer").with("part", part)
            }
            CustomerError::Conflict(version) => {
                Self::say(Code::CustomerChanged, "customer_changed").with("version", version)
            }
            CustomerError::Refused(reasons) => {
                let flaws = reasons.into_iter().map(|reason| Flaw {
                    pointer: String::new(),
                    code: reason.key.trim_start_matches("customer.refused.").to_owned(),
                    detail: reason,
                });
                Self::say(Code::CustomerRefused, "refused").flaws(flaws.collect())
            }
            CustomerError::Store(error) => error.into(),
        }
    }
}

fn no_customer(name: &str) -> Problem {
    let shown: String = name.chars().filter(|character| !character.is_control()).take(64).collect();
    Problem::say(Code::NotFound, "no_customer").with("customer", shown)
}

/// The customer of this id, erased ones included.
pub(super) async fn find(state: &HttpState, id: &str) -> Result<Customer, Problem> {
    if id.len() > 64 {
        return Err(no_customer(id));
    }
    state.store.customer(&CustomerId(id.to_owned())).await?.ok_or_else(|| no_customer(id))
}

/// What a caller may see of a customer.
pub(super) async fn sight(state: &HttpState, caller: &Caller, customer: &Customer) -> Result<Sight, Problem> {
    sight_of(state, caller.role, &caller.actor, customer).await
}

/// The same of whoever has this role and name.
pub(super) async fn sight_of(
    state: &HttpState,
    role: Role,
    actor: &Actor,
    customer: &Customer,
) -> Result<Sight, Problem> {
    if role.covers(Role::Noc) {
        return Ok(Sight::Clear);
    }
    if role == Role::Viewer || customer.data.privacy_class == PrivacyClass::Restricted {
        return Ok(Sight::Masked);
    }
    if state.store.owns_a_ticket_of(actor, &customer.id).await? {
        return Ok(Sight::Clear);
    }
    let Some(name) = &customer.data.inventory_name else { return Ok(Sight::Masked) };
    let own = TicketFilter { open: Some(true), owner: Some(actor.0.clone()), ..TicketFilter::default() };
    let own = state.store.tickets(&own, None, MOST_OWN_TICKETS).await?.tickets;
    let mut faults =
        own.iter().filter(|ticket| sees(role, ticket)).filter_map(|ticket| ticket.fault.as_ref());
    let is_affected = faults.any(|fault| fault.affected_customers.contains(name));
    Ok(if is_affected { Sight::Clear } else { Sight::Masked })
}

/// Customers of the inventory.
pub(super) fn declared(inventory: &Inventory) -> impl Iterator<Item = &Element> {
    inventory.elements().iter().filter(|element| element.kind == ElementKind::Customer)
}

/// A page of customers, or those of one name in `linesman.toml`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CustomerQuery {
    /// Name of a `[[customer]]` in `linesman.toml`.
    #[param(max_length = 200)]
    inventory: Option<String>,
    /// At most so many; 50 unless stated.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Where the page before ended.
    #[param(max_length = 64)]
    cursor: Option<String>,
}

/// A page of customers.
#[derive(Serialize, ToSchema)]
pub struct CustomerList {
    /// The newest first, masked; those of the inventory that nobody has registered are in look-ups only.
    customers: Vec<CustomerView>,
    /// `cursor` of the next page; `null` at the end.
    next: Option<String>,
}

/// Registered customers, the newest first, masked.
#[utoipa::path(get, path = "/api/v1/customers", operation_id = "listCustomers", tag = "customers",
    params(CustomerQuery),
    responses(
        (status = 200, description = "A page of customers.", body = CustomerList,
            headers(("Link" = String, description = "The next page, `rel=\"next\"`; absent at the end."))),
        BadRequest, Invalid))]
pub async fn list(
    State(state): State<HttpState>,
    uri: Uri,
    Params(query): Params<CustomerQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit, 50, 500).map_err(|flaw| Problem::invalid(vec![flaw]))?;
    if let Some(inventory) = query.inventory {
        let lookup = Lookup { inventory_name: Some(inventory), ..Lookup::default() };
        let customers = look_up(&state, &lookup).await?;
        return Ok(Json(CustomerList { customers, next: None }).into_response());
    }
    let after = query.cursor.map(CustomerId);
    let mut customers = state.store.customers(after.as_ref(), limit).await?;
    // A full page of the most that is given out may be the last one: then the next is empty.
    let goes_on = customers.len() >= limit as usize;
    customers.truncate(limit as usize);
    let next = customers.last().filter(|_| goes_on).map(|customer| customer.id.0.clone());
    let link = next_link(&uri, "cursor", next.as_deref());
    let customers = customers.iter().map(|customer| CustomerView::of(customer, Sight::Masked)).collect();
    Ok((link, Json(CustomerList { customers, next })).into_response())
}

/// Who is looked for; everything stated must fit.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedLookup {
    /// Telephone number, however it is written.
    #[serde(default)]
    #[schema(max_length = 64)]
    phone: Option<String>,
    /// E-mail address.
    #[serde(default)]
    #[schema(max_length = 254)]
    email: Option<String>,
    /// Words of a name, his or that of a contact; of a Chinese name any two neighbouring characters or more.
    #[serde(default)]
    #[schema(max_length = 200)]
    name: Option<String>,
    /// Name of a `[[customer]]` in `linesman.toml`.
    #[serde(default)]
    #[schema(max_length = 200)]
    inventory: Option<String>,
}

/// Who was found.
#[derive(Serialize, ToSchema)]
pub struct Found {
    /// Registered ones first, then those who stand in `linesman.toml` only; masked; at most 50.
    customers: Vec<CustomerView>,
}

/// Looks a customer up by telephone number, e-mail address, name or name in `linesman.toml`; among those
/// registered and those of the inventory. The answer is masked; GET the one that is meant.
#[utoipa::path(post, path = "/api/v1/customers/lookup", operation_id = "lookUpCustomers", tag = "customers",
    request_body = WantedLookup,
    responses((status = 200, description = "Who fits.", body = Found), TakesBody))]
pub async fn lookup(
    State(state): State<HttpState>,
    Body(wanted): Body<WantedLookup>,
) -> Result<Json<Found>, Problem> {
    let country = state.settings.borrow().privacy.country_code.clone();
    let mut flaws = Vec::new();
    let mut form = |pointer, text: Option<&String>, normal: &dyn Fn(&str) -> Option<String>, flaw| {
        let made = text.map(|text| normal(text));
        if made == Some(None) {
            flaws.push(Flaw::at(pointer, flaw));
        }
        made.flatten()
    };
    let phone = form("/phone", wanted.phone.as_ref(), &|text| normal::phone(text, &country), "phone_form");
    let email = form("/email", wanted.email.as_ref(), &normal::email, "email_form");
    let lookup = Lookup { phone, email, name: wanted.name, inventory_name: wanted.inventory };
    if flaws.is_empty() && lookup.is_empty() {
        flaws.push(Flaw::at("", "lookup_empty"));
    }
    if !flaws.is_empty() {
        return Err(Problem::invalid(flaws));
    }
    Ok(Json(Found { customers: look_up(&state, &lookup).await? }))
}

async fn look_up(state: &HttpState, lookup: &Lookup) -> Result<Vec<CustomerView>, Problem> {
    let settings = state.settings.borrow().clone();
    let inventory = &settings.inventory;
    let mut found = state.store.find_customers(lookup, MOST_FOUND).await?;
    let mut names: BTreeSet<String> = found.iter().filter_map(|it| it.data.inventory_name.clone()).collect();
    let mut only_declared = Vec::new();
    for element in declared(inventory).filter(|element| fits(element, lookup, &settings.privacy.country_code))
    {
        if found.len() + only_declared.len() >= MOST_FOUND as usize || !names.insert(element.name.clone()) {
            continue;
        }
        let by_name = Lookup { inventory_name: Some(element.name.clone()), ..Lookup::default() };
        match state.store.find_customers(&by_name, 1).await?.pop() {
            Some(registered) => found.push(registered),
            None => only_declared.push(CustomerView::of_element(element)),
        }
    }
    let registered = found.iter().map(|customer| CustomerView::of(customer, Sight::Masked));
    Ok(registered.chain(only_declared).collect())
}

/// Whether a customer of the inventory is who is looked for.
fn fits(element: &Element, lookup: &Lookup, country: &CountryCode) -> bool {
    if lookup.is_empty() {
        return false;
    }
    let of_contacts = element.facts.contacts.iter().map(|contact| normal::found_in(contact, country));
    let (mut phones, mut emails) = (BTreeSet::new(), BTreeSet::new());
    for (more_phones, more_emails) in of_contacts {
        phones.extend(more_phones);
        emails.extend(more_emails);
    }
    let is_named = |name: &String| {
        let words = normal::words(name);
        let of_contacts = element.facts.contacts.iter().flat_map(|contact| normal::words(contact));
        let description = element.facts.description.iter().flat_map(|text| normal::words(text));
        let own: BTreeSet<String> =
            normal::words(&element.name).into_iter().chain(of_contacts).chain(description).collect();
        !words.is_empty() && words.is_subset(&own)
    };
    lookup.inventory_name.as_ref().is_none_or(|name| *name == element.name)
        && lookup.phone.as_ref().is_none_or(|phone| phones.contains(phone))
        && lookup.email.as_ref().is_none_or(|email| emails.contains(email))
        && lookup.name.as_ref().is_none_or(is_named)
}

/// One customer with contacts, assets and tickets: in clear for the NOC and above and for whoever has a
/// ticket of his that is not over, masked else.
#[utoipa::path(get, path = "/api/v1/customers/{customer}", operation_id = "getCustomer", tag = "customers",
    params(("customer" = String, Path, description = "Id.", max_length = 64)),
    responses(
        (status = 200, description = "The customer.", body = CustomerView,
            headers(("ETag" = String, description = "His version, for If-Match."))),
        BadRequest, NotFound))]
pub async fn one(
    State(state): State<HttpState>,
    caller: Caller,
    Named(id): Named,
) -> Result<Response, Problem> {
    let customer = find(&state, &id).await?;
    show(&state, &caller, &customer).await
}

/// A customer as this caller may see him, with his entity tag; a look in clear is in the trail before.
pub(super) async fn show(
    state: &HttpState,
    caller: &Caller,
    customer: &Customer,
) -> Result<Response, Problem> {
    let sight = sight(state, caller, customer).await?;
    if sight == Sight::Clear && customer.erased_at.is_none() {
        state.store.note_read(&customer.id, &caller.actor, "api").await?;
    }
    let tickets = state.store.tickets_of_customer(&customer.id).await?;
    let view = CustomerView::of(customer, sight).with_tickets(tickets);
    Ok(([(header::ETAG, entity_tag(customer.version))], Json(view)).into_response())
}

/// The version that the client saw; `None` for `*`, which waives the question.
pub(super) fn seen(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Err(Problem::say(Code::PreconditionRequired, "customer_if_match"));
    };
    let value = value.to_str().unwrap_or_default().trim();
    if value == "*" {
        return Ok(None);
    }
    let digits = value.strip_prefix("\"v").and_then(|rest| rest.strip_suffix('"'));
    let version = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let version = version.and_then(|version| version.parse().ok());
    version.map(Some).ok_or_else(|| Problem::say(Code::BadRequest, "customer_if_match"))
}
