//! JPKI X.509 certificates: what they say, who issued them and whether they may be used now.

use der::asn1::ObjectIdentifier;
use der::{Decode, Encode};
use x509_cert::Certificate as X509;
use x509_cert::ext::pkix::{CertificatePolicies, KeyUsage};

use crate::crypto::{PublicKey, SignatureVerifier, sha256};
use crate::error::{CertificateFault, Error};
use crate::iso7816::tlv;
use crate::secret::opaque_debug;
use crate::time::{CalendarDate, UnixMillis};

/// SHA-256 of the six JPKI roots: user authentication and signature, generations 1 to 3 of each. All generations of a
/// purpose share one name, so an issuer is chosen by trying the signature.
const JPKI_ROOTS: [&str; 6] = [
    "4dcfc4ca0aaf9fb2a3081b3f0c991c320b3acc008667a341eeaec5af1d58ca7d",
    "0d98de47fc11b7f67126874b7028b6026a803d2638d6edfe53176953961fade6",
    "64114f29620c24ed2631d46476a040e7ee740d956089c00b036a6a8118c322b5",
    "19645405a1fe14377434bd55957628ac4038557c542403a2243f21c706fc9355",
    "79679c33e4cc9319440f1ad120a597ff1844e2ef217063adb176966fd5e6fbeb",
    "d227f6cde11d35c5252178f106f843d24651944975413b539fa2fb68dbfa365f",
];

/// Policies of the 署名用電子証明書: production and test. Used for authentication they are refused; policies not known
/// here are left to the server.
const SIGNATURE_POLICIES: [ObjectIdentifier; 2] = [
    ObjectIdentifier::new_unwrap("1.2.392.200149.8.5.1.1.20"),
    ObjectIdentifier::new_unwrap("1.2.392.200149.8.5.1.0.20"),
];

/// Months after the month of expiry in which eligibility may still be asked for.
const GRACE_MONTHS: u16 = 3;

/// A parsed certificate of the card.
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    tbs: Vec<u8>,
    signature_algorithm: Vec<u8>,
    signature: Vec<u8>,
    issuer: Vec<u8>,
    #[cfg(feature = "diagnostics")]
    serial_number: Vec<u8>,
    subject: Vec<u8>,
    not_before: UnixMillis,
    not_after: UnixMillis,
    key: PublicKey,
    digital_signature: bool,
    #[cfg(feature = "diagnostics")]
    non_repudiation: bool,
    policies: Vec<ObjectIdentifier>,
}

opaque_debug!(Certificate);

/// Whether a certificate is within its dates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CertificateState {
    /// Within its dates.
    Valid,
    /// Expired, but eligibility may be asked for until the end of the third month after; warn the user.
    Grace,
}

impl CertificateState {
    /// The state at `now` of a certificate with these first and last instants. Days are those in Japan.
    ///
    /// # Errors
    /// [`CertificateFault::NotYetValid`] or [`CertificateFault::Expired`].
    pub fn at(not_before: UnixMillis, not_after: UnixMillis, now: UnixMillis) -> Result<Self, CertificateFault> {
        let last_day = CalendarDate::in_japan(not_after).end_of_month_after(GRACE_MONTHS);
        if now < not_before {
            Err(CertificateFault::NotYetValid)
        } else if now <= not_after {
            Ok(Self::Valid)
        } else if CalendarDate::in_japan(now) <= last_day {
            Ok(Self::Grace)
        } else {
            Err(CertificateFault::Expired)
        }
    }
}

/// What a check of the authentication certificate found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// Within its dates or in the grace period.
    pub state: CertificateState,
    /// Issued by a root that is not one of JPKI's six.
    pub test_card: bool,
}

impl Certificate {
    /// Reads one DER certificate with nothing behind it; `None` for anything else or a key of an unknown kind.
    pub fn parse(der: &[u8]) -> Option<Self> {
        let x509 = X509::from_der(der).ok()?;
        let (outer, rest) = tlv::split_first(der)?;
        let (tbs, _) = tlv::split_first(outer.value)?;
        if !rest.is_empty() {
            return None;
        }
        let inner = x509.tbs_certificate();
        // RFC 5280, 4.1.1.2: both name the same algorithm.
        if inner.signature() != x509.signature_algorithm() {
            return None;
        }
        let validity = inner.validity();
        let key_usage = inner.get_extension::<KeyUsage>().ok()?;
        let policies = inner.get_extension::<CertificatePolicies>().ok()?;
        Some(Self {
            der: der.to_vec(),
            tbs: tbs.whole.to_vec(),
            signature_algorithm: x509.signature_algorithm().to_der().ok()?,
            signature: x509.signature().as_bytes()?.to_vec(),
            issuer: inner.issuer().to_der().ok()?,
            #[cfg(feature = "diagnostics")]
            serial_number: inner.serial_number().to_der().ok()?,
            subject: inner.subject().to_der().ok()?,
            not_before: unix_millis(&validity.not_before)?,
            not_after: unix_millis(&validity.not_after)?,
            key: PublicKey::from_spki(&inner.subject_public_key_info().to_der().ok()?)?,
            digital_signature: key_usage.as_ref().is_some_and(|(_, usage)| usage.digital_signature()),
            #[cfg(feature = "diagnostics")]
            non_repudiation: key_usage.is_some_and(|(_, usage)| usage.non_repudiation()),
            policies: policies
                .map(|(_, list)| list.0.iter().map(|p| p.policy_identifier).collect())
                .unwrap_or_default(),
        })
    }

    /// The certificate as it was read.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// DER of the issuer's name.
    #[cfg(feature = "diagnostics")]
    pub(super) fn issuer_der(&self) -> &[u8] {
        &self.issuer
    }

    /// DER of the serial number.
    #[cfg(feature = "diagnostics")]
    pub(super) fn serial_number_der(&self) -> &[u8] {
        &self.serial_number
    }

    /// Whether the key usage is that of the 署名用電子証明書.
    #[cfg(feature = "diagnostics")]
    pub(super) fn may_sign_documents(&self) -> bool {
        self.digital_signature && self.non_repudiation
    }

    /// The certified key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// First instant of validity.
    pub fn not_before(&self) -> UnixMillis {
        self.not_before
    }

    /// Last instant of validity.
    pub fn not_after(&self) -> UnixMillis {
        self.not_after
    }

    /// Checks that this certificate may authenticate its holder at `now`: chain to a root, key usage, policy, dates.
    ///
    /// Revocation is not checked: only accredited verifiers may ask.
    ///
    /// # Errors
    /// The first [`CertificateFault`] found.
    pub fn check_authentication(
        &self,
        roots: &CardRoots,
        verifier: SignatureVerifier,
        now: UnixMillis,
    ) -> Result<Verdict, CertificateFault> {
        let root = roots.issuer_of(self, verifier).ok_or(CertificateFault::UnknownIssuer)?;
        if !self.digital_signature {
            return Err(CertificateFault::WrongUsage);
        }
        if self.policies.iter().any(|policy| SIGNATURE_POLICIES.contains(policy)) {
            return Err(CertificateFault::WrongPolicy);
        }
        Ok(Verdict { state: self.state(now)?, test_card: !root.jpki })
    }

    /// Whether this certificate is within its dates at `now`, or in the three months of grace after them.
    ///
    /// # Errors
    /// [`CertificateFault::NotYetValid`] or [`CertificateFault::Expired`].
    pub fn state(&self, now: UnixMillis) -> Result<CertificateState, CertificateFault> {
        CertificateState::at(self.not_before, self.not_after, now)
    }

    /// Whether the key of `issuer`, by that name, signed this certificate. A root is issued by itself.
    pub fn is_issued_by(&self, issuer: &Self, verifier: SignatureVerifier) -> bool {
        self.issuer == issuer.subject
            && verifier.verify_x509(&issuer.key, &self.signature_algorithm, &self.tbs, &self.signature)
    }
}

fn unix_millis(time: &x509_cert::time::Time) -> Option<UnixMillis> {
    i64::try_from(time.to_unix_duration().as_millis()).ok().map(UnixMillis)
}

#[derive(Clone, Debug)]
struct Root {
    certificate: Certificate,
    jpki: bool,
}

/// The authorities whose cards are accepted.
#[derive(Clone, Debug)]
pub struct CardRoots(Vec<Root>);

impl CardRoots {
    /// Takes self-signed roots as DER. Each must be one of JPKI's six, known by fingerprint; other roots need the feature
    /// `simulator`, and every result then says `test_card`.
    ///
    /// # Errors
    /// [`Error::Usage`] for no roots, a root that cannot be read or one that is not allowed.
    pub fn parse<D: AsRef<[u8]>>(ders: impl IntoIterator<Item = D>) -> Result<Self, Error> {
        let mut roots = Vec::new();
        for der in ders {
            let certificate =
                Certificate::parse(der.as_ref()).ok_or_else(|| Error::usage("a card root is no certificate"))?;
            let jpki = is_jpki_root(certificate.der());
            if !jpki && !cfg!(feature = "simulator") {
                return Err(Error::usage("a card root is none of the six JPKI roots"));
            }
            roots.push(Root { certificate, jpki });
        }
        if roots.is_empty() {
            return Err(Error::usage("no card roots"));
        }
        Ok(Self(roots))
    }

    /// Whether one of these roots issued `certificate`.
    pub fn contains_issuer_of(&self, certificate: &Certificate, verifier: SignatureVerifier) -> bool {
        self.issuer_of(certificate, verifier).is_some()
    }

    fn issuer_of(&self, certificate: &Certificate, verifier: SignatureVerifier) -> Option<&Root> {
        self.0.iter().find(|root| certificate.is_issued_by(&root.certificate, verifier))
    }
}

/// Whether this DER certificate is one of the six JPKI roots, by SHA-256.
pub fn is_jpki_root(der: &[u8]) -> bool {
    let fingerprint: String = sha256(der).iter().map(|byte| format!("{byte:02x}")).collect();
    JPKI_ROOTS.contains(&fingerprint.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused() {
        for bytes in [&[][..], &[0x30, 0x00], &[0x30, 0x82, 0xff, 0xff, 0x01], &[0u8; 64]] {
            assert!(Certificate::parse(bytes).is_none());
        }
    }

    #[test]
    fn no_roots_is_a_mistake_of_the_app() {
        assert_eq!(CardRoots::parse(Vec::<Vec<u8>>::new()).err().map(|e| e.code()), Some("KZ-U01"));
    }
}
