//! 一時利用停止: without the card, and prepared without a network (wire contract §12.2).
//!
//! No program can make the official stop. Whatever this returns, [`OFFICIAL_LINES`] are to be shown, and first.

use std::sync::Arc;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::QualifyClient;
use super::access::{Access, SavedAccess};
use super::asked::check_patient;
use super::connection::Connection;
use super::message::Reply;
use super::oauth_error::resource_error;
use super::token::{Grant, LongLived, Token};
use super::write::{Creation, location};
use crate::error::{AuthorizationFault, Error};
use crate::fhir::{self, SuspensionEffect, SuspensionReason, Task};
use crate::jose::dpop::{DeviceKey, device_thumbprint};
use crate::json as border;
use crate::secret::opaque_debug;
use crate::time::UnixMillis;

/// Version of [`SavedSuspension`].
const FORMAT: u64 = 1;

/// Where a card is stopped officially.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OfficialLine {
    /// The telephone number.
    pub number: &'static str,
    /// What it is, in Japanese.
    pub japanese: &'static str,
    /// What it is, in English.
    pub english: &'static str,
}

/// The official lines, the first one first.
pub const OFFICIAL_LINES: [OfficialLine; 3] = [
    OfficialLine {
        number: "0120-95-0178",
        japanese: "マイナンバー総合フリーダイヤル（音声案内2番、24時間365日）",
        english: "My Number toll-free line (choose 2; day and night, all year)",
    },
    OfficialLine { number: "0120-0178-27", japanese: "外国語の窓口", english: "in other languages" },
    OfficialLine {
        number: "0570-783-578",
        japanese: "個人番号カードコールセンター",
        english: "Individual Number Card call centre",
    },
];

/// A stop that waits for the network or for the server. Everything else of the member can be wiped at once: this holds what
/// it needs, beside the device key.
pub struct Suspension {
    issuer: String,
    thumbprint: String,
    token: LongLived,
    patient: String,
    request: Creation,
    /// Where the server will tell whether it has stopped, such as `Task/1`.
    pending: Option<String>,
    /// What the server confirmed the stop over.
    confirmed_by: Option<Access>,
}

opaque_debug!(Suspension);

/// What became of a stop.
#[derive(Clone, Debug)]
pub struct Suspended {
    /// The server confirms it. If not (`KZ-S02`), send again after a while.
    pub is_confirmed: bool,
    /// What it covers.
    pub effect: SuspensionEffect,
    /// The server's Task, if it gave one.
    pub task: Option<Task>,
}

impl Suspension {
    /// Prepares the stop with what an earlier tap left; no I/O, no card. `last_seen` is when the card was last there.
    ///
    /// # Errors
    /// [`Error::Usage`] for what cannot be read; [`Error::Authorization`] with `KZ-A10` when the server never gave the means.
    pub fn prepare(
        saved: &SavedAccess,
        reason: SuspensionReason,
        last_seen: Option<UnixMillis>,
        now: UnixMillis,
    ) -> Result<Self, Error> {
        let (issuer, thumbprint, token) = saved.read()?;
        let suspension = token.suspension.ok_or(AuthorizationFault::TokenExpired)?;
        let patient = token.patient;
        let request = Creation::new(|id| Ok(fhir::suspension_task(id, &patient, reason, last_seen, now)))?;
        Ok(Self { issuer, thumbprint, token: suspension, patient, request, pending: None, confirmed_by: None })
    }

    /// What to keep until the stop is confirmed.
    pub fn to_saved(&self) -> SavedSuspension {
        let json = json!({
            "format": FORMAT,
            "issuer": self.issuer,
            "jkt": self.thumbprint,
            "token": {"token": self.token.token.as_str(), "expires_at": self.token.expires_at.0},
            "patient": self.patient,
            "request": {"id": self.request.request_id, "resource": self.request.resource},
            "pending": self.pending,
        });
        SavedSuspension(Zeroizing::new(json.to_string().into_bytes()))
    }

    /// Takes up what was kept.
    ///
    /// # Errors
    /// [`Error::Usage`] for what cannot be read.
    pub fn restore(saved: &SavedSuspension) -> Result<Self, Error> {
        Self::read(&saved.0).ok_or_else(|| Error::usage("the saved suspension cannot be read"))
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let json = border::parse_object(bytes, "saved suspension").ok()?;
        let text = |json: &Value, name: &str| json.get(name)?.as_str().map(str::to_owned);
        (json.get("format")?.as_u64()? == FORMAT).then_some(())?;
        let (token, request) = (json.get("token")?, json.get("request")?);
        Some(Self {
            issuer: text(&json, "issuer")?,
            thumbprint: text(&json, "jkt")?,
            token: LongLived {
                token: Zeroizing::new(text(token, "token")?),
                expires_at: UnixMillis(token.get("expires_at")?.as_i64()?),
            },
            patient: text(&json, "patient")?,
            request: Creation { request_id: text(request, "id")?, resource: request.get("resource")?.clone() },
            pending: text(&json, "pending"),
            confirmed_by: None,
        })
    }

    /// Asks the server to stop, or whether it has. Three round trips; blocks. However often it is sent, it is one stop.
    ///
    /// Once it is confirmed, delete the member's device key and this suspension, and then [`Suspension::give_up`] the token.
    /// Whoever is stopped in between sends it again and learns the same.
    ///
    /// # Errors
    /// [`Error::Usage`] for another server or another member's key; [`Error::Authorization`] with `KZ-A10` when the means are
    /// over: only the official line helps; otherwise as the server answers. Save again and send later.
    pub fn send(&mut self, client: Arc<QualifyClient>, device_key: Arc<dyn DeviceKey>) -> Result<Suspended, Error> {
        if client.settings.issuer.as_str() != self.issuer {
            return Err(Error::usage("the suspension is for another server"));
        }
        if device_thumbprint(&*device_key)? != self.thumbprint {
            return Err(Error::usage("the suspension is of another device key"));
        }
        let mut connection = Connection::open(client, device_key)?;
        let token = Token::request(&mut connection, &Grant::Refresh(&self.token.token))?;
        check_patient(Some(&self.patient), &token.patient)?;
        let declared = connection.metadata.suspension_effect.clone();
        let mut access = Access::new(connection, token);
        let reply = match &self.pending {
            Some(path) => access.look(path)?,
            None => access.call(&self.request.call(access.base(), Task::TYPE))?,
        };
        let suspended = self.outcome(&access, &reply, declared.as_deref())?;
        self.confirmed_by = suspended.is_confirmed.then_some(access);
        Ok(suspended)
    }

    /// Gives up the token of a confirmed stop (S-3, RFC 7009), after what was kept of the stop is deleted: nothing else could
    /// tell again that it was made. Nothing before that. One round trip; blocks.
    ///
    /// The stop stands whether the server hears of this or not.
    pub fn give_up(mut self) {
        if let Some(mut access) = self.confirmed_by.take() {
            let _ = access.give_up(&self.token.token);
        }
    }

    fn outcome(&mut self, access: &Access, reply: &Reply, declared: Option<&str>) -> Result<Suspended, Error> {
        match reply.status {
            200 | 201 => {
                let task = border::parse_object(&reply.body, "task")?;
                // Only the answer to this stop counts as one.
                access.asked().check_stored(&self.request.resource, &task)?;
                if let Some(path) = &self.pending {
                    access.asked().check_at(path, &task)?;
                }
                let task = Task::new(task)?;
                let effect = task.suspension_effect().unwrap_or_else(|| SuspensionEffect::of(declared, None));
                let is_confirmed = task.status() == Some("completed");
                if !is_confirmed {
                    let path = task.id().filter(|id| fhir::is_id(id)).map(|id| format!("{}/{id}", Task::TYPE));
                    self.pending = path.or(self.pending.take());
                }
                Ok(Suspended { is_confirmed, effect, task: Some(task) })
            }
            202 => {
                self.pending = location(access.base(), reply, Task::TYPE).or(self.pending.take());
                Ok(Suspended { is_confirmed: false, effect: SuspensionEffect::of(declared, None), task: None })
            }
            _ => Err(resource_error(reply)),
        }
    }
}

/// A suspension that waits, for the app's encrypted store.
#[derive(Clone)]
pub struct SavedSuspension(Zeroizing<Vec<u8>>);

opaque_debug!(SavedSuspension);

impl SavedSuspension {
    /// What [`SavedSuspension::as_bytes`] gave.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes to store, encrypted.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
