//! TLS 1.3 only: chain and host name first, then the pins.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, ClientConfig, PeerIncompatible};

use super::settings::PinSet;
use super::tls_time::TlsTime;
use super::tls_verifier::PinnedVerifier;
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
    let verifier = PinnedVerifier { provider: Arc::clone(provider), anchors, pins, clock: TlsTime(Arc::clone(clock)) };
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

/// The fault behind a failed handshake.
pub(crate) fn fault_of(error: &rustls::Error) -> ConnectionFault {
    use rustls::AlertDescription::{HandshakeFailure, InsufficientSecurity, ProtocolVersion};
    match error {
        rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure) => {
            ConnectionFault::PinMismatch
        }
        // What the verifier says where nothing but dates is wrong: by the fault of the device's clock, and of nobody here.
        rustls::Error::InvalidCertificate(CertificateError::Expired) => ConnectionFault::DeviceClock,
        rustls::Error::InvalidCertificate(CertificateError::NotValidYet) => ConnectionFault::CertificateDates,
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
