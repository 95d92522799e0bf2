//! One configured backend.

use std::sync::Arc;
use std::time::Duration;

use kazasu::qualify::{self as core, Notice, Settings};

use crate::device_key::{DeviceKey, Key};
use crate::error::KazasuError;
use crate::guidance::Language;

/// Everything the server's operator gives to the app.
#[derive(Clone, Debug, uniffi::Record)]
pub struct BackendConfig {
    /// Issuer of the authorization server, an `https` URL.
    pub issuer: String,
    /// Base URL of the FHIR server.
    pub fhir_base: String,
    /// The app's name at the authorization server.
    pub client_id: String,
    /// DER roots of the server's TLS certificate.
    pub tls_roots: Vec<Vec<u8>>,
    /// DER roots of the cards: JPKI's.
    pub card_roots: Vec<Vec<u8>>,
    /// SPKI pins, base64 of SHA-256, two or more.
    pub pins: Vec<String>,
    /// Last day of the pins, `YYYY-MM-DD`.
    pub pins_not_after: String,
    /// Version of the notice.
    pub notice_id: String,
    /// The words the user sees before the PIN; their hash is signed by the card.
    pub notice_text: String,
    /// Scope to ask for; the SDK's own if absent.
    #[uniffi(default = None)]
    pub scope: Option<String>,
    /// Types of optional information the person consented to, such as `limit-certificate`.
    #[uniffi(default = [])]
    pub consents: Vec<String>,
    /// Whether answers have to be sealed to the request; when the server requires it if absent.
    #[uniffi(default = None)]
    pub payload_encryption: Option<PayloadEncryption>,
    /// Names (`kid`) of the keys that may sign sealed answers: their RFC 7638 thumbprints.
    #[uniffi(default = [])]
    pub signer_kids: Vec<String>,
    /// How long to wait for the server; as for everybody if absent.
    #[uniffi(default = None)]
    pub time_limits: Option<TimeLimits>,
    /// HTTP proxy through which the server is reached, `HOST:PORT`; without user and password. The system's is not asked.
    #[uniffi(default = None)]
    pub proxy: Option<String>,
}

/// How long each part of a request may take, in milliseconds: 100 to 300,000.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Record)]
pub struct TimeLimits {
    /// To open a TCP connection.
    #[uniffi(default = 5000)]
    pub connect_ms: u32,
    /// For the TLS handshake after that.
    #[uniffi(default = 10000)]
    pub tls_ms: u32,
    /// For the first byte of an answer on a connection that was used before and may have died; the request then goes out
    /// once more, on a new one.
    #[uniffi(default = 4000)]
    pub answer_ms: u32,
    /// For a whole request; two thirds of it for metadata and nonces, twice as much for an eligibility question.
    #[uniffi(default = 15000)]
    pub total_ms: u32,
}

impl From<TimeLimits> for core::TimeLimits {
    fn from(limits: TimeLimits) -> Self {
        let ms = |ms: u32| Duration::from_millis(ms.into());
        Self {
            connect: ms(limits.connect_ms),
            tls: ms(limits.tls_ms),
            answer: ms(limits.answer_ms),
            total: ms(limits.total_ms),
        }
    }
}

/// When answers have to be sealed, beside TLS.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum PayloadEncryption {
    /// Never; a server that requires it is not asked.
    Off,
    /// When the server's metadata say that it requires it.
    WhenRequired,
    /// Always; a server that cannot is not asked.
    Require,
}

impl From<PayloadEncryption> for core::PayloadEncryption {
    fn from(wanted: PayloadEncryption) -> Self {
        match wanted {
            PayloadEncryption::Off => Self::Off,
            PayloadEncryption::WhenRequired => Self::WhenRequired,
            PayloadEncryption::Require => Self::Require,
        }
    }
}

/// A backend, checked. Holds no connection and no token.
#[derive(uniffi::Object)]
pub struct QualifyClient {
    pub(crate) core: Arc<core::QualifyClient>,
}

#[uniffi::export]
impl QualifyClient {
    /// Checks the configuration; no I/O.
    #[uniffi::constructor]
    pub fn new(config: BackendConfig, language: Language) -> Result<Arc<Self>, KazasuError> {
        let settings = Settings {
            issuer: config.issuer,
            fhir_base: config.fhir_base,
            client_id: config.client_id,
            tls_roots: config.tls_roots,
            card_roots: config.card_roots,
            pins: config.pins,
            pins_not_after: config.pins_not_after,
            notice: Notice { id: config.notice_id, text: config.notice_text },
            scope: config.scope,
            consents: config.consents,
            payload_encryption: config.payload_encryption.map(Into::into).unwrap_or_default(),
            signer_kids: config.signer_kids,
            limits: config.time_limits.map(Into::into).unwrap_or_default(),
            proxy: config.proxy,
            ..Settings::default()
        };
        let language = match language {
            Language::Japanese | Language::EasyJapanese => core::Language::Japanese,
            Language::English => core::Language::English,
        };
        Ok(Arc::new(Self { core: Arc::new(core::QualifyClient::with_ring(&settings, language)?) }))
    }

    /// The same backend with the key by which this installation signs in, for servers that exchange a card's assertion for a
    /// token. It is none of the members' device keys.
    pub fn with_client_key(&self, client_key: Arc<dyn DeviceKey>) -> Arc<Self> {
        let core = (*self.core).clone().with_client_key(Arc::new(Key(client_key)));
        Arc::new(Self { core: Arc::new(core) })
    }
}
