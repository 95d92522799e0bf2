//! CMS SignedData (RFC 5652) with the signature key: what OpenSSL and others verify.
//!
//! The document is the caller's, so this is behind the feature `diagnostics`. Nothing is given out that a flipped bit on the
//! way from the card could have spoilt.

use std::time::Duration;

use der::Encode;
use der::asn1::{GeneralizedTime, UtcTime};

use super::pin::{LastAttempt, SignaturePassword};
use super::profile::ef;
use super::signature::sign;
use super::{Certificate, CertificateState, Disclosure, Issuer, Jpki, KeyKind};
use crate::crypto::{Algorithm, EcdsaSignature, SignatureVerifier, sha256};
use crate::error::{CardFault, CertificateFault, ConnectionFault, Error};
use crate::iso7816::ReadPhase;
use crate::time::UnixMillis;

/// Where the document is.
#[derive(Clone, Copy)]
pub enum Content<'a> {
    /// Beside the signature: only its SHA-256 is needed.
    Detached([u8; 32]),
    /// Within the signature.
    Attached(&'a [u8]),
}

/// A signature and what is known of its signer's certificate.
pub struct SignedDocument {
    /// DER of a CMS SignedData with the certificate in it.
    pub cms: Vec<u8>,
    /// Who issued the certificate; never [`Issuer::NotChecked`].
    pub issuer: Issuer,
}

/// Object identifiers, as DER.
mod oid {
    pub(super) const DATA: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
    pub(super) const SIGNED_DATA: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    pub(super) const CONTENT_TYPE: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
    pub(super) const MESSAGE_DIGEST: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
    pub(super) const SIGNING_TIME: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05];
    /// id-aa-signingCertificateV2 (RFC 5035, 3).
    pub(super) const SIGNING_CERTIFICATE: &[u8] =
        &[0x06, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2f];
    pub(super) const SHA256: &[u8] = &[0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
    pub(super) const RSA_ENCRYPTION: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    pub(super) const ECDSA_SHA256: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OCTET_STRING: u8 = 0x04;
/// `[0]`, constructed.
const CONTEXT_0: u8 = 0xA0;
const INTEGER_1: &[u8] = &[0x02, 0x01, 0x01];
const NULL: &[u8] = &[0x05, 0x00];

impl Jpki<'_, '_> {
    /// Sends the signature password once, reads the signature certificate, checks who issued it and has the card sign a
    /// document. The certificate in the result carries name, address, birth date and sex: `disclosure` states that.
    ///
    /// What is returned was checked from end to end: the signature with the certificate, the certificate with the
    /// authority's on the card.
    ///
    /// # Errors
    /// Those of [`Jpki::signature_certificate`] and [`Jpki::check_issuer`]; [`Error::Usage`] for a P-384 card, which takes no
    /// SHA-256; [`Error::Certificate`] when the certificate is not for signatures or not within its dates at `now`;
    /// [`Error::Connection`] with `KZ-A04`, before the password is sent, where `now` cannot be right;
    /// [`CardFault::BadSignature`] when the card's signature does not verify.
    pub fn sign_document(
        &mut self,
        password: SignaturePassword,
        last_attempt: LastAttempt,
        disclosure: Disclosure,
        content: Content<'_>,
        now: UnixMillis,
        verifier: SignatureVerifier,
    ) -> Result<SignedDocument, Error> {
        // Neither is the certificate judged by a clock that is wrong, nor does such a time go into what is signed.
        if !now.is_plausible() {
            return Err(ConnectionFault::DeviceClock.into());
        }
        let certificate = self.signature_certificate(password, last_attempt, disclosure)?;
        self.channel.report(ReadPhase::Checking, 0, 0);
        let issuer = self.check_issuer(&certificate, KeyKind::Signature, verifier)?;
        if !certificate.may_sign_documents() {
            return Err(CertificateFault::WrongUsage.into());
        }
        if certificate.state(now)? == CertificateState::Grace {
            return Err(CertificateFault::Expired.into());
        }
        let digest = match content {
            Content::Detached(digest) => digest,
            Content::Attached(bytes) => sha256(bytes),
        };
        let attributes = signed_attributes(&certificate, &digest, now)?;
        // RFC 5652, 5.4: signed as a SET, carried as [0].
        let message = object(SET, &[&attributes])?;
        let signature = sign(self.channel, Some(ef::SIGNATURE_KEY), certificate.key(), &message, verifier)?;
        Ok(SignedDocument { cms: signed_data(&certificate, content, &attributes, &signature)?, issuer })
    }
}

/// The attributes in the order of DER (X.690, 11.6), without header.
fn signed_attributes(certificate: &Certificate, digest: &[u8; 32], now: UnixMillis) -> Result<Vec<u8>, Error> {
    let signing_time = time(now).ok_or_else(|| Error::usage("the signing time lies outside what CMS can say"))?;
    // ESSCertIDv2 with its default hash, SHA-256 (RFC 5035, 4).
    let certificate_id = object(SEQUENCE, &[&object(OCTET_STRING, &[&sha256(certificate.der())])?])?;
    let signing_certificate = object(SEQUENCE, &[&object(SEQUENCE, &[&certificate_id])?])?;
    let mut attributes = [
        attribute(oid::CONTENT_TYPE, oid::DATA)?,
        attribute(oid::MESSAGE_DIGEST, &object(OCTET_STRING, &[digest])?)?,
        attribute(oid::SIGNING_TIME, &signing_time)?,
        attribute(oid::SIGNING_CERTIFICATE, &signing_certificate)?,
    ];
    attributes.sort();
    Ok(attributes.concat())
}

fn signed_data(
    certificate: &Certificate,
    content: Content<'_>,
    attributes: &[u8],
    signature: &[u8],
) -> Result<Vec<u8>, Error> {
    let digest_algorithm = object(SEQUENCE, &[oid::SHA256, NULL])?;
    let content = match content {
        Content::Detached(_) => Vec::new(),
        Content::Attached(bytes) => object(CONTEXT_0, &[&object(OCTET_STRING, &[bytes])?])?,
    };
    let signer = object(
        SEQUENCE,
        &[
            INTEGER_1,
            &object(SEQUENCE, &[certificate.issuer_der(), certificate.serial_number_der()])?,
            &digest_algorithm,
            &object(CONTEXT_0, &[attributes])?,
            &signature_algorithm(certificate)?,
            &object(OCTET_STRING, &[&signature_value(certificate, signature)?])?,
        ],
    )?;
    let signed_data = object(
        SEQUENCE,
        &[
            INTEGER_1,
            &object(SET, &[&digest_algorithm])?,
            &object(SEQUENCE, &[oid::DATA, &content])?,
            &object(CONTEXT_0, &[certificate.der()])?,
            &object(SET, &[&signer])?,
        ],
    )?;
    object(SEQUENCE, &[oid::SIGNED_DATA, &object(CONTEXT_0, &[&signed_data])?])
}

fn signature_algorithm(certificate: &Certificate) -> Result<Vec<u8>, Error> {
    match certificate.key().algorithm() {
        Algorithm::Rs256 => object(SEQUENCE, &[oid::RSA_ENCRYPTION, NULL]),
        Algorithm::Es256 => object(SEQUENCE, &[oid::ECDSA_SHA256]),
        Algorithm::Es384 => Err(Error::usage("documents are signed with SHA-256, which a P-384 card does not take")),
    }
}

/// The signature as CMS wants it: EC signatures in DER (RFC 5753, 2.1.1).
fn signature_value(certificate: &Certificate, signature: &[u8]) -> Result<Vec<u8>, Error> {
    match certificate.key().curve() {
        None => Ok(signature.to_vec()),
        Some(curve) => EcdsaSignature::from_fixed(curve, signature)
            .and_then(|signature| signature.to_der())
            .ok_or_else(|| CardFault::BadSignature.into()),
    }
}

/// UTCTime until 2049, GeneralizedTime from then on (RFC 5652, 11.3).
fn time(at: UnixMillis) -> Option<Vec<u8>> {
    let since = Duration::from_secs(u64::try_from(at.0).ok()? / 1000);
    match UtcTime::from_unix_duration(since) {
        Ok(time) => time.to_der().ok(),
        Err(_) => GeneralizedTime::from_unix_duration(since).ok()?.to_der().ok(),
    }
}

fn attribute(kind: &[u8], value: &[u8]) -> Result<Vec<u8>, Error> {
    object(SEQUENCE, &[kind, &object(SET, &[value])?])
}

/// One DER object of these parts.
fn object(tag: u8, parts: &[&[u8]]) -> Result<Vec<u8>, Error> {
    let value = parts.concat();
    let length = u32::try_from(value.len()).map_err(|_| Error::usage("the document is too long to be attached"))?;
    let length = length.to_be_bytes();
    let skip = length.iter().take_while(|byte| **byte == 0).count().min(3);
    let length = length.get(skip..).unwrap_or_default();
    let mut bytes = vec![tag];
    match length {
        [short @ 0..=0x7F] => bytes.push(*short),
        long => {
            bytes.push(0x80 | u8::try_from(long.len()).unwrap_or_default());
            bytes.extend_from_slice(long);
        }
    }
    bytes.extend(value);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_minimal() {
        let header = |len: usize| object(0x04, &[&vec![0; len]]).expect("short enough")[..5.min(len + 2)].to_vec();
        assert_eq!(header(0), [0x04, 0x00]);
        assert_eq!(header(127)[..2], [0x04, 0x7F]);
        assert_eq!(header(128)[..3], [0x04, 0x81, 0x80]);
        assert_eq!(header(256)[..4], [0x04, 0x82, 0x01, 0x00]);
        assert_eq!(header(65_536), [0x04, 0x83, 0x01, 0x00, 0x00]);
    }

    #[test]
    fn times_change_their_form_in_2050() {
        let at = |text| time(UnixMillis::parse_rfc3339(text).expect("an instant")).expect("in range");
        assert_eq!(at("2026-11-22T00:00:00Z"), [&[0x17, 13][..], b"261122000000Z"].concat());
        assert_eq!(at("2050-01-01T00:00:00Z"), [&[0x18, 15][..], b"20500101000000Z"].concat());
    }
}
