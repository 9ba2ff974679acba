//! All routes with the role that each needs, and what every request passes on its way to them.
//!
//! A route is added by [`Routes::needs`] with its role, or by [`Routes::open`] with the reason why
//! it needs none; there is no third way, so a route without a decision cannot be written.

use std::any::Any;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use crate::metrics::Format;
use crate::store::Role;

use super::auth::Needed;
use super::error::{Code, LARGEST_BODY, Problem, dress};
use super::{HttpState, api, auth, health, login, openapi, probe, sse};

/// Longest that a handler may take before its answer begins.
const LONGEST_ANSWER: Duration = Duration::from_secs(30);

/// Longest that a recording may take on its way from a phone, and its answer.
const LONGEST_RECORDING: Duration = Duration::from_secs(600);

/// Where files are uploaded.
const UPLOADS: [&str; 2] = ["/api/v1/reconciliations", "/reconciliations"];

/// Routes being gathered.
pub struct Routes {
    state: HttpState,
    inner: OpenApiRouter<HttpState>,
}

impl Routes {
    fn new(state: HttpState) -> Self {
        Self { state, inner: OpenApiRouter::with_openapi(openapi::base()) }
    }

    /// Adds routes that need at least this role.
    #[must_use]
    pub fn needs(self, role: Role, routes: UtoipaMethodRouter<HttpState>) -> Self {
        self.guarded(role.into(), routes)
    }

    /// Adds routes that need at least this role, or billing: their handlers show billing bills alone.
    #[must_use]
    pub fn needs_or_billing(self, role: Role, routes: UtoipaMethodRouter<HttpState>) -> Self {
        self.guarded(Needed { role, or_billing: true }, routes)
    }

    fn guarded(self, needed: Needed, (schemas, mut paths, methods): UtoipaMethodRouter<HttpState>) -> Self {
        for item in paths.paths.values_mut() {
            openapi::operations(item).for_each(|operation| openapi::behind_guard(operation, needed));
        }
        let guard = middleware::from_fn_with_state((self.state.clone(), needed), auth::guard);
        let inner = self.inner.routes((schemas, paths, methods.route_layer(guard)));
        Self { inner, ..self }
    }

    /// Adds routes for everybody, for the reason stated.
    #[must_use]
    pub fn open(
        self,
        _reason: &'static str,
        (schemas, mut paths, methods): UtoipaMethodRouter<HttpState>,
    ) -> Self {
        for item in paths.paths.values_mut() {
            openapi::operations(item).for_each(openapi::open);
        }
        Self { inner: self.inner.routes((schemas, paths, methods)), ..self }
    }
}

fn gather(state: &HttpState) -> Routes {
    let routes = Routes::new(state.clone())
        .open("who signs in has no session yet", routes!(login::log_in))
        .open("a supervisor has no token", routes!(health::live))
        .open("a load balancer has no token", routes!(health::ready))
        .needs_or_billing(Role::Viewer, routes!(login::log_out))
        .needs(Role::Viewer, routes!(metrics))
        .needs_or_billing(Role::Viewer, routes!(description))
        .needs(Role::Viewer, routes!(sse::events))
        .needs(Role::Viewer, routes!(probe::probe));
    api::routes(routes)
}

/// Everything that Linesman answers; `pages` are those of people, guarded here as a whole: all but
/// `/login` and `/assets/` need a role.
pub fn router(state: HttpState, pages: Router) -> Router {
    let (own, document) = gather(&state).inner.split_for_parts();
    let one_by_one = api::bulk::OneByOne::default();
    // The same routes again: a change to many tickets passes for each of them what a change to one passes.
    let (each, _) = gather(&state).inner.split_for_parts();
    one_by_one.set(each.with_state(state.clone()).layer(middleware::from_fn(dress)));
    let own = own.layer(axum::Extension(Document(std::sync::Arc::new(document))));
    let own = own.layer(axum::Extension(one_by_one));
    let pages = if pages.has_routes() {
        pages.route_layer(middleware::from_fn_with_state(state.clone(), auth::guard_pages))
    } else {
        pages
    };
    let panics = state.metrics.clone();
    let caught = CatchPanicLayer::custom(move |panic: Box<dyn Any + Send + 'static>| {
        panics.panicked();
        let message = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        tracing::error!(message, "a handler panicked; the other requests go on");
        Problem::internal().into_response()
    });
    Router::new()
        .merge(own.with_state(state.clone()))
        .merge(pages)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(in_time))
        .layer(caught)
        .layer(middleware::from_fn(dress))
        .layer(middleware::from_fn_with_state(state, wrap))
}

/// The description of all routes, without serving them: for the command line and tests.
#[must_use]
pub fn description_of(state: &HttpState) -> OpenApi {
    gather(state).inner.into_openapi()
}

#[derive(Clone)]
struct Document(std::sync::Arc<OpenApi>);

/// This description.
#[utoipa::path(get, path = "/openapi.json", operation_id = "getDescription", tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1.", body = serde_json::Value)))]
async fn description(axum::Extension(document): axum::Extension<Document>) -> Response {
    Json(&*document.0).into_response()
}

/// Metrics of Linesman and its measurements for Prometheus; give the token as `authorization` in the scrape settings.
/// To whom accepts `application/openmetrics-text` it is OpenMetrics, with a call as the exemplar of counts of voice.
#[utoipa::path(get, path = "/metrics", operation_id = "getMetrics", tag = "operation",
    responses((status = 200, description = "Prometheus text format, or OpenMetrics.", body = String,
        content_type = "text/plain")))]
async fn metrics(State(state): State<HttpState>, headers: HeaderMap) -> Response {
    let accept: Vec<&str> =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let format = Format::wanted(&accept.join(","));
    let kind = [(header::CONTENT_TYPE, format.content_type()), (header::VARY, "Accept")];
    (kind, state.metrics.render_in(format)).into_response()
}

/// No handler holds a connection for ever. What streams has begun its answer by then.
async fn in_time(request: Request, next: Next) -> Response {
    // A bill of gigabytes takes its time; it is bounded by its size and by each of its pieces.
    if request.method() == axum::http::Method::POST && UPLOADS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let path = request.uri().path();
    // Bounded in size; whoever sends it has a session or a token.
    let is_recording = request.method() == axum::http::Method::POST
        && (path.ends_with("/attachments") || (path.starts_with("/tickets/") && path.ends_with("/files")));
    let longest = if is_recording { LONGEST_RECORDING } else { LONGEST_ANSWER };
    match tokio::time::timeout(longest, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let problem = Problem::say(Code::Timeout, "timeout").with("seconds", longest.as_secs());
            problem.retry_after(5).into_response()
        }
    }
}

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; frame-ancestors 'none'; \
     base-uri 'none'; form-action 'self'";

/// Counts every answer and puts on it what every browser must know.
async fn wrap(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let is_asset = request.uri().path().starts_with("/assets/");
    let mut response = next.run(request).await;
    let route = route.as_deref().unwrap_or("unmatched");
    state.metrics.answered(method.as_str(), route, response.status().as_u16());

    let https = auth::is_https(&state);
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    put(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::REFERRER_POLICY, "same-origin");
    put(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    put(header::VARY, "Accept-Language");
    if https {
        put(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    if !is_asset {
        put(header::CACHE_CONTROL, "no-store");
    }
    response
}
