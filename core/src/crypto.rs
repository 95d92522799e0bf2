//! Digests, public keys and signature checks, over the crypto provider that was passed in.

use der::asn1::UintRef;
use der::{Decode, Encode, Reader, SliceReader};
use rustls_pki_types::{SignatureVerificationAlgorithm, alg_id};
use sha2::{Digest, Sha256, Sha384};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use crate::secret::opaque_debug;

/// A signature algorithm of the wire, under its JOSE name (RFC 7518, 3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: today's card.
    Rs256,
    /// ECDSA on P-256 with SHA-256: device keys and P-256 cards.
    Es256,
    /// ECDSA on P-384 with SHA-384: P-384 cards.
    Es384,
}

impl Algorithm {
    /// The `alg` value (RFC 7518, 3.1).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
        }
    }

    /// The hash of `message` that this algorithm signs: 32 or 48 bytes.
    pub fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rs256 | Self::Es256 => sha256(message).to_vec(),
            Self::Es384 => Sha384::digest(message).to_vec(),
        }
    }
}

/// SHA-256 (FIPS 180-4).
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// SHA-256 of several parts, one after the other.
pub(crate) fn sha256_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    parts.into_iter().fold(Sha256::new(), |hasher, part| hasher.chain_update(part)).finalize().into()
}

/// A public key of one of the kinds the wire knows.
#[derive(Clone, Eq, PartialEq)]
pub struct PublicKey(Kind);

#[derive(Clone, Eq, PartialEq)]
enum Kind {
    /// RSA of at least 2048 bits: the DER `RSAPublicKey` (RFC 8017, A.1.1), modulus and exponent without leading zeros.
    Rsa { der: Vec<u8>, modulus: Vec<u8>, exponent: Vec<u8> },
    /// An uncompressed point `04 ‖ x ‖ y`.
    Ec(Curve, Vec<u8>),
}

opaque_debug!(PublicKey);

impl PublicKey {
    /// Reads a DER SubjectPublicKeyInfo (RFC 5280, 4.1.2.7); `None` for any other kind of key.
    pub fn from_spki(der: &[u8]) -> Option<Self> {
        let spki = SubjectPublicKeyInfoRef::from_der(der).ok()?;
        let algorithm = spki.algorithm.to_der().ok()?;
        let bits = spki.subject_public_key.as_bytes()?;
        if algorithm == sequence(&alg_id::RSA_ENCRYPTION) {
            Self::rsa(bits)
        } else if algorithm == sequence(&alg_id::ECDSA_P256) {
            Self::ec(Curve::P256, bits)
        } else if algorithm == sequence(&alg_id::ECDSA_P384) {
            Self::ec(Curve::P384, bits)
        } else {
            None
        }
    }

    /// Takes a DER `RSAPublicKey` of at least 2048 bits.
    pub fn rsa(der: &[u8]) -> Option<Self> {
        let (modulus, exponent) = parse_two_uints(der)?;
        let long_enough = modulus.len() > 256 || (modulus.len() == 256 && modulus.first()? & 0x80 != 0);
        long_enough.then(|| Self(Kind::Rsa { der: der.to_vec(), modulus, exponent }))
    }

    /// Takes an RSA modulus and exponent, big endian, of at least 2048 bits.
    pub fn rsa_from_numbers(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let mut contents = UintRef::new(modulus).ok()?.to_der().ok()?;
        contents.extend(UintRef::new(exponent).ok()?.to_der().ok()?);
        Self::rsa(&sequence(&contents))
    }

    /// Takes an uncompressed point of exactly the curve's length. Whether it lies on the curve shows at the first use.
    pub fn ec(curve: Curve, point: &[u8]) -> Option<Self> {
        let uncompressed = point.first() == Some(&0x04) && point.len() == curve.signature_len().saturating_add(1);
        uncompressed.then(|| Self(Kind::Ec(curve, point.to_vec())))
    }

    /// The one algorithm this key signs with on the wire.
    pub const fn algorithm(&self) -> Algorithm {
        match self.0 {
            Kind::Rsa { .. } => Algorithm::Rs256,
            Kind::Ec(Curve::P256, _) => Algorithm::Es256,
            Kind::Ec(Curve::P384, _) => Algorithm::Es384,
        }
    }

    /// The curve of an EC key.
    pub const fn curve(&self) -> Option<Curve> {
        match self.0 {
            Kind::Rsa { .. } => None,
            Kind::Ec(curve, _) => Some(curve),
        }
    }

    /// Modulus and exponent of an RSA key, big endian without leading zeros.
    pub fn rsa_numbers(&self) -> Option<(&[u8], &[u8])> {
        match &self.0 {
            Kind::Rsa { modulus, exponent, .. } => Some((modulus, exponent)),
            Kind::Ec(..) => None,
        }
    }

    /// Affine coordinates `(x, y)` of an EC key, full width.
    pub fn coordinates(&self) -> Option<(&[u8], &[u8])> {
        match &self.0 {
            Kind::Rsa { .. } => None,
            Kind::Ec(_, point) => point.get(1..).and_then(|xy| xy.split_at_checked(xy.len() / 2)),
        }
    }

    fn bits(&self) -> &[u8] {
        match &self.0 {
            Kind::Rsa { der, .. } => der,
            Kind::Ec(_, point) => point,
        }
    }
}

fn sequence(contents: &[u8]) -> Vec<u8> {
    der::asn1::AnyRef::new(der::Tag::Sequence, contents).and_then(|any| any.to_der()).unwrap_or_default()
}

/// Reads `SEQUENCE { INTEGER, INTEGER }`, both positive and minimal, with nothing behind it.
fn parse_two_uints(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut reader = SliceReader::new(bytes).ok()?;
    let pair = reader
        .sequence(|r| -> Result<_, der::Error> {
            Ok((UintRef::decode(r)?.as_bytes().to_vec(), UintRef::decode(r)?.as_bytes().to_vec()))
        })
        .ok()?;
    reader.finish().ok()?;
    Some(pair)
}

/// The curves of the wire.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
}

const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
const P384_ORDER: [u8; 48] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0,
    0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
];

impl Curve {
    /// Length of `r ‖ s` in bytes (RFC 7518, 3.4).
    pub const fn signature_len(self) -> usize {
        match self {
            Self::P256 => 64,
            Self::P384 => 96,
        }
    }

    const fn half(self) -> usize {
        self.signature_len() / 2
    }

    const fn order(self) -> &'static [u8] {
        match self {
            Self::P256 => &P256_ORDER,
            Self::P384 => &P384_ORDER,
        }
    }
}

/// An ECDSA signature `r ‖ s`, each half in `1..n` and full width.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EcdsaSignature {
    curve: Curve,
    fixed: Vec<u8>,
}

impl EcdsaSignature {
    /// Reads `r ‖ s` of exactly the curve's length.
    pub fn from_fixed(curve: Curve, bytes: &[u8]) -> Option<Self> {
        let (r, s) = bytes.split_at_checked(curve.half()).filter(|_| bytes.len() == curve.signature_len())?;
        let in_range = |half: &[u8]| half.iter().any(|byte| *byte != 0) && half < curve.order();
        (in_range(r) && in_range(s)).then(|| Self { curve, fixed: bytes.to_vec() })
    }

    /// Reads the DER form of RFC 3279, 2.2.3; refuses trailing bytes, negative, non-minimal or oversized integers.
    pub fn from_der(curve: Curve, der: &[u8]) -> Option<Self> {
        let (r, s) = parse_two_uints(der)?;
        let mut fixed = Vec::with_capacity(curve.signature_len());
        for half in [r, s] {
            let padding = curve.half().checked_sub(half.len())?;
            fixed.extend(std::iter::repeat_n(0, padding));
            fixed.extend_from_slice(&half);
        }
        Self::from_fixed(curve, &fixed)
    }

    /// The JOSE form `r ‖ s`.
    pub fn as_fixed(&self) -> &[u8] {
        &self.fixed
    }

    /// The DER form of RFC 3279, 2.2.3.
    pub fn to_der(&self) -> Option<Vec<u8>> {
        let (r, s) = self.fixed.split_at_checked(self.curve.half())?;
        let mut contents = UintRef::new(r).ok()?.to_der().ok()?;
        contents.extend(UintRef::new(s).ok()?.to_der().ok()?);
        Some(sequence(&contents))
    }
}

/// Checks signatures with the algorithms of one crypto provider.
#[derive(Clone, Copy, Debug)]
pub struct SignatureVerifier {
    algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
}

impl SignatureVerifier {
    /// Over the algorithms of a provider, such as those of a rustls `CryptoProvider`.
    pub const fn new(algorithms: &'static [&'static dyn SignatureVerificationAlgorithm]) -> Self {
        Self { algorithms }
    }

    /// Over ring.
    #[cfg(feature = "ring")]
    pub fn ring() -> Self {
        static RING: [&dyn SignatureVerificationAlgorithm; 4] = [
            webpki::ring::RSA_PKCS1_2048_8192_SHA256,
            webpki::ring::ECDSA_P256_SHA256,
            webpki::ring::ECDSA_P384_SHA384,
            webpki::ring::RSA_PKCS1_2048_8192_SHA384,
        ];
        Self::new(&RING)
    }

    /// Whether `signature` (JOSE form: RSA block or `r ‖ s`) over `message` was made by `key`.
    pub fn verify_jose(self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        let (algorithm, signature) = match key.curve() {
            None => (alg_id::RSA_PKCS1_SHA256, Some(signature.to_vec())),
            Some(curve) => {
                let id = if curve == Curve::P256 { alg_id::ECDSA_SHA256 } else { alg_id::ECDSA_SHA384 };
                (id, EcdsaSignature::from_fixed(curve, signature).and_then(|s| s.to_der()))
            }
        };
        signature.is_some_and(|signature| self.verify(key, &algorithm, message, &signature))
    }

    /// Whether `signature` over `message` was made by `key` with the algorithm of this DER AlgorithmIdentifier.
    pub fn verify_x509(self, key: &PublicKey, algorithm: &[u8], message: &[u8], signature: &[u8]) -> bool {
        [alg_id::RSA_PKCS1_SHA256, alg_id::RSA_PKCS1_SHA384, alg_id::ECDSA_SHA256, alg_id::ECDSA_SHA384]
            .iter()
            .find(|id| sequence(id) == algorithm)
            .is_some_and(|id| self.verify(key, id, message, signature))
    }

    fn verify(
        self,
        key: &PublicKey,
        signature_algorithm: &rustls_pki_types::AlgorithmIdentifier,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let key_algorithm = match key.curve() {
            None => alg_id::RSA_ENCRYPTION,
            Some(Curve::P256) => alg_id::ECDSA_P256,
            Some(Curve::P384) => alg_id::ECDSA_P384,
        };
        self.algorithms
            .iter()
            .filter(|a| a.public_key_alg_id() == key_algorithm && a.signature_alg_id() == *signature_algorithm)
            .any(|a| a.verify_signature(key.bits(), message, signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn der_and_fixed_signatures_convert_both_ways() {
        // RFC 7515 A.3, with the leading bit of s set.
        let fixed = crate::base64url::decode(
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        )
        .expect("base64url");
        let signature = EcdsaSignature::from_fixed(Curve::P256, &fixed).expect("in range");
        let der = signature.to_der().expect("encodes");
        assert_eq!(&der[..6], [0x30, 0x45, 0x02, 0x20, 0x0e, 0xd1]);
        assert_eq!(EcdsaSignature::from_der(Curve::P256, &der), Some(signature));
    }

    #[test]
    fn short_halves_are_padded() {
        let mut fixed = vec![0; 96];
        fixed[47] = 7;
        fixed[49..].fill(0x11);
        let der = EcdsaSignature::from_fixed(Curve::P384, &fixed).and_then(|s| s.to_der()).expect("encodes");
        assert_eq!(&der[..5], [0x30, 0x34, 0x02, 0x01, 0x07]);
        assert_eq!(EcdsaSignature::from_der(Curve::P384, &der).expect("decodes").as_fixed(), fixed);
    }

    #[test]
    fn signatures_out_of_range_or_form_are_refused() {
        let mut at_order = vec![1; 64];
        at_order[..32].copy_from_slice(&P256_ORDER);
        assert_eq!(EcdsaSignature::from_fixed(Curve::P256, &at_order), None);
        assert_eq!(EcdsaSignature::from_fixed(Curve::P256, &[0; 64]), None);
        assert_eq!(EcdsaSignature::from_fixed(Curve::P256, &[1; 63]), None);
        let good = [0x30, 0x06, 0x02, 0x01, 0x05, 0x02, 0x01, 0x06];
        assert!(EcdsaSignature::from_der(Curve::P256, &good).is_some());
        for bad in [
            &[0x30, 0x06, 0x02, 0x01, 0x05, 0x02, 0x01, 0x06, 0x00][..], // trailing byte
            &[0x30, 0x06, 0x02, 0x01, 0x85, 0x02, 0x01, 0x06],           // negative
            &[0x30, 0x07, 0x02, 0x02, 0x00, 0x05, 0x02, 0x01, 0x06],     // not minimal
            &[0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x06],           // zero
            &[0x30, 0x81, 0x06, 0x02, 0x01, 0x05, 0x02, 0x01, 0x06],     // long length form
        ] {
            assert_eq!(EcdsaSignature::from_der(Curve::P256, bad), None, "{bad:02x?}");
        }
    }
}
