//! A TLS authority, its servers' keys, and settings that trust them.

use std::sync::Arc;

use base64ct::{Base64, Encoding};
use kazasu::qualify::{Notice, Settings};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// An authority with one pinned key and one more pinned as a backup.
pub struct Trust {
    issuer: Issuer<'static, KeyPair>,
    root: Vec<u8>,
    /// The key that servers use.
    pub key: KeyPair,
    /// The key they may change to.
    pub backup: KeyPair,
}

impl Trust {
    /// Draws the keys.
    pub fn new() -> Self {
        let key = new_key();
        let params = authority();
        let root = params.self_signed(&key).expect("signs").der().to_vec();
        Self { issuer: Issuer::new(params, key), root, key: new_key(), backup: new_key() }
    }

    /// Settings for a server on this port of loopback.
    pub fn settings(&self, port: u16) -> Settings {
        Settings {
            issuer: format!("https://127.0.0.1:{port}"),
            fhir_base: format!("https://127.0.0.1:{port}/r4"),
            client_id: "jp.example.kazasu-demo".to_owned(),
            tls_roots: vec![self.root.clone()],
            card_roots: kazasu_card_sim::authority::authentication_roots(),
            pins: vec![pin_of_key(&self.key), pin_of_key(&self.backup)],
            pins_not_after: "2099-12-31".to_owned(),
            notice: Notice {
                id: "flows-1".to_owned(), text: "資格情報を、試験のために表示します。".to_owned()
            },
            ..Settings::default()
        }
    }

    /// A TLS 1.3 server as it should be.
    pub fn server(&self) -> Arc<ServerConfig> {
        Arc::new(server_of(self.issue(&self.key, |_| ()), &self.key))
    }

    /// The authority's certificate and key in DER.
    pub fn authority(&self) -> (&[u8], Vec<u8>) {
        (&self.root, self.issuer.key().serialize_der())
    }

    /// A certificate for loopback, changed by `change`.
    pub fn issue(&self, key: &KeyPair, change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let mut params = for_loopback();
        change(&mut params);
        params.signed_by(key, &self.issuer).expect("signs").der().to_vec()
    }
}

impl Default for Trust {
    fn default() -> Self {
        Self::new()
    }
}

/// A TLS 1.3 server with this certificate.
pub fn server_of(certificate: Vec<u8>, key: &KeyPair) -> ServerConfig {
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("ring has TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(certificate)], private)
        .expect("the key of the certificate");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

/// What a server's certificate says before anything is made wrong in it.
pub fn for_loopback() -> CertificateParams {
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("an address");
    params.distinguished_name.push(DnType::CommonName, "server");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2046, 1, 1));
    params
}

/// A new P-256 key.
pub fn new_key() -> KeyPair {
    KeyPair::generate().expect("randomness")
}

/// The pin of a key.
pub fn pin_of_key(key: &KeyPair) -> String {
    use sha2::{Digest, Sha256};
    Base64::encode_string(&Sha256::digest(key.subject_public_key_info()))
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Flows TLS authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2046, 1, 1));
    params
}
