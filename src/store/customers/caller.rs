//! Who calls: looked up by account, number or address, and registered when that is asked for.

use crate::privacy::{Personal, normal};
use crate::ticket::event::Actor;

use super::super::Store;
use super::model::{ContactData, ContactId, Customer, CustomerChange, CustomerData, CustomerId, Lookup};
use super::write::{CustomerError, NewCustomer};

/// Customers told of that have one number.
const MOST_NAMESAKES: u32 = 5;

/// Who calls, as far as it is known when a ticket is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerData {
    /// What is known of him.
    pub customer: CustomerData,
    /// How to reach him.
    pub contact: ContactData,
}

/// Who calls, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// One customer.
    Known(Box<Customer>),
    /// Several have the number or address.
    Several(Vec<CustomerId>),
    /// Nobody known.
    Nobody,
}

impl Caller {
    /// The contact of a customer that has the caller's number or address.
    #[must_use]
    pub fn contact_of(customer: &Customer, caller: &ContactData) -> Option<ContactId> {
        let is_same = |known: &ContactData| {
            (caller.phone.is_some() && known.phone == caller.phone)
                || (caller.email.is_some() && known.email == caller.email)
        };
        customer.contacts.iter().find(|contact| is_same(&contact.data)).map(|contact| contact.id.clone())
    }
}

/// What [`Store::find_or_add_customer`] came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The customer, with all contacts.
    pub customer: Customer,
    /// The contact who called.
    pub contact: Option<ContactId>,
    /// Whether he was not known before.
    pub is_new: bool,
}

impl Store {
    /// The customer who calls: found by his name in `linesman.toml`, else by his telephone number, else by his
    /// e-mail address; registered when nobody is found. A number or address that one customer alone has
    /// decides; one that several have decides nothing. Nothing that is known is overwritten.
    ///
    /// # Errors
    /// When a new one has no name, there is no key, or the database does not answer.
    pub async fn find_or_add_customer(
        &self,
        caller: &CallerData,
        by: &Actor,
    ) -> Result<Registered, CustomerError> {
        // Two calls of one person at the same time are still one person; this daemon is the only writer.
        let _alone = self.registering.lock().await;
        if let Caller::Known(one) = self.find_caller(caller).await? {
            return self.known_caller(*one, &caller.contact, by).await;
        }
        let CallerData { customer, contact } = caller;
        let new = NewCustomer { data: customer.clone(), contacts: vec![contact.clone()], assets: Vec::new() };
        let customer = self.add_customer(&new, by).await?;
        let contact = customer.contacts.first().map(|contact| contact.id.clone());
        Ok(Registered { customer, contact, is_new: true })
    }

    /// Who calls, by the same rules, without registering anybody.
    ///
    /// # Errors
    /// When there is no key, or the database does not answer.
    pub async fn find_caller(&self, caller: &CallerData) -> Result<Caller, CustomerError> {
        let CallerData { customer, contact } = caller;
        let of = |value: &Option<Personal>| value.as_ref().map(|value| value.in_clear().to_owned());
        let email = of(&contact.email).and_then(|email| normal::email(&email));
        let lookups = [
            Lookup { inventory_name: customer.inventory_name.clone(), ..Lookup::default() },
            Lookup { phone: of(&contact.phone), ..Lookup::default() },
            Lookup { email, ..Lookup::default() },
        ];
        let mut several = Vec::new();
        for lookup in lookups.iter().filter(|lookup| !lookup.is_empty()) {
            let mut found = self.find_customers(lookup, MOST_NAMESAKES).await?;
            if found.len() > 1 {
                several.extend(found.drain(..).map(|customer| customer.id));
            }
            if let Some(one) = found.pop() {
                return Ok(Caller::Known(Box::new(one)));
            }
        }
        Ok(if several.is_empty() { Caller::Nobody } else { Caller::Several(several) })
    }

    /// The contact of a known customer that has this number or address; one more contact when none has.
    async fn known_caller(
        &self,
        customer: Customer,
        caller: &ContactData,
        by: &Actor,
    ) -> Result<Registered, CustomerError> {
        let same = Caller::contact_of(&customer, caller);
        if same.is_some() || (caller.phone.is_none() && caller.email.is_none() && caller.name.is_none()) {
            return Ok(Registered { customer, contact: same, is_new: false });
        }
        let change = CustomerChange::AddContact(Box::new(caller.clone()));
        let customer = self.change_customer(&customer.id, None, change, by).await?;
        let contact = customer.contacts.last().map(|contact| contact.id.clone());
        Ok(Registered { customer, contact, is_new: false })
    }
}
