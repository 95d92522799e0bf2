//! The admin page: switches, people and the last requests of the running sandbox, in a browser on this machine.
//!
//! It is plain HTTP and asks for no password, so it listens on 127.0.0.1 only and answers its own pages only: the
//! `Host` header keeps out names that were rebound to this machine, `Origin` and a token keep out other sites' forms.

mod page;

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::Response;
use serde_json::{Value, json};

use crate::form::Form;
use crate::http::{Answer, Request};
use crate::random;
use crate::server;
use crate::state::Server;
use crate::switches::{Switch, SwitchName};

/// What the admin page needs beside the sandbox.
struct Admin {
    server: Arc<Server>,
    /// `Host` values by which the page may be called.
    hosts: [String; 2],
    /// Drawn for each run; a page that was served by this one knows it.
    token: String,
}

/// Binds the page's own port on 127.0.0.1; port 0 takes a free one.
pub(crate) fn bind(port: u16) -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves the page; must be called inside the runtime.
pub(crate) fn start(listener: TcpListener, server: Arc<Server>) -> io::Result<()> {
    let port = listener.local_addr()?.port();
    let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let admin = Arc::new(Admin { server, hosts, token: random::token() });
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let application = Router::new().fallback(serve).with_state(admin);
    tokio::spawn(async move { axum::serve(listener, application).await });
    Ok(())
}

async fn serve(State(admin): State<Arc<Admin>>, request: axum::extract::Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let answer = match tokio::time::timeout(server::BODY_LIMIT, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(body)) => admin.answer(&Request::new(parts, body)),
        Ok(Err(_)) => Answer::empty(413, ""),
        Err(_) => Answer::empty(408, ""),
    };
    server::response(answer.with_header("cross-origin-resource-policy", "same-origin"))
}

impl Admin {
    fn answer(&self, request: &Request) -> Answer {
        let Some(host) = self.host(request) else { return Answer::empty(421, "") };
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/") => page::answer(&self.server, &self.token),
            ("GET", "/state") => Answer::json(200, &self.state(), ""),
            ("POST", "/switch") => self.change(request, host),
            (_, "/" | "/state") => Answer::empty(405, "").with_header("allow", "GET"),
            (_, "/switch") => Answer::empty(405, "").with_header("allow", "POST"),
            _ => Answer::empty(404, ""),
        }
    }

    /// The name by which the page was called, if it is one of its own.
    fn host<'a>(&self, request: &'a Request) -> Option<&'a str> {
        let host = request.header("host").ok()??;
        self.hosts.iter().any(|own| own == host).then_some(host)
    }

    /// Arms or disarms what the form says, if it was sent by a page of this run.
    fn change(&self, request: &Request, host: &str) -> Answer {
        let origin = format!("http://{host}");
        if !matches!(request.header("origin"), Ok(Some(sent)) if sent == origin) {
            return Answer::empty(403, "");
        }
        if !request.has_media_type(&["application/x-www-form-urlencoded"]) {
            return Answer::empty(415, "");
        }
        let Some(form) = Form::parse(&request.body) else { return Answer::empty(400, "") };
        if form.get("token") != Some(&self.token) {
            return Answer::empty(403, "");
        }
        match change_of(&form) {
            Some(Change::Arm(switch)) => self.server.switches.arm(switch),
            Some(Change::Disarm(name)) => self.server.switches.disarm(name),
            Some(Change::DisarmAll) => self.server.switches.disarm_all(),
            None => return Answer::empty(400, ""),
        }
        Answer::json(200, &self.state(), "")
    }

    fn state(&self) -> Value {
        let armed = self.server.switches.armed();
        let switches = armed.iter().map(|switch| json!({ "name": switch.name.as_str(), "armed": switch.to_string() }));
        let people = self
            .server
            .people
            .all()
            .into_iter()
            .map(|person| json!({ "number": person.number, "state": page::state(&self.server, person) }));
        json!({
            "switches": switches.collect::<Vec<_>>(),
            "people": people.collect::<Vec<_>>(),
            "requests": self.server.recent.list(),
        })
    }
}

enum Change {
    Arm(Switch),
    Disarm(SwitchName),
    DisarmAll,
}

fn change_of(form: &Form) -> Option<Change> {
    let name = || form.get("name")?.parse::<SwitchName>().ok();
    match form.get("do")? {
        "arm" => {
            let times = form.get("times").map(str::parse::<u32>).transpose().ok()?;
            let value = form.get("value").map(str::to_owned);
            let fits = |value: &String| value.len() <= MAX_VALUE && !value.chars().any(char::is_control);
            if times == Some(0) || !value.as_ref().is_none_or(fits) {
                return None;
            }
            Some(Change::Arm(Switch { name: name()?, times, value }))
        }
        "disarm" => Some(Change::Disarm(name()?)),
        "disarm-all" => Some(Change::DisarmAll),
        _ => None,
    }
}

const MAX_BODY: usize = 8 * 1024;
const MAX_VALUE: usize = 200;
