//! Everything the endpoints share.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::assertion::AssertionIds;
use crate::capture::Capture;
use crate::certificate::Roots;
use crate::client_assertion::ClientAssertions;
use crate::codes::Codes;
use crate::counters::Counters;
use crate::dpop::Proofs;
use crate::grants::Grants;
use crate::idempotency::Outcomes;
use crate::inquiry::Inquiries;
use crate::log::LogTarget;
use crate::modes::Mode;
use crate::nonce::Nonces;
use crate::people::People;
use crate::pushed::Pushed;
use crate::rate_limit::RateLimit;
use crate::recent::Recent;
use crate::recording::Recording;
use crate::rewrite::Rewrite;
use crate::seal::Seals;
use crate::search::Pages;
use crate::switches::{SwitchName, Switches};
use crate::sync::lock;
use crate::time::{Clock, UnixSeconds};
use crate::upstream::Upstream;
use crate::written::Written;
use crate::{registration, suspension, task, whole_file};

/// The running server as its endpoints see it.
pub(crate) struct Server {
    pub(crate) issuer: String,
    pub(crate) fhir_base: String,
    pub(crate) client_ids: Vec<String>,
    pub(crate) modes: Vec<Mode>,
    pub(crate) redirect_uri: String,
    pub(crate) clock: Clock,
    pub(crate) log: LogTarget,
    pub(crate) recording: Recording,
    pub(crate) switches: Arc<Switches>,
    pub(crate) people: People,
    pub(crate) roots: Roots,
    pub(crate) nonces: Nonces,
    pub(crate) assertion_ids: AssertionIds,
    pub(crate) client_assertions: ClientAssertions,
    pub(crate) pushed: Pushed,
    pub(crate) codes: Codes,
    pub(crate) dpop: Proofs,
    pub(crate) grants: Grants,
    pub(crate) outcomes: Outcomes,
    pub(crate) inquiries: Inquiries,
    pub(crate) written: Written,
    pub(crate) pages: Pages,
    pub(crate) rate_limit: RateLimit,
    pub(crate) recent: Recent,
    /// The FHIR server that keeps the resources, if it is not this one.
    pub(crate) upstream: Option<Upstream>,
    /// Held by the token request that is being answered.
    pub(crate) token_turn: Mutex<()>,
    /// Held by the write that is being processed.
    pub(crate) write_turn: Mutex<()>,
    pub(crate) seals: Seals,
    pub(crate) capture: Capture,
    pub(crate) rewrite: Rewrite,
    members: Mutex<HashMap<u8, Member>>,
    counters: Mutex<Counters>,
    state: Option<PathBuf>,
    /// Held while the state file is written.
    writing: Mutex<()>,
}

/// What the operator or an app has set for a person.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Member {
    pub(crate) suspended: bool,
    pub(crate) revoked: bool,
    /// When the person suspended themselves from an app.
    pub(crate) stopped_at: Option<UnixSeconds>,
}

impl Server {
    /// A server for `issuer`, with what its state file holds.
    ///
    /// # Errors
    /// When the state file exists and cannot be read, or the FHIR server behind this one cannot be used.
    pub(crate) fn new(issuer: String, options: crate::Options, switches: Arc<Switches>) -> io::Result<Self> {
        let upstream = options.fhir_base.map(|base| Upstream::new(&base, &options.fhir_roots_der)).transpose()?;
        options.switches.into_iter().for_each(|switch| switches.arm(switch));
        let server = Self {
            fhir_base: format!("{issuer}{FHIR_PATH}"),
            issuer,
            client_ids: options.client_ids,
            modes: options.modes,
            redirect_uri: options.redirect_uri,
            clock: Clock::new(options.clock_offset_s),
            log: options.log,
            recording: Recording::into_folder(options.record),
            people: People::load(switches.is_armed(SwitchName::PatientsRenamed)),
            switches,
            roots: Roots::of_people(),
            nonces: Nonces::default(),
            assertion_ids: AssertionIds::default(),
            client_assertions: ClientAssertions::default(),
            pushed: Pushed::default(),
            codes: Codes::default(),
            dpop: Proofs::default(),
            grants: Grants::default(),
            outcomes: Outcomes::default(),
            inquiries: Inquiries::default(),
            written: Written::default(),
            pages: Pages::default(),
            rate_limit: RateLimit::default(),
            recent: Recent::default(),
            upstream,
            token_turn: Mutex::default(),
            write_turn: Mutex::default(),
            seals: Seals::new(options.seal),
            capture: Capture::new(options.capture),
            rewrite: Rewrite::default(),
            members: Mutex::default(),
            counters: Mutex::default(),
            state: options.state,
            writing: Mutex::default(),
        };
        // With a FHIR server behind, what is kept here is suspensions only.
        if !server.load()? && server.upstream.is_none() {
            server.begin_at_kiosk();
        }
        Ok(server)
    }

    /// The absolute URL of a path on this server, as DPoP proofs name it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// The host of the FHIR base, without its port.
    pub(crate) fn host(&self) -> &str {
        let authority = self.issuer.trim_start_matches("https://");
        authority.rsplit_once(':').map_or(authority, |(host, _)| host)
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut lock(&self.counters));
    }

    pub(crate) fn counters(&self) -> Counters {
        lock(&self.counters).clone()
    }

    pub(crate) fn member(&self, person: u8) -> Member {
        lock(&self.members).get(&person).copied().unwrap_or_default()
    }

    pub(crate) fn set_member(&self, person: u8, change: impl FnOnce(&mut Member)) {
        change(lock(&self.members).entry(person).or_default());
    }

    /// Lifts a suspension; the tasks that made it are cancelled, so that there can be another.
    pub(crate) fn resume(&self, person: u8) {
        self.set_member(person, |member| *member = Member { revoked: member.revoked, ..Member::default() });
        for task in self.written.all(person, task::KIND.name) {
            let id = task["id"].as_str().unwrap_or_default();
            self.written.update(person, (task::KIND.name, id), self.clock.now(), suspension::lift);
        }
        self.save();
    }

    /// Person 6 has been at a kiosk and holds its receipt.
    fn begin_at_kiosk(&self) {
        if let Some(person) = self.people.with_number(KIOSK_PERSON) {
            let now = self.clock.now();
            let task = registration::of_kiosk(&person.patient, KIOSK_RECEIPT, now);
            self.written.create(KIOSK_PERSON, "task", task, now);
        }
    }

    /// Writes the state file, if there is one, so that it is never seen half written.
    pub(crate) fn save(&self) {
        let Some(path) = &self.state else { return };
        let _writing = lock(&self.writing);
        let state = json!({
            "version": STATE_VERSION,
            "nonces": self.nonces.save(),
            "assertions": self.assertion_ids.save(),
            "outcomes": self.outcomes.save(),
            "written": self.written.save(),
            "members": self.save_members(),
        });
        if let Err(error) = whole_file::write(path, state.to_string().as_bytes()) {
            self.log.line(&format!("state file not written: {}", error.kind()));
        }
    }

    fn save_members(&self) -> Value {
        let members = lock(&self.members);
        let saved = members.iter().map(|(person, member)| {
            let Member { suspended, revoked, stopped_at } = member;
            (person.to_string(), json!({ "suspended": suspended, "revoked": revoked, "stopped_at": stopped_at }))
        });
        Value::Object(saved.collect())
    }

    fn load_members(&self, saved: &Value) {
        for (person, member) in saved.as_object().into_iter().flatten() {
            let Ok(person) = person.parse() else { continue };
            self.set_member(person, |loaded| {
                loaded.suspended = member["suspended"] == true;
                loaded.revoked = member["revoked"] == true;
                loaded.stopped_at = member["stopped_at"].as_i64();
            });
        }
    }

    /// Takes back what the state file holds; `false` when there is none yet.
    fn load(&self) -> io::Result<bool> {
        let Some(path) = &self.state else { return Ok(false) };
        let text = match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            read => read?,
        };
        let state: Value = serde_json::from_slice(&text).map_err(io::Error::other)?;
        if state["version"] != STATE_VERSION {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "state file of another version"));
        }
        self.nonces.load(&state["nonces"]);
        self.assertion_ids.load(&state["assertions"]);
        self.outcomes.load(&state["outcomes"]);
        self.written.load(&state["written"]);
        self.load_members(&state["members"]);
        Ok(true)
    }
}

/// Path of the FHIR base on this server.
pub(crate) const FHIR_PATH: &str = "/r4";
const STATE_VERSION: u64 = 2;
const KIOSK_PERSON: u8 = 6;
const KIOSK_RECEIPT: &str = "9000-0000-0006";
