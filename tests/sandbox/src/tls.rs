//! The server's own certificate authority, its certificates and the TLS 1.3 configuration (RFC 8446).

use std::io;
use std::sync::Arc;

use base64ct::{Base64, Encoding};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PublicKeyData, date_time_ymd,
};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};
use sha2::{Digest, Sha256};

use crate::switches::{SwitchName, Switches};

/// What a client needs to trust this server, and the configuration that the server runs with.
pub(crate) struct Identity {
    /// The authority's certificate.
    pub(crate) root_der: Vec<u8>,
    /// `base64(SHA-256(SubjectPublicKeyInfo))` of the served key and of a backup key outside the served chain.
    pub(crate) pins: Vec<String>,
    pub(crate) config: Arc<ServerConfig>,
}

impl Identity {
    /// Draws the keys and issues the certificates for `127.0.0.1` and `localhost`.
    pub(crate) fn generate(switches: Arc<Switches>) -> io::Result<Self> {
        Self::try_generate(switches).map_err(io::Error::other)
    }

    fn try_generate(switches: Arc<Switches>) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let served = generate_key()?;
        let backup = generate_key()?;
        let other = generate_key()?;
        let (authority, root_der) = generate_authority()?;
        // The stranger bears the trusted name: only the signature tells them apart.
        let (stranger, _) = generate_authority()?;
        let certificates = Certificates {
            usual: certify(&authority, &served, LOCAL, false)?,
            backup_key: certify(&authority, &backup, LOCAL, false)?,
            other_key: certify(&authority, &other, LOCAL, false)?,
            wrong_name: certify(&authority, &served, &["other.example"], false)?,
            expired: certify(&authority, &served, LOCAL, true)?,
            untrusted: certify(&stranger, &served, LOCAL, false)?,
            switches,
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&version::TLS13])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(certificates));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A resumed session shows no certificate, which would hide the certificate switches.
        config.send_tls13_tickets = 0;
        Ok(Self { root_der, pins: vec![pin(&served), pin(&backup)], config: Arc::new(config) })
    }
}

/// Picks the certificate of each handshake, so that wrong ones can be switched on.
#[derive(Debug)]
struct Certificates {
    usual: Arc<CertifiedKey>,
    backup_key: Arc<CertifiedKey>,
    other_key: Arc<CertifiedKey>,
    wrong_name: Arc<CertifiedKey>,
    expired: Arc<CertifiedKey>,
    untrusted: Arc<CertifiedKey>,
    switches: Arc<Switches>,
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let wrong = [
            (SwitchName::TlsOtherKey, &self.other_key),
            (SwitchName::TlsBackupKey, &self.backup_key),
            (SwitchName::TlsWrongName, &self.wrong_name),
            (SwitchName::TlsExpired, &self.expired),
            (SwitchName::TlsUntrusted, &self.untrusted),
        ];
        let chosen = wrong.into_iter().find(|(name, _)| self.switches.takes(*name)).map(|(_, key)| key);
        Some(Arc::clone(chosen.unwrap_or(&self.usual)))
    }
}

fn generate_key() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
}

fn generate_authority() -> Result<(Issuer<'static, KeyPair>, Vec<u8>), rcgen::Error> {
    let key = generate_key()?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::OrganizationName, "Kazasu sandbox");
    params.distinguished_name.push(DnType::CommonName, "Kazasu sandbox TLS authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2046, 1, 1);
    let root_der = params.self_signed(&key)?.der().to_vec();
    Ok((Issuer::new(params, key), root_der))
}

fn certify(
    authority: &Issuer<'_, KeyPair>,
    key: &KeyPair,
    names: &[&str],
    expired: bool,
) -> Result<Arc<CertifiedKey>, Box<dyn std::error::Error + Send + Sync>> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "Kazasu sandbox");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = if expired { date_time_ymd(2026, 2, 1) } else { date_time_ymd(2046, 1, 1) };
    let certificate: CertificateDer<'static> = params.signed_by(key, authority)?.der().clone();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let signer = ring::sign::any_supported_type(&private)?;
    Ok(Arc::new(CertifiedKey::new(vec![certificate], signer)))
}

fn pin(key: &KeyPair) -> String {
    Base64::encode_string(&Sha256::digest(key.subject_public_key_info()))
}

const LOCAL: &[&str] = &["127.0.0.1", "localhost"];
