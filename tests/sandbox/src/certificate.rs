//! The user-authentication certificate: chain, key usage, policy and validity (RFC 5280, 4.2.1 and 6.1).

use base64ct::{Base64, Encoding};
use der::asn1::ObjectIdentifier;
use der::{Decode, Encode};
use serde_json::Value;
use x509_cert::Certificate;
use x509_cert::ext::pkix::{CertificatePolicies, KeyUsage};

use crate::jws::PublicKey;
use crate::time::{Day, UnixSeconds};

/// The self-signed authorities that user-authentication certificates may chain to.
pub(crate) struct Roots {
    authentication: Vec<Root>,
    /// Known only to tell a signature certificate from a foreign one.
    signature: Vec<Root>,
}

struct Root {
    certificate: Certificate,
    der: Vec<u8>,
    key: PublicKey,
}

/// A certificate whose chain, key usage and policy are right; its validity is not yet judged.
pub(crate) struct Leaf {
    pub(crate) key: PublicKey,
    not_before: UnixSeconds,
    not_after: UnixSeconds,
}

/// Why an `x5c` is not that of a user-authentication certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ChainFault {
    /// Not readable, or no path to a configured authority.
    BadChain,
    /// A sound certificate for another purpose.
    WrongCertificate,
}

/// What the validity period says at some moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Validity {
    Valid,
    NotYet,
    /// Expired, but not past the end of the third month after expiry.
    Grace,
    Expired,
}

impl Roots {
    /// The checked-in authorities of the synthetic people.
    pub(crate) fn of_people() -> Self {
        let read = |pem: &str| {
            let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
            let der = Base64::decode_vec(&text).expect("the checked-in authority is PEM");
            let certificate = parse(&der).expect("the checked-in authority is a certificate");
            let key = subject_key(&certificate).expect("the checked-in authority has a supported key");
            Root { certificate, der, key }
        };
        Self {
            authentication: vec![read(AUTHENTICATION_RSA), read(AUTHENTICATION_P384)],
            signature: vec![read(SIGNATURE_RSA), read(SIGNATURE_P384)],
        }
    }

    /// The trusted authorities in DER.
    pub(crate) fn der(&self) -> Vec<Vec<u8>> {
        self.authentication.iter().map(|root| root.der.clone()).collect()
    }

    /// Judges the `x5c` header (RFC 7515, 4.1.6): the leaf, optionally followed by its authority.
    pub(crate) fn check(&self, x5c: &Value) -> Result<Leaf, ChainFault> {
        let chain: Vec<Vec<u8>> = x5c
            .as_array()
            .filter(|chain| matches!(chain.len(), 1 | 2))
            .and_then(|chain| chain.iter().map(|der| Base64::decode_vec(der.as_str()?).ok()).collect())
            .ok_or(ChainFault::BadChain)?;
        let certificate = parse(&chain[0]).ok_or(ChainFault::BadChain)?;
        let Some(root) = self.authentication.iter().find(|root| root.issued(&certificate)) else {
            let for_signatures = self.signature.iter().any(|root| root.issued(&certificate));
            return Err(if for_signatures { ChainFault::WrongCertificate } else { ChainFault::BadChain });
        };
        if chain.get(1).is_some_and(|authority| *authority != root.der) {
            return Err(ChainFault::BadChain);
        }
        let tbs = certificate.tbs_certificate();
        if !is_for_authentication(&certificate) {
            return Err(ChainFault::WrongCertificate);
        }
        let seconds =
            |time: x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
        Ok(Leaf {
            key: subject_key(&certificate).ok_or(ChainFault::BadChain)?,
            not_before: seconds(tbs.validity().not_before),
            not_after: seconds(tbs.validity().not_after),
        })
    }
}

impl Root {
    /// Whether this authority signed `certificate`. Generations share one name, so the signature decides.
    fn issued(&self, certificate: &Certificate) -> bool {
        let tbs = certificate.tbs_certificate();
        let algorithm = certificate.signature_algorithm();
        let expected = match self.key {
            PublicKey::Rsa(_) => SHA256_WITH_RSA,
            PublicKey::P256(_) => ECDSA_WITH_SHA256,
            PublicKey::P384(_) => ECDSA_WITH_SHA384,
        };
        let named = tbs.issuer() == self.certificate.tbs_certificate().subject();
        if !named || algorithm.oid != expected || algorithm != tbs.signature() {
            return false;
        }
        let (Ok(signed), Some(signature)) = (tbs.to_der(), certificate.signature().as_bytes()) else { return false };
        self.key.verifies_der(&signed, signature)
    }
}

impl Leaf {
    /// The last day of validity in Japan.
    pub(crate) fn last_day(&self) -> Day {
        Day::at(self.not_after)
    }

    pub(crate) fn validity(&self, now: UnixSeconds) -> Validity {
        if now.saturating_add(CLOCK_SKEW_S) < self.not_before {
            Validity::NotYet
        } else if now <= self.not_after {
            Validity::Valid
        } else if now <= self.last_day().month_start(4).plus_days(-1).end() {
            Validity::Grace
        } else {
            Validity::Expired
        }
    }
}

/// Reads a certificate and refuses encodings that are not DER, so that the signed bytes are those received.
fn parse(der: &[u8]) -> Option<Certificate> {
    let certificate = Certificate::from_der(der).ok()?;
    (certificate.to_der().ok()? == der).then_some(certificate)
}

fn subject_key(certificate: &Certificate) -> Option<PublicKey> {
    PublicKey::from_spki(&certificate.tbs_certificate().subject_public_key_info().to_der().ok()?)
}

fn is_for_authentication(certificate: &Certificate) -> bool {
    let tbs = certificate.tbs_certificate();
    let usage = matches!(tbs.get_extension::<KeyUsage>(), Ok(Some((_, usage)))
        if usage.digital_signature() && !usage.non_repudiation() && !usage.key_cert_sign());
    let policy = matches!(tbs.get_extension::<CertificatePolicies>(), Ok(Some((_, policies)))
        if policies.0.iter().any(|policy| AUTHENTICATION_POLICIES.contains(&policy.policy_identifier)));
    usage && policy
}

/// Certificate policies of user authentication: production and test.
const AUTHENTICATION_POLICIES: &[ObjectIdentifier] = &[
    ObjectIdentifier::new_unwrap("1.2.392.200149.8.5.1.3.30"),
    ObjectIdentifier::new_unwrap("1.2.392.200149.8.5.1.0.30"),
];
const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const CLOCK_SKEW_S: i64 = 60;
const AUTHENTICATION_RSA: &str = include_str!("../../people/ca-authentication-rsa2048.pem");
const AUTHENTICATION_P384: &str = include_str!("../../people/ca-authentication-p384.pem");
const SIGNATURE_RSA: &str = include_str!("../../people/ca-signature-rsa2048.pem");
const SIGNATURE_P384: &str = include_str!("../../people/ca-signature-p384.pem");
