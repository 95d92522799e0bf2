//! TLS 1.3 only: chain and host name first, then the pins.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, PeerIncompatible, SignatureScheme};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

use super::settings::PinSet;
use crate::error::{ConnectionFault, Error};
use crate::time::Clock;

/// Builds the client side. `pins` is `None` where an expired set is allowed to lapse.
pub(crate) fn client_config(
    provider: &Arc<CryptoProvider>,
    roots: &[Vec<u8>],
    pins: Option<PinSet>,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<ClientConfig>, Error> {
    let anchors = roots
        .iter()
        .map(|der| Ok(webpki::anchor_from_trusted_cert(&CertificateDer::from(der.as_slice()))?.to_owned()))
        .collect::<Result<Vec<_>, webpki::Error>>()
        .map_err(|_| Error::usage("a TLS root cannot be read"))?;
    if anchors.is_empty() {
        return Err(Error::usage("no TLS roots"));
    }
    let verifier = PinnedVerifier { provider: Arc::clone(provider), anchors, pins };
    let time = Arc::new(TlsTime(Arc::clone(clock)));
    let mut config = ClientConfig::builder_with_details(Arc::clone(provider), time)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|_| Error::usage("the TLS provider does not support TLS 1.3"))?
        .dangerous() // rustls' word for any verifier of one's own; this one checks more, not less.
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A ticket would link the qualifications of two members on one phone.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// The app's clock as rustls wants it.
struct TlsTime(Arc<dyn Clock>);

impl TimeProvider for TlsTime {
    fn current_time(&self) -> Option<UnixTime> {
        let since = u64::try_from(self.0.now().seconds()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(since)))
    }
}

impl std::fmt::Debug for TlsTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsTime")
    }
}

/// The fault behind a failed handshake.
pub(crate) fn fault_of(error: &rustls::Error) -> ConnectionFault {
    use rustls::AlertDescription::{HandshakeFailure, InsufficientSecurity, ProtocolVersion};
    match error {
        rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure) => {
            ConnectionFault::PinMismatch
        }
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
            ConnectionFault::ServerCertificate
        }
        rustls::Error::PeerIncompatible(PeerIncompatible::ServerSentHelloRetryRequestWithUnknownExtension) => {
            ConnectionFault::Unreachable
        }
        // No TLS at all: a captive portal, most often.
        rustls::Error::InvalidMessage(_) => ConnectionFault::ServerCertificate,
        rustls::Error::PeerIncompatible(_)
        | rustls::Error::AlertReceived(ProtocolVersion | HandshakeFailure | InsufficientSecurity) => {
            ConnectionFault::TlsVersion
        }
        _ => ConnectionFault::Unreachable,
    }
}

#[derive(Debug)]
struct PinnedVerifier {
    provider: Arc<CryptoProvider>,
    anchors: Vec<TrustAnchor<'static>>,
    pins: Option<PinSet>,
}

impl PinnedVerifier {
    /// A pin counts only where the certificate is part of the path that was validated, root included.
    fn matches_pin(&self, path: &VerifiedPath<'_>) -> bool {
        let Some(pins) = &self.pins else { return true };
        pins.contains_spki(&path.end_entity().subject_public_key_info())
            || path.intermediate_certificates().any(|cert| pins.contains_spki(&cert.subject_public_key_info()))
            || spki_of_anchor(path.anchor()).is_some_and(|spki| pins.contains_spki(&spki))
    }
}

/// A trust anchor keeps its SubjectPublicKeyInfo without the outer SEQUENCE; pins are over the whole.
fn spki_of_anchor(anchor: &TrustAnchor<'_>) -> Option<Vec<u8>> {
    use der::Encode;
    der::asn1::AnyRef::new(der::Tag::Sequence, &anchor.subject_public_key_info).and_then(|any| any.to_der()).ok()
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
        let refused = |_| rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let certificate = EndEntityCert::try_from(end_entity).map_err(refused)?;
        let path = certificate
            .verify_for_usage(
                self.provider.signature_verification_algorithms.all,
                &self.anchors,
                intermediates,
                now,
                KeyUsage::server_auth(),
                None,
                None,
            )
            .map_err(refused)?;
        certificate.verify_is_valid_for_subject_name(server_name).map_err(refused)?;
        if self.matches_pin(&path) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
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
