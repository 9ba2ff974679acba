//! The description of the API (OpenAPI 3.1), made of the routes themselves.
//!
//! A handler's annotation names what it answers; what every route answers alike (no role, a
//! defect, a database that does not answer) is added where the route is added to the router.

use std::collections::BTreeMap;

use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response};
use utoipa::{IntoResponses, OpenApi as _};

use crate::store::Role;

use super::auth::Needed;
use super::error::ProblemDocument;

type Responses = BTreeMap<String, RefOr<Response>>;

fn problem(description: &str) -> RefOr<Response> {
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let response = ResponseBuilder::new().description(description);
    RefOr::T(response.content("application/problem+json", content).build())
}

macro_rules! problems {
    ($($(#[doc = $doc:literal])+ $name:ident { $($status:literal => $description:literal),+ $(,)? })+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub struct $name;

        impl IntoResponses for $name {
            fn responses() -> Responses {
                [$(($status.to_owned(), problem($description))),+].into_iter().collect()
            }
        }
    )+};
}

problems! {
    /// Reads parameters or headers that can be wrong.
    BadRequest { "400" => "The request cannot be understood." }
    /// Wants to know who asks.
    Unauthorized { "401" => "No token and no session, or none that is valid." }
    /// Lets not everybody.
    Forbidden { "403" => "The role does not suffice, or another site sent the change." }
    /// Looks for something by name.
    NotFound { "404" => "There is no such thing." }
    /// Changes something that may not be in the state for it.
    Conflict { "409" => "It cannot happen now; errors say why." }
    /// Reads a body.
    TakesBody {
        "400" => "The request cannot be understood.",
        "413" => "The body has more than 1 MiB.",
        "415" => "The body is of another media type.",
        "422" => "Fields are wrong; errors point at them.",
    }
    /// Reads parameters whose values can be wrong.
    Invalid { "422" => "Values are wrong; errors point at them." }
    /// Changes a ticket.
    Changes {
        "400" => "The request cannot be understood.",
        "404" => "There is no such ticket.",
        "409" => "The ticket does not allow this now; errors name every guard that is not met.",
        "412" => "The ticket has changed meanwhile; the problem holds it as it is now.",
        "428" => "If-Match is missing.",
    }
    /// Changes a customer.
    ChangesCustomer {
        "400" => "The request cannot be understood.",
        "404" => "There is no such customer, or he was erased, or has no such contact or asset.",
        "409" => "Something speaks against it; errors say what.",
        "412" => "The customer has changed meanwhile.",
        "428" => "If-Match is missing.",
    }
    /// Has its limits.
    TooManyRequests { "429" => "Too many requests; Retry-After says when to try again." }
    /// Can fail through no fault of the client.
    Fails {
        "500" => "A defect of Linesman, logged and counted.",
        "503" => "The database or a worker does not answer in time; try again.",
    }
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Linesman",
        description = "Measures voice networks, locates the fault, opens the ticket with its evidence and \
                       closes it on proof. Errors are problem details (RFC 9457) in the language of \
                       Accept-Language (en, zh-CN). Lists go on at the address of `Link: rel=\"next\"`. \
                       Changes of a ticket need `If-Match` with the ETag that was seen. A target's name \
                       in a path is percent-encoded: `server-1%2Ficmp`."
    ),
    components(schemas(ProblemDocument)),
    tags(
        (name = "tickets", description = "Tickets, their events and evidence, and what people do to them."),
        (name = "people", description = "Departments, persons, duty, absence; who gets a ticket, in which order work is done."),
        (name = "routes", description = "Lines that are stopped, diverted and restored, with approval and dry run."),
        (name = "forms", description = "The forms of R38 to R47, links for customers, compensation."),
        (name = "reconciliations", description = "Bills that are compared, and their reports."),
        (name = "customers", description = "Who the customers are, masked where a role does not need it; who looked."),
        (name = "network", description = "Inventory, targets, observations, faults and the diagnosis."),
        (name = "maintenance", description = "Announced work: trouble inside it opens no ticket, what outlives it does."),
        (name = "knowledge", description = "What was learnt of earlier cases, and set phrases."),
        (name = "reports", description = "Monthly statistics, frozen and as tickets stand."),
        (name = "administration", description = "Settings and tokens."),
        (name = "session", description = "Signing a browser in and out."),
        (name = "operation", description = "Health, metrics, probes, live events, this description."),
    )
)]
struct Base;

/// The description before any route.
#[must_use]
pub fn base() -> OpenApi {
    let mut document = Base::openapi();
    let mut bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("lm_…");
    bearer = bearer.description(Some("A token of `linesman token create`; its role decides what it may do."));
    let session = ApiKeyValue::with_description(
        "linesman_session",
        "Set by POST /login; `__Host-linesman` over TLS. Changes also need `Sec-Fetch-Site: same-origin`.",
    );
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    document
}

/// Adds to an operation what every route behind a guard answers.
pub fn behind_guard(operation: &mut Operation, needed: Needed) {
    let no_scopes: [&str; 0] = [];
    operation.security = Some(vec![
        SecurityRequirement::new("bearer", no_scopes),
        SecurityRequirement::new("session", no_scopes),
    ]);
    // Read by the test that walks all routes, and by whoever writes a client.
    let mut extensions = ExtensionsBuilder::new().add("x-linesman-role", needed.role.name());
    if needed.or_billing {
        extensions = extensions.add("x-linesman-also", Role::Billing.name());
    }
    operation.extensions = Some(extensions.build());
    add::<Unauthorized>(operation);
    add::<Forbidden>(operation);
    add::<Fails>(operation);
}

/// Says that an operation needs nobody's name.
pub fn open(operation: &mut Operation) {
    operation.security = Some(Vec::new());
}

fn add<R: IntoResponses>(operation: &mut Operation) {
    for (status, response) in R::responses() {
        operation.responses.responses.entry(status).or_insert(response);
    }
}

/// The operations of a path.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}
