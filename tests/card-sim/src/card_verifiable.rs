//! Card-verifiable certificates of the two surface applications and of the issuer security domain.

use crate::{SimError, card_keys, tlv_writer::field};

/// The simulator's CV authorities: 16-byte key identifier and 256-byte modulus of each; the exponent is 65,537.
///
/// In this order: `9000033` of the text-input support application, `9000023` of the surface application and `9000020`
/// of the GET DATA chain. Real ones begin with 5, those of official test cards with 6.
pub fn cv_authorities() -> Vec<([u8; 16], Vec<u8>)> {
    let modulus = |name| card_keys::modulus(&card_keys::key(name).expect("card-keys.json is part of the binary"));
    [TEXT_INPUT, SURFACE, ISSUER].map(|authority| (authority.id(), modulus(authority.number))).to_vec()
}

/// A key that certifies others.
#[derive(Clone, Copy)]
pub(crate) struct CvAuthority {
    /// Name in the key file and number in the key identifier.
    number: &'static str,
    last: u8,
}

impl CvAuthority {
    pub(crate) fn id(self) -> [u8; 16] {
        key_id(self.number, "001", self.last)
    }
}

/// Certifies the municipality keys that sign the files of the text-input support application.
pub(crate) const TEXT_INPUT: CvAuthority = CvAuthority { number: "9000033", last: 0x00 };
/// Certifies the municipality keys that sign the files of the surface application.
pub(crate) const SURFACE: CvAuthority = CvAuthority { number: "9000023", last: 0x00 };
/// Certifies the municipality keys of the GET DATA chain.
pub(crate) const ISSUER: CvAuthority = CvAuthority { number: "9000020", last: 0xA8 };

/// A key identifier: seven digits ‖ `08 05` ‖ three digits ‖ `00 00 00` ‖ one more byte.
pub(crate) fn key_id(number: &str, group: &str, last: u8) -> [u8; 16] {
    let bytes = [number.as_bytes(), &[0x08, 0x05], group.as_bytes(), &[0, 0, 0, last]].concat();
    bytes.try_into().expect("seven and three digits")
}

/// A certificate in its template, as an EF holds it; 568 bytes.
///
/// ```text
/// 7F21 820233 { 5F4E 820129 <297>  5F37 820100 <signature over the 297 bytes> }
/// ```
pub(crate) fn certificate(
    authority: CvAuthority,
    subject: [u8; 16],
    subject_key: &'static str,
) -> Result<Vec<u8>, SimError> {
    Ok(field(0x7F21, &content(authority.number, authority.id(), subject, subject_key)?))
}

/// A certificate as GET DATA answers it: a header list instead of the template; 575 bytes.
pub(crate) fn data_object(
    issuer_key: &'static str,
    issuer: [u8; 16],
    subject: [u8; 16],
    subject_key: &'static str,
) -> Result<Vec<u8>, SimError> {
    Ok([HEADER_LIST, &content(issuer_key, issuer, subject, subject_key)?].concat())
}

impl CvAuthority {
    /// The name of the authority's key in the key file.
    pub(crate) fn key(self) -> &'static str {
        self.number
    }
}

fn content(
    issuer_key: &'static str,
    issuer: [u8; 16],
    subject: [u8; 16],
    subject_key: &'static str,
) -> Result<Vec<u8>, SimError> {
    let key = card_keys::public_key(&*card_keys::key(subject_key)?);
    let body = [&issuer[..], &subject, &key].concat();
    let signature = card_keys::sign(issuer_key, &body)?;
    Ok([field(0x5F4E, &body), field(0x5F37, &signature)].concat())
}

/// Tags and lengths of what 5F4E concatenates: two key identifiers and a key of 265 bytes.
const HEADER_LIST: &[u8] = &[0x4D, 0x0A, 0x42, 0x10, 0x5F, 0x20, 0x10, 0x5F, 0x49, 0x82, 0x01, 0x09];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::hex;

    #[test]
    fn key_identifiers_have_the_published_bytes() {
        assert_eq!(key_id("5000033", "001", 0).to_vec(), hex("35303030303333 0805 303031 000000 00"));
        assert_eq!(key_id("1310131", "000", 0).to_vec(), hex("31333130313331 0805 303030 000000 00"));
    }

    #[test]
    fn certificates_have_the_published_sizes() {
        let subject = key_id("1310131", "000", 0);
        let certificate = certificate(TEXT_INPUT, subject, "municipality-31").expect("issued");
        assert_eq!((certificate.len(), &certificate[..5]), (568, &hex("7F21820233")[..]));
        assert_eq!(certificate[5..10], hex("5F4E820129"));
        assert_eq!(certificate[307..312], hex("5F37820100"));
        let object = data_object(ISSUER.key(), ISSUER.id(), subject, "municipality-30").expect("issued");
        assert_eq!((object.len(), &object[..12]), (575, HEADER_LIST));
    }

    #[test]
    fn every_authority_is_marked_as_simulated() {
        let authorities = cv_authorities();
        assert_eq!(authorities.len(), 3);
        assert!(authorities.iter().all(|(id, modulus)| id[0] == b'9' && modulus.len() == 256));
    }
}
