//! One configured backend.

use std::sync::Arc;

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
