//! The qualification call: discovery and nonce before the tap; assertion, token and `$submit` after it.

mod access;
mod asked;
pub mod assertion;
mod connection;
mod consents;
mod coverages;
mod discovery;
mod document;
mod http;
mod https_url;
mod limits;
mod message;
mod nonce;
mod oauth_error;
mod proofs;
mod proxy;
mod records;
mod registration;
mod retry;
mod sealing;
mod sealing_offer;
mod server_clock;
mod settings;
mod sign_in;
mod submit;
mod suspension;
mod tls;
mod tls_time;
mod tls_transport;
mod tls_verifier;
mod token;
mod write;

pub use access::{Access, Feature, SavedAccess};
pub use consents::ConsentRequest;
pub use limits::TimeLimits;
pub use records::{AllRecords, Changes, RecordKind, Records};
pub use registration::RegistrationRequest;
pub use settings::{DEFAULT_SCOPE, Notice, OnPinsExpired, PayloadEncryption, Settings};
pub use sign_in::SignIn;
pub use suspension::{OFFICIAL_LINES, OfficialLine, SavedSuspension, Suspended, Suspension};

pub(crate) use asked::check_patient;
pub(crate) use connection::Connection;
pub(crate) use discovery::{CardGrant, Metadata};
pub(crate) use http::{HttpClient, Route};
pub(crate) use nonce::Nonce;
pub(crate) use settings::CheckedSettings;
pub(crate) use submit::{Submission, poll};
pub(crate) use token::{Grant, RESEND_MS, Token};

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use crate::cancellation::Cancellation;
use crate::crypto::SignatureVerifier;
use crate::error::{ConnectionFault, Error};
use crate::jose::dpop::{DeviceKey, device_thumbprint};
use crate::time::Clock;

/// How the server's key was checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pinning {
    /// Against the pin set.
    Checked,
    /// The pin set is past its last day and the integrator allowed to go on without it.
    Expired,
}

/// Language of the server's texts (`Accept-Language`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Language {
    /// 日本語.
    #[default]
    Japanese,
    /// English.
    English,
}

/// One configured backend. Holds no connection and no token: each session opens its own.
#[derive(Clone)]
pub struct QualifyClient {
    pub(crate) settings: CheckedSettings,
    pub(crate) clock: Arc<dyn Clock>,
    tls_roots: Vec<Vec<u8>>,
    provider: Arc<CryptoProvider>,
    language: Language,
    cancellation: Cancellation,
    client_key: Option<Arc<dyn DeviceKey>>,
}

impl QualifyClient {
    /// Checks the settings; no I/O. TLS and every signature check use `provider`.
    ///
    /// # Errors
    /// [`Error::Usage`] for settings that cannot be right.
    pub fn new(
        settings: &Settings,
        provider: Arc<CryptoProvider>,
        clock: Arc<dyn Clock>,
        language: Language,
    ) -> Result<Self, Error> {
        let checked = CheckedSettings::check(settings)?;
        tls::client_config(&provider, &settings.tls_roots, None, &clock)?;
        Ok(Self {
            settings: checked,
            clock,
            tls_roots: settings.tls_roots.clone(),
            provider,
            language,
            cancellation: Cancellation::default(),
            client_key: None,
        })
    }

    /// The same backend with the key by which this installation signs in (RFC 7523, 2.2), at servers that take a card's
    /// assertion in exchange for a token (mode EXCHANGE) and at no others. It is none of the members' device keys: one of
    /// them is refused before the card is asked for.
    #[must_use]
    pub fn with_client_key(self, key: Arc<dyn DeviceKey>) -> Self {
        Self { client_key: Some(key), ..self }
    }

    /// That key, if it is not `device_key` (wire contract §6.4).
    pub(crate) fn client_key(&self, device_key: &dyn DeviceKey) -> Result<&dyn DeviceKey, Error> {
        let key = self.client_key.as_deref().ok_or_else(|| Error::usage("the server asks for a client key"))?;
        if device_thumbprint(key)? == device_thumbprint(device_key)? {
            return Err(Error::usage("the client key is a member's device key"));
        }
        Ok(key)
    }

    /// [`QualifyClient::new`] with ring and the clock of the operating system.
    ///
    /// # Errors
    /// [`Error::Usage`] for settings that cannot be right.
    #[cfg(feature = "ring")]
    pub fn with_ring(settings: &Settings, language: Language) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Self::new(settings, provider, Arc::new(crate::time::SystemClock), language)
    }

    /// The same backend for what `cancellation` ends: hand it to [`session::begin`](crate::session::begin),
    /// [`Access::resume`] or [`Suspension::send`]. Every wait for the server then ends with [`Error::Cancelled`] within a
    /// tenth of a second, and nothing is sent any more.
    #[must_use]
    pub fn cancelled_by(&self, cancellation: Cancellation) -> Arc<Self> {
        Arc::new(Self { cancellation, ..self.clone() })
    }

    pub(crate) fn verifier(&self) -> SignatureVerifier {
        SignatureVerifier::new(self.provider.signature_verification_algorithms.all)
    }

    /// Prepares connections for one qualification; opens none yet.
    pub(crate) fn connect(&self) -> Result<(HttpClient, Pinning), Error> {
        let now = self.clock.now();
        let expired = self.settings.pins.is_expired(now.not_before_build());
        if expired && !now.is_plausible() {
            return Err(ConnectionFault::DeviceClock.into());
        }
        let (pins, pinning) = match (expired, self.settings.on_pins_expired) {
            (false, _) => (Some(self.settings.pins.clone()), Pinning::Checked),
            (true, OnPinsExpired::WebPki) => (None, Pinning::Expired),
            (true, OnPinsExpired::Refuse) => return Err(ConnectionFault::PinsExpired.into()),
        };
        let tls = tls::client_config(&self.provider, &self.tls_roots, pins, &self.clock)?;
        let (limits, proxy) = (self.settings.limits, self.settings.proxy.clone());
        let language = match self.language {
            Language::Japanese => "ja",
            Language::English => "en",
        };
        Ok((HttpClient::new(Route { tls, limits, proxy }, language, self.cancellation.clone()), pinning))
    }
}
