//! Whether a server is the one that was configured: chain, host name, key usage, pins; and whether only the clock is wrong.

use std::sync::Arc;
use std::time::Duration;

use der::Decode;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, PeerIncompatible, SignatureScheme};
use webpki::{EndEntityCert, VerifiedPath};
use x509_cert::Certificate;
use x509_cert::ext::pkix::KeyUsage;

use super::settings::PinSet;
use super::tls_time::TlsTime;
use crate::time::{BUILT, UnixMillis};

/// A certificate that is so long over, or so far from its first day, is more often met by a wrong clock than by a right
/// one, in milliseconds: 30 days.
const FAR_MS: i64 = 2_592_000_000;
/// Certificates of a path whose dates are looked past in search of the one fault, at most.
const LONGEST_PATH: usize = 4;

#[derive(Debug)]
pub(super) struct PinnedVerifier {
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) anchors: Vec<TrustAnchor<'static>>,
    /// `None` where an expired set is allowed to lapse.
    pub(super) pins: Option<PinSet>,
    /// The device's clock, as it is.
    pub(super) clock: TlsTime,
}

/// Why a server is refused.
enum Refusal {
    /// A certificate of the path is over or has not begun; at this instant it is neither.
    Dates(UnixTime),
    /// The path is right, and no pin is in it.
    Pin,
    Other,
}

impl PinnedVerifier {
    /// Everything, at one instant.
    fn check(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        at: UnixTime,
    ) -> Result<(), Refusal> {
        let certificate = EndEntityCert::try_from(end_entity).map_err(|_| Refusal::Other)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        let usage = webpki::KeyUsage::server_auth();
        let path = certificate.verify_for_usage(algorithms, &self.anchors, intermediates, at, usage, None, None);
        let path = path.map_err(|error| match error {
            webpki::Error::CertExpired { not_after, .. } => Refusal::Dates(not_after),
            webpki::Error::CertNotValidYet { not_before, .. } => Refusal::Dates(not_before),
            _ => Refusal::Other,
        })?;
        certificate.verify_is_valid_for_subject_name(server_name).map_err(|_| Refusal::Other)?;
        if !may_sign(end_entity) {
            return Err(Refusal::Other);
        }
        if self.matches_pin(&path) { Ok(()) } else { Err(Refusal::Pin) }
    }

    /// A pin counts only where the certificate is part of the path that was validated, root included.
    fn matches_pin(&self, path: &VerifiedPath<'_>) -> bool {
        let Some(pins) = &self.pins else { return true };
        pins.contains_spki(&path.end_entity().subject_public_key_info())
            || path.intermediate_certificates().any(|cert| pins.contains_spki(&cert.subject_public_key_info()))
            || spki_of_anchor(path.anchor()).is_some_and(|spki| pins.contains_spki(&spki))
    }

    /// Whether a certificate whose last or first instant is `then` is refused by the fault of the clock: it is good at some
    /// time that may be, and the clock says one that may not, or one far off.
    fn blames_clock(&self, then: UnixMillis) -> bool {
        let now = self.clock.0.now();
        let is_over = then < now.not_before_build();
        let may_be_good = if is_over { then >= BUILT } else { then.is_plausible() };
        may_be_good && (!now.is_plausible() || now.ms_since(then).saturating_abs() > FAR_MS)
    }
}

/// A trust anchor keeps its SubjectPublicKeyInfo without the outer SEQUENCE; pins are over the whole.
fn spki_of_anchor(anchor: &TrustAnchor<'_>) -> Option<Vec<u8>> {
    use der::Encode;
    der::asn1::AnyRef::new(der::Tag::Sequence, &anchor.subject_public_key_info).and_then(|any| any.to_der()).ok()
}

/// Whether the key may sign: a key usage, if there is one, has `digitalSignature` (RFC 8446, 4.4.2.2). webpki leaves that
/// extension to its caller.
fn may_sign(der: &[u8]) -> bool {
    let Ok(certificate) = Certificate::from_der(der) else { return false };
    match certificate.tbs_certificate().get_extension::<KeyUsage>() {
        Ok(usage) => usage.is_none_or(|(_, usage)| usage.digital_signature()),
        Err(_) => false,
    }
}

impl ServerCertVerifier for PinnedVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let refused = |error| Err(rustls::Error::InvalidCertificate(error));
        let mut refusal = match self.check(end_entity, intermediates, server_name, now) {
            Ok(()) => return Ok(ServerCertVerified::assertion()),
            Err(refusal) => refusal,
        };
        // The server is refused. What it is refused for is told apart: only where nothing but dates is wrong, pins
        // included, may it be the clock.
        for _ in 0..LONGEST_PATH {
            let Refusal::Dates(then) = refusal else { break };
            refusal = match self.check(end_entity, intermediates, server_name, then) {
                Ok(()) if self.blames_clock(millis(then)) => return refused(CertificateError::Expired),
                Ok(()) => return refused(CertificateError::NotValidYet),
                Err(refusal) => refusal,
            };
        }
        match refusal {
            Refusal::Pin => refused(CertificateError::ApplicationVerificationFailure),
            Refusal::Dates(_) | Refusal::Other => refused(CertificateError::UnknownIssuer),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn millis(time: UnixTime) -> UnixMillis {
    let since = Duration::from_secs(time.as_secs());
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
