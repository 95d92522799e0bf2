//! Card-verifiable certificates: who may sign the records of the text-input and surface applications.

use base64ct::{Base64, Encoding};

use super::cv_authorities::{self, Row};
use super::record::Fields;
use crate::crypto::{PublicKey, SignatureVerifier};
#[cfg(any(test, feature = "simulator"))]
use crate::error::Error;
use crate::secret::opaque_debug;

/// RSA-2048.
const MODULUS_LEN: usize = 256;
/// 65537, the exponent of every CV key.
const EXPONENT: [u8; 3] = [0x01, 0x00, 0x01];

/// Identifier of a CV key: `7 digits ‖ 08 05 ‖ 3 digits ‖ 00 00 00 ‖ 1 byte`. Compared as a whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyId([u8; 16]);

impl KeyId {
    /// The code of the municipality this key belongs to.
    fn municipality(&self) -> Option<String> {
        let code = self.0.first_chunk::<5>().filter(|code| code.iter().all(u8::is_ascii_digit))?;
        Some(code.iter().copied().map(char::from).collect())
    }

    /// The two digits that tell what an authority certifies.
    fn purpose(&self) -> Option<&[u8]> {
        self.0.get(5..7)
    }
}

/// Which records a key signs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Signer {
    /// Those of the text-input application.
    TextInput,
    /// Those of the surface application.
    Surface,
}

impl Signer {
    /// The purpose digits of its authority.
    const fn authority(self) -> &'static [u8] {
        match self {
            Self::TextInput => b"33",
            Self::Surface => b"23",
        }
    }
}

/// A CV certificate. It has no dates and cannot be revoked: it only says that a key is a municipality's.
///
/// ```text
/// 7F21 820233 { 5F4E 820129 body · 5F37 820100 signature }
/// body = 16 issuer · 16 subject · 90 03 exponent · 91 820100 modulus
/// ```
#[derive(Clone)]
pub struct CvCertificate {
    body: Vec<u8>,
    issuer: KeyId,
    subject: KeyId,
    key: PublicKey,
    signature: [u8; MODULUS_LEN],
}

opaque_debug!(CvCertificate);

impl CvCertificate {
    /// Reads the content of EF 0004; `None` for anything else. Filler may follow.
    pub fn parse(file: &[u8]) -> Option<Self> {
        const WHAT: &str = "CV certificate";
        let mut fields = Fields::open(file, 0x7F21, WHAT).ok()?;
        let body = fields.take(0x5F4E).ok()?.value;
        let (signature, _) = fields.take_exact::<MODULUS_LEN>(0x5F37).ok()?;
        fields.finish().ok()?;
        let (issuer, rest) = body.split_first_chunk::<16>()?;
        let (subject, key) = rest.split_first_chunk::<16>()?;
        Some(Self {
            body: body.to_vec(),
            issuer: KeyId(*issuer),
            subject: KeyId(*subject),
            key: parse_key(key)?,
            signature: *signature,
        })
    }

    /// The certified key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Who certifies it.
    pub fn issuer(&self) -> KeyId {
        self.issuer
    }

    /// The municipality, if `authority` has signed this certificate and certifies keys of `signer`.
    pub(super) fn check(&self, authority: &CvAuthority, signer: Signer, verifier: SignatureVerifier) -> Option<String> {
        let fits = authority.id == self.issuer && authority.id.purpose() == Some(signer.authority());
        let genuine = fits && verifier.verify_jose(&authority.key, &self.body, &self.signature);
        genuine.then(|| self.subject.municipality())?
    }
}

/// Reads `90 03 exponent · 91 820100 modulus` with nothing behind it: RSA keys as CV certificates and records hold them.
pub(super) fn parse_key(value: &[u8]) -> Option<PublicKey> {
    let mut fields = Fields::bare(value, "RSA key");
    let (exponent, _) = fields.take_exact::<3>(0x90).ok()?;
    let (modulus, _) = fields.take_exact::<MODULUS_LEN>(0x91).ok()?;
    fields.finish().ok()?;
    PublicKey::rsa_from_numbers(modulus, exponent)
}

/// A key that certifies municipalities.
#[derive(Clone, Debug)]
pub(super) struct CvAuthority {
    id: KeyId,
    key: PublicKey,
    /// Not one of production.
    pub(super) test: bool,
}

/// The CV authorities that are believed.
#[derive(Clone, Debug)]
pub struct CvAuthorities(Vec<CvAuthority>);

impl CvAuthorities {
    /// The authorities of production cards.
    pub fn national() -> Self {
        Self(cv_authorities::NATIONAL.iter().filter_map(|row| authority(row, false)).collect())
    }

    /// Believes the authorities of test cards too. Results then say `test_card`.
    #[cfg(any(test, feature = "simulator"))]
    #[must_use]
    pub fn and_test_cards(mut self) -> Self {
        self.0.extend(cv_authorities::OF_TEST_CARDS.iter().filter_map(|row| authority(row, true)));
        self
    }

    /// Believes one more authority: its key identifier and RSA-2048 modulus. Results then say `test_card`.
    ///
    /// # Errors
    /// [`Error::Usage`] for a modulus that is none.
    #[cfg(any(test, feature = "simulator"))]
    pub fn and(mut self, id: [u8; 16], modulus: &[u8]) -> Result<Self, Error> {
        let key = PublicKey::rsa_from_numbers(modulus, &EXPONENT);
        let key = key.ok_or_else(|| Error::usage("the modulus of a CV authority has 2048 bits"))?;
        self.0.push(CvAuthority { id: KeyId(id), key, test: true });
        Ok(self)
    }

    pub(super) fn find(&self, id: KeyId) -> Option<&CvAuthority> {
        self.0.iter().find(|authority| authority.id == id)
    }
}

fn authority((digits, last, modulus): &Row, test: bool) -> Option<CvAuthority> {
    let mut id = [0; 16];
    let middle = [0x08, 0x05, b'0', b'0', b'1', 0, 0, 0, *last];
    for (to, from) in id.iter_mut().zip(digits.iter().chain(&middle)) {
        *to = *from;
    }
    let key = PublicKey::rsa_from_numbers(&Base64::decode_vec(modulus).ok()?, &EXPONENT)?;
    Some(CvAuthority { id: KeyId(id), key, test })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_authorities_are_whole() {
        let all = CvAuthorities::national().and_test_cards();
        assert_eq!(all.0.len(), 6);
        assert!(
            all.0
                .iter()
                .all(|authority| authority.key.rsa_numbers().is_some_and(|(n, e)| n.len() == 256 && e == EXPONENT))
        );
        assert_eq!(all.0[1].id.0, *b"5000023\x08\x05001\0\0\0\0");
        assert_eq!(all.0.iter().filter(|authority| authority.test).count(), 3);
        assert_eq!(all.0[0].id.0[15], 0xA8);
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        for bytes in [&[][..], &[0x7F, 0x21, 0x00], &[0x7F, 0x21, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], &[0xFF; 568]] {
            assert!(CvCertificate::parse(bytes).is_none());
        }
    }
}
