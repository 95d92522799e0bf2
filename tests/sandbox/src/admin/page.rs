//! The page itself: drawn once here, and kept up to date by its script from `/state`.

use crate::html::{self, escape};
use crate::http::Answer;
use crate::people::Person;
use crate::random;
use crate::state::Server;
use crate::switches::SwitchName;

/// Answers `GET /`.
pub(super) fn answer(server: &Server, token: &str) -> Answer {
    let nonce = random::token();
    let switches: String = SwitchName::ALL.iter().map(|name| switch_row(server, *name)).collect();
    let people: String = server.people.all().into_iter().map(|person| person_row(server, person)).collect();
    // What somebody else may have worded comes last, so that it is never taken for a placeholder.
    let html = PAGE
        .replace("{{nonce}}", &nonce)
        .replace("{{token}}", &escape(token))
        .replace("{{style}}", include_str!("page.css"))
        .replace("{{script}}", include_str!("page.js"))
        .replace("{{issuer}}", &escape(&server.issuer))
        .replace("{{people}}", &people)
        .replace("{{switches}}", &switches);
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; \
         form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    );
    html::page(200, html, &policy, "")
}

/// What the operator or an app has set for a person, in words.
pub(super) fn state(server: &Server, person: &Person) -> &'static str {
    let member = server.member(person.number);
    match (member.suspended, member.revoked) {
        (false, false) => "利用可 active",
        (true, false) => "一時停止 suspended",
        (false, true) => "証明書失効 revoked",
        (true, true) => "一時停止・証明書失効 suspended, revoked",
    }
}

fn switch_row(server: &Server, name: SwitchName) -> String {
    let armed: Vec<String> = server.switches.armed().iter().filter(|one| one.name == name).map(escaped).collect();
    let checked = if armed.is_empty() { "" } else { " checked" };
    format!(
        "<tr data-switch={name}><td><label><input type=checkbox{checked}> <code>{name}</code></label>\
         <td><input class=times inputmode=numeric placeholder=∞ aria-label=\"{name} times\">\
         <td><input class=value aria-label=\"{name} value\"><td class=armed>{armed}<td>{does}",
        armed = armed.join(", "),
        does = escape(name.description()),
    )
}

fn escaped(text: impl ToString) -> String {
    escape(&text.to_string())
}

fn person_row(server: &Server, person: &Person) -> String {
    format!(
        "<tr data-person={number}><td>{number}<td>{name}<td>{answer}<td class=state>{state}",
        number = person.number,
        name = escape(&person.name),
        answer = escape(&person.qualification),
        state = state(server, person),
    )
}

const PAGE: &str = include_str!("page.html");
