//! The sign-in page of mode OIDC: a list of the ten people in place of a log-in. Plain HTML, no script.

use crate::authorization::AuthorizationRequest;
use crate::authorize::{PATH, REFUSE};
use crate::html::{self, escape};
use crate::http::Answer;
use crate::outcome::OAuthError;
use crate::people::Person;
use crate::state::Server;

/// The page that asks who signs in. `query` is what leads back to it.
pub(crate) fn choose(server: &Server, asked: &AuthorizationRequest, query: &str) -> Answer {
    // A link is a GET, like the redirect that follows: a form would be held back by its own policy at the app's origin.
    let link = |person: &str| escape(&format!("{PATH}?{}&person={person}", without_person(query)));
    let people: String = server.people.all().into_iter().map(|person| row(person, &link)).collect();
    let scopes: String = asked.scopes.iter().map(|scope| format!("<li><code>{}</code>", escape(scope))).collect();
    let body = format!(
        "<h1>サインイン <small lang=en>Sign in (test)</small></h1>\
         <p><b>{client}</b> が次の情報の利用を求めています。<br><span lang=en>This app asks for:</span>\
         <ul class=scopes>{scopes}</ul>\
         <p>どなたですか？ <span lang=en>Who are you?</span></p><ol>{people}</ol>\
         <p><a class=refuse href=\"{refuse}\">許可しない <span lang=en>Refuse</span></a></p>\
         <p class=note>架空の人物だけがいる試験用のサーバーです。\
         <span lang=en>A test server with made-up people only.</span></p>",
        client = escape(&asked.target.client_id),
        refuse = link(REFUSE),
    );
    page(200, &body, "sign-in page")
}

/// The page for a request that must not be redirected.
pub(crate) fn refusal(error: OAuthError) -> Answer {
    let body = format!(
        "<h1>このリクエストは受け付けられません <small lang=en>Request refused</small></h1>\
         <p lang=en><code>{}</code>: {}</p>",
        escape(error.error),
        escape(error.description)
    );
    page(400, &body, error.description)
}

fn row(person: &Person, link: &dyn Fn(&str) -> String) -> String {
    let number = person.number.to_string();
    format!("<li><a href=\"{}\">{}</a>", link(&number), escape(&person.name))
}

/// The query without an earlier choice, as it was escaped by the client.
fn without_person(query: &str) -> String {
    let kept = query.split('&').filter(|pair| !pair.starts_with("person="));
    kept.collect::<Vec<_>>().join("&")
}

fn page(status: u16, body: &str, outcome: &'static str) -> Answer {
    let html = format!(
        "<!doctype html><html lang=ja><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width,initial-scale=1\"><title>Kazasu sandbox</title>\
         <style>{STYLE}</style><main>{body}</main></html>"
    );
    html::page(status, html, POLICY, outcome)
}

const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
const STYLE: &str = "body{font:16px/1.6 system-ui,sans-serif;color:#1a1a1c;background:#f2f4f7;margin:0}\
main{max-width:30rem;margin:1rem auto;padding:1rem 1.5rem;background:#fff;border-radius:8px}\
h1{font-size:1.4rem}small,[lang=en]{font-size:.85rem;font-weight:400;color:#56595f}\
ol{padding:0;list-style:none}ol a,.refuse{display:block;padding:.7rem 1rem;margin:.4rem 0;border:1px solid #949aa3;\
border-radius:6px;color:#0b4f8f;text-decoration:none}a:hover,a:focus{background:#e8f1fb;outline:2px solid #0b4f8f}\
.refuse{color:#a5110d;text-align:center}.scopes{font-size:.85rem;padding-left:1.2rem}.note{font-size:.85rem}";
