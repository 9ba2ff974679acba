//! Registering and changing customers, their contacts and what they have. Every change names the
//! version of the customer that was seen (`If-Match`).

use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Code, Problem};
use crate::http::extract::{Body, Named};
use crate::http::openapi::{BadRequest, ChangesCustomer, TakesBody};
use crate::privacy::Sight;
use crate::store::customers::{ContactId, Customer, CustomerChange};

use super::body::{AssetBody, ContactBody, CustomerBody, NewCustomerBody, Reader, no_asset, no_contact};
use super::view::CustomerView;
use super::{find, no_customer, seen, show, sight};

/// A customer and a part of his in the path.
#[derive(Debug)]
pub struct PartOf {
    customer: String,
    part: String,
}

impl<S: Send + Sync> FromRequestParts<S> for PartOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((customer, part)) = path.map_err(|_| Problem::bad_request("the path is no UTF-8"))?;
        Ok(Self { customer, part })
    }
}

/// A customer who can be changed: one who was erased is there no more.
async fn living(state: &HttpState, id: &str) -> Result<Customer, Problem> {
    let customer = find(state, id).await?;
    if customer.erased_at.is_some() { Err(no_customer(id)) } else { Ok(customer) }
}

/// Reads a body by the settings in force, or says everything that is wrong in it.
fn read<T>(state: &HttpState, read: impl FnOnce(&mut Reader<'_>) -> T) -> Result<T, Problem> {
    let settings = state.settings.borrow().clone();
    let mut reader = Reader::new(&settings);
    let data = read(&mut reader);
    reader.finish(data)
}

/// Carries a change out and shows what came of it.
async fn make(
    state: &HttpState,
    caller: &Caller,
    customer: &Customer,
    headers: &HeaderMap,
    change: CustomerChange,
) -> Result<Response, Problem> {
    let seen = seen(headers)?;
    let changed = state.store.change_customer(&customer.id, seen, change, &caller.actor).await?;
    show(state, caller, &changed).await
}

/// Registers a customer with his contacts and what he has.
#[utoipa::path(post, path = "/api/v1/customers", operation_id = "createCustomer", tag = "customers",
    request_body = NewCustomerBody,
    responses(
        (status = 201, description = "The customer.", body = CustomerView,
            headers(("ETag" = String, description = "His version, for If-Match."),
                ("Location" = String, description = "Where he is."))),
        (status = 409, description = "Another one stands for this [[customer]]; errors say who.",
            body = crate::http::error::ProblemDocument, content_type = "application/problem+json"),
        TakesBody))]
pub async fn create(
    State(state): State<HttpState>,
    caller: Caller,
    Body(body): Body<NewCustomerBody>,
) -> Result<Response, Problem> {
    let new = read(&state, |reader| reader.new_customer(body))?;
    let made = state.store.add_customer(&new, &caller.actor).await?;
    let place = format!("/api/v1/customers/{}", made.id);
    let mut response = show(&state, &caller, &made).await?;
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(place) = place.parse() {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// Changes the customer himself.
#[utoipa::path(patch, path = "/api/v1/customers/{customer}", operation_id = "changeCustomer", tag = "customers",
    request_body = CustomerBody,
    params(("customer" = String, Path, description = "Id.", max_length = 64),
        ("If-Match" = String, Header, description = "The ETag that was seen, as `\"v7\"`; `*` waives the comparison.")),
    responses((status = 200, description = "The customer as he is now.", body = CustomerView), ChangesCustomer, TakesBody))]
pub async fn edit(
    State(state): State<HttpState>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    Body(body): Body<CustomerBody>,
) -> Result<Response, Problem> {
    let customer = living(&state, &id).await?;
    let data = read(&state, |reader| reader.customer(body, customer.data.clone()))?;
    make(&state, &caller, &customer, &headers, CustomerChange::Edit(Box::new(data))).await
}

/// Adds a contact.
#[utoipa::path(post, path = "/api/v1/customers/{customer}/contacts", operation_id = "addContact", tag = "customers",
    request_body = ContactBody,
    params(("customer" = String, Path, description = "Id.", max_length = 64),
        ("If-Match" = String, Header, description = "The ETag that was seen, as `\"v7\"`; `*` waives the comparison.")),
    responses((status = 200, description = "The customer as he is now.", body = CustomerView), ChangesCustomer, TakesBody))]
pub async fn add_contact(
    State(state): State<HttpState>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    Body(body): Body<ContactBody>,
) -> Result<Response, Problem> {
    let customer = living(&state, &id).await?;
    let data = read(&state, |reader| reader.contact("", body, no_contact()))?;
    make(&state, &caller, &customer, &headers, CustomerChange::AddContact(Box::new(data))).await
}

/// Changes a contact; whatever was confirmed with the person has to be confirmed again.
#[utoipa::path(patch, path = "/api/v1/customers/{customer}/contacts/{contact}", operation_id = "changeContact", tag = "customers",
    request_body = ContactBody,
    params(("customer" = String, Path, description = "Id.", max_length = 64),
        ("contact" = String, Path, description = "Id of the contact.", max_length = 64),
        ("If-Match" = String, Header, description = "The ETag that was seen, as `\"v7\"`; `*` waives the comparison.")),
    responses((status = 200, description = "The customer as he is now.", body = CustomerView), ChangesCustomer, TakesBody))]
pub async fn edit_contact(
    State(state): State<HttpState>,
    caller: Caller,
    path: PartOf,
    headers: HeaderMap,
    Body(body): Body<ContactBody>,
) -> Result<Response, Problem> {
    let customer = living(&state, &path.customer).await?;
    let known = customer.contacts.iter().find(|contact| contact.id.0 == path.part);
    let known =
        known.ok_or_else(|| Problem::say(Code::NotFound, "no_part_of_customer").with("part", "contact"))?;
    let data = read(&state, |reader| reader.contact("", body, known.data.clone()))?;
    let change = CustomerChange::EditContact(known.id.clone(), Box::new(data));
    make(&state, &caller, &customer, &headers, change).await
}

/// Removes a contact.
#[utoipa::path(delete, path = "/api/v1/customers/{customer}/contacts/{contact}", operation_id = "removeContact", tag = "customers",
    params(("customer" = String, Path, description = "Id.", max_length = 64),
        ("contact" = String, Path, description = "Id of the contact.", max_length = 64),
        ("If-Match" = String, Header, description = "The ETag that was seen, as `\"v7\"`; `*` waives the comparison.")),
    responses((status = 200, description = "The customer as he is now.", body = CustomerView), ChangesCustomer, BadRequest))]
pub async fn remove_contact(
    State(state): State<HttpState>,
    caller: Caller,
    path: PartOf,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let customer = living(&state, &path.customer).await?;
    make(&state, &caller, &customer, &headers, CustomerChange::RemoveContact(ContactId(path.part))).await
}

/// Notes that the data of a contact was confirmed with the person (R32). Only who sees it in clear can have
/// asked him.
#[utoipa::path(post, path = "/api/v1/customers/{customer}/contacts/{contact}/verify", operation_id = "verifyContact", tag = "customers",
    params(("customer" = String, Path, description = "Id.", max_length = 64),
        ("contact" = String, Path, description = "Id of the contact.", max_length = 64),
        ("If-Match" = String, Header, description = "The ETag that was seen, as `\"v7\"`; `*` waives the comparison.")),
    responses((status = 200, description = "The customer as he is now.", body = CustomerView), ChangesCustomer, BadRequest))]
pub async fn verify_contact(
    State(state): State<HttpState>,
    caller: Caller,
    path: PartOf,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let customer = living(&state, &path.customer).await?;
    if sight(&state, &caller, &customer).await? == Sight::Masked {
        return Err(Problem::say(Code::Forbidden, "customer_masked").with("name", &caller.actor.0));
    }
    make(&state, &caller, &customer, &headers, CustomerChange::VerifyContact(ContactId(path.part))).await
}

/// Adds something that the customer has.
#[utoipa::path(post, path = "/api/v1/customers/{customer}/assets", operation_id = "addAsset", tag = "customers",
    request_body = AssetBody,
    params(("customer" = String, Path, description = "Id.", max_length = 64),
        ("If-Match" = String, Header, description = "The ETag that was seen, as `\"v7\"`; `*` waives the comparison.")),
    responses((status = 200, description = "The customer as he is now.", body = CustomerView), ChangesCustomer, TakesBody))]
pub async fn add_asset(
    State(state): State<HttpState>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    Body(body): Body<AssetBody>,
) -> Result<Response, Problem> {
    let customer = living(&state, &id).await?;
    let data = read(&state, |reader| reader.asset("", body, no_asset()))?;
    make(&state, &caller, &customer, &headers, CustomerChange::AddAsset(Box::new(data))).await
}

/// Changes something that the customer has.
#[utoipa::path(patch, path = "/api/v1/customers/{customer}/assets/{asset}", operation_id = "changeAsset", tag = "customers",
    request_body = AssetBody,
    params(("customer" = String, Path, description = "Id.", max_length = 64),
        ("asset" = String, Path, description = "Id of the asset.", max_length = 64),
        ("If-Match" = String, Header, description = "The ETag that was seen, as `\"v7\"`; `*` waives the comparison.")),
    responses((status = 200, description = "The customer as he is now.", body = CustomerView), ChangesCustomer, TakesBody))]
pub async fn edit_asset(
    State(state): State<HttpState>,
    caller: Caller,
    path: PartOf,
    headers: HeaderMap,
    Body(body): Body<AssetBody>,
) -> Result<Response, Problem> {
    let customer = living(&state, &path.customer).await?;
    let known = customer.assets.iter().find(|asset| asset.id == path.part);
    let known =
        known.ok_or_else(|| Problem::say(Code::NotFound, "no_part_of_customer").with("part", "asset"))?;
    let data = read(&state, |reader| reader.asset("", body, known.data.clone()))?;
    let change = CustomerChange::EditAsset(known.id.clone(), Box::new(data));
    make(&state, &caller, &customer, &headers, change).await
}

/// Removes something that the customer had.
#[utoipa::path(delete, path = "/api/v1/customers/{customer}/assets/{asset}", operation_id = "removeAsset", tag = "customers",
    params(("customer" = String, Path, description = "Id.", max_length = 64),
        ("asset" = String, Path, description = "Id of the asset.", max_length = 64),
        ("If-Match" = String, Header, description = "The ETag that was seen, as `\"v7\"`; `*` waives the comparison.")),
    responses((status = 200, description = "The customer as he is now.", body = CustomerView), ChangesCustomer, BadRequest))]
pub async fn remove_asset(
    State(state): State<HttpState>,
    caller: Caller,
    path: PartOf,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let customer = living(&state, &path.customer).await?;
    make(&state, &caller, &customer, &headers, CustomerChange::RemoveAsset(path.part)).await
}
