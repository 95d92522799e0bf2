//! Routes, and what happens around every request: limits, counting, logging and the headers of every answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{Response, StatusCode, request::Parts};

use crate::http::{Answer, MAX_REQUEST_BODY, Request};
use crate::listener::ConnectionHandle;
use crate::misbehave;
use crate::modes::Mode;
use crate::outcome::{Issue, OAuthError};
use crate::recent::Arrival;
use crate::state::{FHIR_PATH, Server};
use crate::switches::SwitchName;
use crate::{
    authorize, consent, coverage, discovery, eligibility, nonce, pushed, records, revoke, rewrite, seal, task, token,
    upstream,
};

/// The application, to be served on each connection.
pub(crate) fn application(server: Arc<Server>) -> Router {
    Router::new().fallback(serve).with_state(server)
}

struct Route {
    method: &'static str,
    /// The last segment `<id>` stands for any one segment.
    path: &'static str,
    answer: fn(&Server, &Request) -> Answer,
}

const ROUTES: &[Route] = &[
    route("GET", "/r4/.well-known/smart-configuration", |server, _| discovery::smart_configuration(server)),
    route("GET", "/.well-known/oauth-authorization-server", |server, _| discovery::authorization_server(server)),
    route("GET", "/.well-known/oauth-protected-resource", |server, _| discovery::protected_resource(server)),
    route("GET", "/.well-known/oauth-protected-resource/r4", |server, _| discovery::protected_resource(server)),
    route("GET", "/jwks.json", |server, _| seal::keys(server)),
    route("GET", "/r4/metadata", |server, _| discovery::capability_statement(server)),
    route("POST", "/nonce", nonce::answer),
    route("POST", "/token", token::answer),
    route("GET", authorize::PATH, authorize::answer),
    route("POST", authorize::PUSHED_PATH, pushed::answer),
    route("POST", "/revoke", revoke::answer),
    route("POST", "/r4/CoverageEligibilityRequest/$submit", eligibility::submit),
    route("POST", "/r4/CoverageEligibilityResponse/_search", eligibility::search),
    route("POST", "/r4/Coverage/_search", coverage::search),
    route("GET", "/r4/Coverage", coverage::page),
    route("GET", "/r4/Coverage/<id>", coverage::read),
    route("POST", "/r4/ExplanationOfBenefit/_search", records::search),
    route("GET", "/r4/ExplanationOfBenefit", records::page),
    route("GET", "/r4/ExplanationOfBenefit/<id>", records::read),
    route("POST", "/r4/MedicationDispense/_search", records::search),
    route("GET", "/r4/MedicationDispense", records::page),
    route("GET", "/r4/MedicationDispense/<id>", records::read),
    route("POST", "/r4/Immunization/_search", records::search),
    route("GET", "/r4/Immunization", records::page),
    route("GET", "/r4/Immunization/<id>", records::read),
    route("POST", "/r4/Observation/_search", records::search),
    route("GET", "/r4/Observation", records::page),
    route("GET", "/r4/Observation/<id>", records::read),
    route("POST", "/r4/AuditEvent/_search", records::search),
    route("GET", "/r4/AuditEvent", records::page),
    route("GET", "/r4/AuditEvent/<id>", records::read),
    route("POST", "/r4/Consent", consent::create),
    route("POST", "/r4/Consent/_search", consent::search),
    route("GET", "/r4/Consent", consent::page),
    route("GET", "/r4/Consent/<id>", consent::read),
    route("PUT", "/r4/Consent/<id>", consent::withdraw),
    route("POST", "/r4/Task", task::create),
    route("POST", "/r4/Task/_search", task::search),
    route("GET", "/r4/Task", task::page),
    route("GET", "/r4/Task/<id>", task::read),
    route("PUT", "/r4/Task/<id>", task::withdraw),
];

const fn route(method: &'static str, path: &'static str, answer: fn(&Server, &Request) -> Answer) -> Route {
    Route { method, path, answer }
}

impl Route {
    /// Whether a mode needs this route: a card nonce is of use only where cards sign assertions.
    fn is_on(&self, server: &Server) -> bool {
        let on = |mode| server.modes.contains(&mode);
        match self.path {
            "/nonce" => on(Mode::Card) || on(Mode::Exchange),
            authorize::PATH | authorize::PUSHED_PATH => on(Mode::Oidc),
            _ => true,
        }
    }

    fn has_path(&self, path: &str) -> bool {
        match self.path.strip_suffix("<id>") {
            Some(parent) => path.strip_prefix(parent).is_some_and(|id| !id.is_empty() && !id.contains('/')),
            None => self.path == path,
        }
    }
}

async fn serve(
    State(server): State<Arc<Server>>,
    ConnectInfo(connection): ConnectInfo<ConnectionHandle>,
    request: axum::extract::Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let arrival = Arrival::now(&parts.headers);
    let body = tokio::time::timeout(BODY_LIMIT, to_bytes(body, MAX_REQUEST_BODY)).await;
    let slow = server.switches.take(SwitchName::Slow).map(|taken| taken.number_or(500).min(60_000));
    // A thread of its own: verification takes a while, and a request once received is processed even when its
    // connection breaks, as idempotency has to expect.
    let answered = tokio::task::spawn_blocking({
        let server = Arc::clone(&server);
        move || match body {
            Ok(Ok(body)) => handle(&server, &arrival, Request::new(parts, body)),
            Ok(Err(_)) => finish(&server, &arrival, ("-", "-"), false, refusal(&parts, Issue::TOO_LARGE)),
            Err(_) => finish(&server, &arrival, ("-", "-"), false, refusal(&parts, Issue::TIMEOUT.with_status(408))),
        }
    });
    let answer = answered.await.unwrap_or_else(|_| Answer::empty(500, "internal fault"));
    if let Some(milliseconds) = slow {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
    if answer.dropped {
        connection.break_off();
    }
    response(answer)
}

impl Request {
    pub(crate) fn new(parts: Parts, body: axum::body::Bytes) -> Self {
        // A client may escape the dollar sign of an operation (RFC 3986, 2.4).
        let path = parts.uri.path().to_owned();
        let query = parts.uri.query().map(str::to_owned);
        Self { method: parts.method, path, query, headers: parts.headers, body }
    }

    fn route_path(&self) -> String {
        self.path.replace("%24", "$")
    }
}

fn handle(server: &Server, arrival: &Arrival, request: Request) -> Answer {
    server.recording.received(&request);
    let path = request.route_path();
    let routes = || ROUTES.iter().filter(|route| route.has_path(&path) && route.is_on(server));
    // An id such as `_search` belongs to the route that names it.
    let route = routes().find(|route| route.method == request.method.as_str());
    let nonce_mode = server.switches.is_armed(SwitchName::UseDpopNonce);
    let Some(route) = route else {
        let allowed: Vec<&str> = routes().map(|route| route.method).collect();
        let answer = if allowed.is_empty() {
            Answer::from(Issue::NO_SUCH_ROUTE)
        } else {
            Answer::from(Issue::NO_SUCH_METHOD).with_header("allow", allowed.join(", "))
        };
        return finish(server, arrival, (request.method.as_str(), "-"), nonce_mode, answer);
    };
    let refused = limited(server, route).or_else(|| seal::refused(server, &request));
    let answer =
        refused.or_else(|| upstream::answer(server, &request)).unwrap_or_else(|| (route.answer)(server, &request));
    let answer = rewrite::rewrite(server, &request, answer);
    let is_forged = path.starts_with(FHIR_PATH) && server.switches.takes(SwitchName::ForgedText);
    let answer = if is_forged { misbehave::forged_text(answer) } else { answer };
    let answer = seal::seal(server, &request, answer);
    server.capture.add(&request, &answer);
    finish(server, arrival, (route.method, route.path), nonce_mode, answer)
}

/// The refusal of a request past the rate limit, if one is switched on.
fn limited(server: &Server, route: &Route) -> Option<Answer> {
    if route.method != "POST" {
        return None;
    }
    let limit = server.switches.take(SwitchName::RateLimit)?.number_or(60);
    let seconds = server.rate_limit.wait(limit, server.clock.now())?;
    Some(if route.path.starts_with(FHIR_PATH) {
        misbehave::retry_after(Issue::THROTTLED, seconds)
    } else {
        misbehave::retry_after(OAuthError::SLOW_DOWN, seconds)
    })
}

/// An error in the form of the half of the server that was called.
fn refusal(parts: &Parts, issue: Issue) -> Answer {
    if parts.uri.path().starts_with(FHIR_PATH) {
        return issue.into();
    }
    let answer = Answer::from(OAuthError::INVALID_REQUEST);
    Answer { status: issue.status, outcome: Answer::from(issue).outcome, ..answer }
}

/// Counts, logs and adds the headers that every answer has. `path` is that of the route: ids are not logged.
fn finish(
    server: &Server,
    arrival: &Arrival,
    (method, path): (&str, &str),
    nonce_mode: bool,
    mut answer: Answer,
) -> Answer {
    server.count(|counters| {
        counters.requests += 1;
        if path != "-" {
            *counters.by_route.entry(format!("{method} {path}")).or_default() += 1;
        }
    });
    let method = if KNOWN_METHODS.contains(&method) { method } else { "-" };
    let code = answer.code.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
    server.log.line(&format!("{method} {path} {} {}{code}", answer.status, answer.outcome));
    server.recent.add(arrival, (method, path), answer.status, server.clock.now());
    server.recording.answered(&answer);
    answer = dated(server, answer);
    if nonce_mode || answer.needs_dpop_nonce {
        let nonce = server.dpop.issue_nonce(server.clock.now());
        answer = answer.with_header("dpop-nonce", nonce);
    }
    answer
}

/// The answer with the time, or with the one that a switch or a cache before the server would give it.
fn dated(server: &Server, answer: Answer) -> Answer {
    let switches = &server.switches;
    if let Some(taken) = switches.take(SwitchName::WrongDate) {
        let date = taken.value.unwrap_or_else(|| "Thu, 01 Jan 1970 00:00:00 GMT".to_owned());
        return answer.with_header("date", date);
    }
    let is_cacheable = !answer.headers.contains(&("cache-control", "no-store".to_owned()));
    let kept = |name| switches.take(name).filter(|_| is_cacheable).map(|taken| taken.number_or(1800));
    if let Some(age) = kept(SwitchName::DiscoveryAged) {
        return answer.with_header("date", server.clock.http_date_before(age)).with_header("age", age.to_string());
    }
    let age = kept(SwitchName::DiscoveryCached).unwrap_or(0);
    answer.with_header("date", server.clock.http_date_before(age))
}

/// The answer as HTTP.
pub(crate) fn response(answer: Answer) -> Response<Body> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    // Only a redirect target given to a switch could be no header value.
    response.body(Body::from(answer.body)).unwrap_or_else(|_| {
        let mut failed = Response::new(Body::empty());
        *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        failed
    })
}

const KNOWN_METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// How long a request body may take to arrive.
pub(crate) const BODY_LIMIT: Duration = Duration::from_secs(15);
