//! `GET /authorize`: the page of mode OIDC, where one of the ten people signs in or refuses.

use crate::authorization::{AuthorizationRequest, Target};
use crate::form::{self, Form};
use crate::http::{Answer, Request};
use crate::login_page;
use crate::outcome::OAuthError;
use crate::people::Person;
use crate::pushed;
use crate::state::Server;
use crate::switches::SwitchName;

/// Answers `GET /authorize`: with the page, or with a redirect once somebody has chosen.
pub(crate) fn answer(server: &Server, request: &Request) -> Answer {
    let query = request.query.as_deref().unwrap_or_default();
    let Some(form) = Form::parse(query.as_bytes()) else {
        return login_page::refusal(OAuthError::INVALID_REQUEST.described("query malformed or a parameter repeated"));
    };
    match ask(server, &form) {
        Ok(asked) => decide(server, &form, asked, query),
        // Nothing is redirected to an address that is not known to be the client's (RFC 6749, 4.1.2.1).
        Err(Fault { target: None, error }) => login_page::refusal(error),
        Err(Fault { target: Some(target), error }) => refuse(server, &target, error),
    }
}

/// An error, and where it may be told.
struct Fault {
    target: Option<Box<Target>>,
    error: OAuthError,
}

/// The request that the parameters make, or that was pushed.
fn ask(server: &Server, form: &Form) -> Result<AuthorizationRequest, Fault> {
    let untold = |error| Fault { target: None, error };
    if let Some(uri) = form.get("request_uri") {
        let client_id = crate::token::client(server, form).map_err(untold)?;
        let unknown = OAuthError::INVALID_REQUEST.described("request_uri unknown, expired or of another client");
        return server.pushed.find(uri, client_id, server.clock.now()).ok_or(untold(unknown));
    }
    let target = Target::parse(server, form).map_err(untold)?;
    let told = |error| Fault { target: Some(Box::new(target.clone())), error };
    if server.switches.is_armed(SwitchName::OidcParRequired) {
        return Err(told(OAuthError::INVALID_REQUEST.described("the request must be pushed")));
    }
    AuthorizationRequest::parse(server, form, target.clone()).map_err(told)
}

fn decide(server: &Server, form: &Form, asked: AuthorizationRequest, query: &str) -> Answer {
    let chosen = form.get("person").or(asked.login_hint.as_deref());
    let person = chosen.and_then(|number| server.people.with_number(number.parse().ok()?));
    let refuses = form.get("person") == Some(REFUSE);
    let switched = server.switches.take(SwitchName::OidcError);
    if person.is_none() && !refuses && switched.is_none() {
        return login_page::choose(server, &asked, query);
    }
    if let Some(uri) = form.get("request_uri") {
        server.pushed.forget(uri);
    }
    if let Some(taken) = switched {
        let error = taken.value.unwrap_or_else(|| "server_error".to_owned());
        return redirect(server, &asked.target, vec![("error", error)], "refused by switch");
    }
    match person {
        Some(person) => approve(server, asked, person),
        None => refuse(server, &asked.target, OAuthError::REFUSED_BY_PERSON),
    }
}

/// Sends the code, unless the person is stopped.
fn approve(server: &Server, asked: AuthorizationRequest, person: &Person) -> Answer {
    let member = server.member(person.number);
    if member.revoked || member.suspended {
        let stopped = if member.revoked { OAuthError::SIGN_IN_REVOKED } else { OAuthError::SUSPENDED };
        return refuse(server, &asked.target, stopped);
    }
    let target = asked.target.clone();
    match server.codes.issue(asked, person.number, server.clock.now()) {
        Some(code) => redirect(server, &target, vec![("code", code)], "code issued"),
        None => refuse(server, &target, OAuthError::UNAVAILABLE),
    }
}

fn refuse(server: &Server, target: &Target, error: OAuthError) -> Answer {
    let mut parameters = vec![("error", error.error.to_owned()), ("error_description", error.description.to_owned())];
    // The member of the token endpoint's errors: a stopped card needs other words than a refusal.
    parameters.extend(error.card_error.map(|card_error| ("card_error", card_error.to_owned())));
    redirect(server, target, parameters, error.description)
}

/// An authorization response (RFC 6749, 4.1.2), with the issuer of RFC 9207 and the state that was sent.
fn redirect(
    server: &Server,
    target: &Target,
    mut parameters: Vec<(&'static str, String)>,
    outcome: &'static str,
) -> Answer {
    let switches = &server.switches;
    if switches.takes(SwitchName::OidcWrongIss) {
        parameters.push(("iss", "https://other.example".to_owned()));
    } else if !switches.takes(SwitchName::OidcNoIss) {
        parameters.push(("iss", server.issuer.clone()));
    }
    if switches.takes(SwitchName::OidcWrongState) {
        parameters.push(("state", crate::random::token()));
    } else if !switches.takes(SwitchName::OidcNoState) {
        parameters.extend(target.state.clone().map(|state| ("state", state)));
    }
    let query = parameters.iter().map(|(name, value)| format!("{name}={}", form::encode(value)));
    let query = query.collect::<Vec<_>>().join("&");
    let separator = if target.redirect_uri.contains('?') { '&' } else { '?' };
    Answer::empty(303, outcome)
        .with_header("location", format!("{}{separator}{query}", target.redirect_uri))
        .with_header("referrer-policy", "no-referrer")
}

/// Path of the endpoint.
pub(crate) const PATH: &str = "/authorize";
/// Path at which requests are pushed to it.
pub(crate) const PUSHED_PATH: &str = pushed::PATH;
/// Value of the parameter `person` with which the page says no.
pub(crate) const REFUSE: &str = "refuse";
