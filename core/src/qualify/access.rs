//! What a tap leaves behind: access to one member's resources without the card, until its tokens end.

use std::sync::Arc;

use serde_json::json;
use zeroize::Zeroizing;

use super::QualifyClient;
use super::asked::{self, Asked};
use super::connection::{Call, Connection};
use super::http::MAX_ANSWER;
use super::https_url::HttpsUrl;
use super::limits::Patience;
use super::message::{Body, Method, Reply, Request};
use super::oauth_error::{error_of_reply, resource_error};
use super::retry::Retries;
use super::token::{Grant, Token, is_over, percent_encode};
use crate::cancellation::Cancellation;
use crate::error::{AuthorizationFault, Error};
use crate::fhir::CapabilityStatement;
use crate::jose::dpop::{DeviceKey, device_thumbprint};
use crate::json as border;
use crate::secret::opaque_debug;
use crate::time::UnixMillis;

/// An access token with less than this left is renewed before it is used.
const RESERVE_MS: i64 = 10_000;
/// Version of [`SavedAccess`].
const FORMAT: u64 = 1;

/// What a server may offer; an app hides what it does not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Feature {
    /// Confirmed eligibility (L1).
    Eligibility,
    /// Records (L2).
    Records,
    /// Giving and withdrawing consent (L3).
    Consents,
    /// Registration and suspension (L3).
    Tasks,
}

impl Feature {
    const fn level(self) -> &'static str {
        match self {
            Self::Eligibility => "L1",
            Self::Records => "L2",
            Self::Consents | Self::Tasks => "L3",
        }
    }
}

/// One member's access to the FHIR server: [`Signed::into_access`](crate::session::Signed::into_access) after a tap, or
/// [`Access::resume`] with what was saved. Every call blocks; none needs the card.
pub struct Access {
    pub(super) connection: Connection,
    pub(super) token: Token,
    statement: Option<CapabilityStatement>,
    is_unsaved: bool,
}

impl Access {
    pub(crate) fn new(connection: Connection, token: Token) -> Self {
        Self { connection, token, statement: None, is_unsaved: true }
    }

    /// Takes up what was saved. One round trip.
    ///
    /// # Errors
    /// [`Error::Usage`] for what another version, another server's settings or another member's device key saved;
    /// otherwise as [`begin`](crate::session::begin).
    pub fn resume(
        client: Arc<QualifyClient>,
        device_key: Arc<dyn DeviceKey>,
        saved: &SavedAccess,
    ) -> Result<Self, Error> {
        let token = saved.open(&client, &*device_key)?;
        let connection = Connection::open(client, device_key)?;
        Ok(Self { connection, token, statement: None, is_unsaved: false })
    }

    /// What to keep, encrypted, to do without another tap; `None` if nothing has changed since this was last called.
    /// Tokens rotate: call it after every call, also after one that failed.
    ///
    /// # Errors
    /// [`Error::DeviceKey`] when the key store refuses.
    pub fn take_unsaved(&mut self) -> Result<Option<SavedAccess>, Error> {
        if !self.is_unsaved {
            return Ok(None);
        }
        let issuer = self.connection.client.settings.issuer.as_str();
        let thumbprint = device_thumbprint(&*self.connection.device_key)?;
        let saved = SavedAccess::of(issuer, &thumbprint, &self.token);
        self.is_unsaved = false;
        Ok(Some(saved))
    }

    /// What ends the waits of this access.
    pub fn cancellation(&self) -> Cancellation {
        self.connection.http.cancellation()
    }

    /// Takes another handle for the calls to come. A cancelled access sends nothing until it gets a fresh one.
    pub fn set_cancellation(&mut self, cancellation: Cancellation) {
        self.connection.http.set_cancellation(cancellation);
    }

    /// Whether the server offers `feature`, as its metadata say; no I/O.
    pub fn offers(&self, feature: Feature) -> bool {
        self.connection.metadata.has_level(feature.level())
    }

    /// What the FHIR server says it can do. One round trip the first time; blocks.
    ///
    /// # Errors
    /// [`Error::Usage`] for a server that does not speak FHIR R4; otherwise as it answers.
    pub fn capability_statement(&mut self) -> Result<&CapabilityStatement, Error> {
        let statement = match self.statement.take() {
            Some(known) => known,
            None => {
                let reply = self.look("metadata")?;
                if reply.status != 200 {
                    return Err(resource_error(&reply));
                }
                let json = border::parse_object_without(&CapabilityStatement::UNUSED, &reply.body, "metadata")?;
                let read = CapabilityStatement::new(json)?;
                if !read.is_r4() {
                    return Err(Error::usage("the server does not speak FHIR 4.0.1"));
                }
                read
            }
        };
        Ok(self.statement.insert(statement))
    }

    /// Whether the answers and tokens of this server come sealed to the request and signed for it by a pinned key, beside TLS.
    pub fn is_sealed(&self) -> bool {
        self.connection.is_sealed()
    }

    /// Issuer of the tokens.
    pub fn issuer(&self) -> &str {
        self.connection.client.settings.issuer.as_str()
    }

    /// The server's opaque id of the person: not the insured number, and still nothing to show or log.
    pub fn patient(&self) -> &str {
        &self.token.patient
    }

    /// Whether this is the access of the person whom a member is known as at this server: ask before it is used for that
    /// member. `known` is [`Access::patient`] of an earlier time; `None` for somebody who has none yet.
    ///
    /// # Errors
    /// [`Error::Resource`] with `KZ-D08` for somebody else's.
    pub fn check_patient(&self, known: Option<&str>) -> Result<(), Error> {
        asked::check_patient(known, self.patient())
    }

    /// What the server told the user to do when it refused the last call; `None` after one that it answered. Plain text, never
    /// markup, and no replacement for the text of the error's code.
    pub fn server_text(&self) -> Option<&str> {
        self.connection.server_text.as_deref()
    }

    /// Now, by the server's clock.
    pub fn server_time(&self) -> UnixMillis {
        self.connection.server_time()
    }

    /// The server's clock at its latest answer that no cache can have kept; `None` if there was none yet. The device's clock
    /// has no part in it.
    pub fn confirmed_time(&self) -> Option<UnixMillis> {
        self.connection.http.server_clock.confirmed()
    }

    /// Gets a new access token; every call does so by itself when it has to.
    ///
    /// # Errors
    /// [`Error::Authorization`] with `KZ-A10` when only a tap helps; otherwise as the server answers.
    pub fn refresh(&mut self) -> Result<(), Error> {
        let now = self.connection.client.clock.now();
        let refresh = self.token.refresh.clone().filter(|refresh| !is_over(refresh.expires_at, now));
        let refresh = refresh.ok_or(AuthorizationFault::TokenExpired)?;
        let renewed = Token::request(&mut self.connection, &Grant::Refresh(&refresh.token))?;
        asked::check_patient(Some(&self.token.patient), &renewed.patient)?;
        let suspension = renewed.suspension.clone().or_else(|| self.token.suspension.take());
        let refresh = renewed.refresh.clone().or(Some(refresh));
        self.token = Token { suspension, refresh, ..renewed };
        self.is_unsaved = true;
        Ok(())
    }

    /// Gives up access and refresh token (RFC 7009): log-out. What suspends the card stays, so save again.
    ///
    /// # Errors
    /// As the server answers; the tokens are then kept, and it can be tried again.
    pub fn revoke(&mut self) -> Result<(), Error> {
        if let Some(refresh) = self.token.refresh.clone() {
            self.give_up(&refresh.token)?;
        }
        let access_token = self.token.access_token.clone();
        self.give_up(&access_token)?;
        self.token.refresh = None;
        self.token.expires_at = UnixMillis(0);
        self.is_unsaved = true;
        Ok(())
    }

    pub(super) fn give_up(&mut self, token: &str) -> Result<(), Error> {
        let Some(endpoint) = &self.connection.metadata.revocation_endpoint else { return Ok(()) };
        let uri = endpoint.as_str().to_owned();
        let client_id = percent_encode(&self.connection.client.settings.client_id);
        let form = Zeroizing::new(format!("client_id={client_id}&token={}", percent_encode(token)));
        let reply = self.connection.authorize(Retries { count: 2, until: None }, |proofs| {
            Ok(Request {
                method: Method::Post,
                uri: uri.clone(),
                body: Some(Body::form(form.as_bytes().to_vec())),
                accept: "application/json",
                headers: vec![("dpop", proofs.prove(Method::Post, &uri, None)?)],
                patience: Patience::Usual,
                max_body: MAX_ANSWER,
            })
        })?;
        if reply.status == 200 { Ok(()) } else { Err(error_of_reply(&reply)) }
    }

    /// Refuses, without I/O, what the server does not offer.
    pub(super) fn require(&self, feature: Feature) -> Result<(), Error> {
        if self.offers(feature) { Ok(()) } else { Err(Error::usage("the server does not offer this")) }
    }

    /// What answers are compared with.
    pub(super) fn asked(&self) -> Asked<'_> {
        Asked { base: self.base(), patient: self.patient() }
    }

    pub(super) fn base(&self) -> &HttpsUrl {
        &self.connection.client.settings.fhir_base
    }

    pub(super) fn url(&self, path: &str) -> String {
        self.base().join(path)
    }

    /// Sends one request; renews an access token that is over, once.
    pub(super) fn call(&mut self, call: &Call) -> Result<Reply, Error> {
        let is_fresh = self.keep_fresh()?;
        let reply = self.connection.call(&self.token.access_token, call)?;
        let is_over = reply.status == 401 && self.token.refresh.is_some();
        if is_fresh || !is_over {
            return Ok(reply);
        }
        self.refresh()?;
        self.connection.call(&self.token.access_token, call)
    }

    /// Renews an access token that is nearly over; whether it had to.
    pub(super) fn keep_fresh(&mut self) -> Result<bool, Error> {
        let is_over = is_over(self.token.expires_at, self.connection.client.clock.now().plus_ms(RESERVE_MS));
        if is_over {
            self.refresh()?;
        }
        Ok(is_over)
    }
}

/// The tokens of one member, for the app's encrypted store: whoever has them and the device key has the access.
#[derive(Clone)]
pub struct SavedAccess(Zeroizing<Vec<u8>>);

opaque_debug!(SavedAccess);

impl SavedAccess {
    /// What [`SavedAccess::as_bytes`] gave.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes to store, encrypted.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The server's opaque id of the person, if it is this server's.
    pub fn patient_at(&self, issuer: &str) -> Option<String> {
        let (named, _, token) = self.read().ok()?;
        (named == issuer).then_some(token.patient)
    }

    fn of(issuer: &str, thumbprint: &str, token: &Token) -> Self {
        let json = json!({"format": FORMAT, "issuer": issuer, "jkt": thumbprint, "token": token.to_json()});
        Self(Zeroizing::new(json.to_string().into_bytes()))
    }

    /// The tokens, if they are of this server and this device key.
    fn open(&self, client: &QualifyClient, device_key: &dyn DeviceKey) -> Result<Token, Error> {
        let (issuer, thumbprint, token) = self.read()?;
        if issuer != client.settings.issuer.as_str() {
            return Err(Error::usage("the saved access is of another server"));
        }
        if thumbprint != device_thumbprint(device_key)? {
            return Err(Error::usage("the saved access is of another device key"));
        }
        Ok(token)
    }

    /// Issuer, key thumbprint and tokens.
    pub(super) fn read(&self) -> Result<(String, String, Token), Error> {
        let unreadable = || Error::usage("the saved access cannot be read");
        let json = border::parse_object(&self.0, "saved access").map_err(|_| unreadable())?;
        let text = |name: &str| json.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        let is_known = json.get("format").and_then(|format| format.as_u64()) == Some(FORMAT);
        let token = json.get("token").and_then(Token::from_json);
        match (is_known, text("issuer"), text("jkt"), token) {
            (true, Some(issuer), Some(thumbprint), Some(token)) => Ok((issuer, thumbprint, token)),
            _ => Err(unreadable()),
        }
    }
}
