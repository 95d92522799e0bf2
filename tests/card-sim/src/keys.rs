//! Private keys of people and authorities, and what the card signs with them.

use crate::{
    SimError,
    apdu::status,
    der_writer::{oid, sequence},
    profile::Profile,
};
use base64ct::{Base64, Encoding};
use der::Decode;
use p256::{
    ecdsa::signature::hazmat::PrehashSigner,
    pkcs8::{DecodePrivateKey, EncodePublicKey},
};
use rsa::{
    Pkcs1v15Sign, Pss, RsaPrivateKey,
    rand_core::{CryptoRng, UnwrapErr},
};
use serde::Deserialize;
use sha2::{Digest, Sha256, Sha384};
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

/// What a key is for; each has its own authority.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Purpose {
    Authentication,
    Signature,
}

/// Kind of key on a card.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Algorithm {
    Rsa2048,
    P256,
    P384,
}

impl Algorithm {
    pub(crate) fn of(profile: Profile) -> Self {
        match profile {
            Profile::NextP256 => Self::P256,
            Profile::NextP384 => Self::P384,
            _ => Self::Rsa2048,
        }
    }
}

/// A private key with the three operations the simulation needs.
pub(crate) enum PrivateKey {
    Rsa(Arc<RsaPrivateKey>),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
}

impl PrivateKey {
    /// The key of a person.
    pub(crate) fn of_person(number: u8, purpose: Purpose, algorithm: Algorithm) -> Result<Self, SimError> {
        let person = key_file().people.get(&number.to_string()).ok_or(SimError::UnknownPerson(number))?;
        let keys = match purpose {
            Purpose::Authentication => &person.authentication,
            Purpose::Signature => &person.signature,
        };
        let entry = match algorithm {
            Algorithm::Rsa2048 => &keys.rsa2048,
            Algorithm::P256 => &keys.p256,
            Algorithm::P384 => &keys.p384,
        };
        Self::decode(&entry.pkcs8)
    }

    /// The key of an authority, by its name in the key file.
    pub(crate) fn of_authority(name: &str) -> Result<Self, SimError> {
        let entry = key_file().authorities.get(name);
        Self::decode(&entry.ok_or_else(|| SimError::TestData(format!("no authority {name}")))?.pkcs8)
    }

    /// A key from the Base64 of its PKCS#8.
    pub(crate) fn decode(pkcs8: &str) -> Result<Self, SimError> {
        let broken = |what: &str| SimError::TestData(format!("a private key: {what}"));
        let der = Base64::decode_vec(pkcs8).map_err(|_| broken("not Base64"))?;
        let info = p256::pkcs8::PrivateKeyInfoRef::from_der(&der).map_err(|_| broken("not PKCS#8"))?;
        if info.algorithm.oid == rsa::pkcs1::ALGORITHM_OID {
            return RsaPrivateKey::from_pkcs8_der(&der).map(|key| Self::Rsa(Arc::new(key))).map_err(|_| broken("RSA"));
        }
        let p256 = p256::SecretKey::from_pkcs8_der(&der).map(|key| Self::P256((&key).into()));
        p256.or_else(|_| p384::SecretKey::from_pkcs8_der(&der).map(|key| Self::P384((&key).into())))
            .map_err(|_| broken("unknown algorithm"))
    }

    /// The SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) as DER.
    pub(crate) fn public_key_info(&self) -> Result<Vec<u8>, SimError> {
        let document = match self {
            Self::Rsa(key) => key.to_public_key().to_public_key_der(),
            Self::P256(key) => key.verifying_key().to_public_key_der(),
            Self::P384(key) => key.verifying_key().to_public_key_der(),
        };
        Ok(document.map_err(|_| SimError::TestData("a public key".to_owned()))?.into_vec())
    }

    /// AlgorithmIdentifier of the signatures this key puts on certificates.
    pub(crate) fn certificate_algorithm(&self) -> Vec<u8> {
        match self {
            Self::Rsa(_) => sequence(&[oid("1.2.840.113549.1.1.11"), vec![0x05, 0x00]]),
            Self::P256(_) => sequence(&[oid("1.2.840.10045.4.3.2")]),
            Self::P384(_) => sequence(&[oid("1.2.840.10045.4.3.3")]),
        }
    }

    /// Signs the to-be-signed part of a certificate.
    pub(crate) fn sign_certificate(&self, tbs: &[u8]) -> Result<Vec<u8>, SimError> {
        let failed = || SimError::TestData("an authority key cannot sign".to_owned());
        match self {
            Self::Rsa(key) => key.sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(tbs)).map_err(|_| failed()),
            Self::P256(key) => {
                let signature: p256::ecdsa::DerSignature =
                    key.sign_prehash(&Sha256::digest(tbs)).map_err(|_| failed())?;
                Ok(signature.as_bytes().to_vec())
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::DerSignature =
                    key.sign_prehash(&Sha384::digest(tbs)).map_err(|_| failed())?;
                Ok(signature.as_bytes().to_vec())
            }
        }
    }

    /// What the card does with `80 2A`, or the status word that says why it does not.
    ///
    /// RSA, by P1: `00` pads the input as given; `01` hashes and pads the bare hash; `02` takes a SHA-256 hash and adds
    /// the DigestInfo; `03` the same from the message; `04` and `05` are `02` and `03` with PSS. EC keys know `00` with a
    /// hash of exactly their size; P-256 answers DER, P-384 answers r‖s, so that readers meet both forms.
    pub(crate) fn sign_on_card(&self, scheme: u8, input: &[u8]) -> Result<Vec<u8>, u16> {
        match self {
            Self::Rsa(key) => sign_rsa(key, scheme, input),
            _ if scheme != 0x00 => Err(status::WRONG_P1_P2),
            Self::P256(key) if input.len() == 32 => {
                let signature: p256::ecdsa::DerSignature =
                    key.sign_prehash(input).map_err(|_| status::CONDITIONS_OF_USE)?;
                Ok(signature.as_bytes().to_vec())
            }
            Self::P384(key) if input.len() == 48 => {
                let signature: p384::ecdsa::Signature =
                    key.sign_prehash(input).map_err(|_| status::CONDITIONS_OF_USE)?;
                Ok(signature.to_bytes().to_vec())
            }
            Self::P256(_) | Self::P384(_) => Err(status::CONDITIONS_OF_USE),
        }
    }

    /// Longest signature this key makes, in bytes.
    pub(crate) fn longest_signature(&self) -> usize {
        match self {
            Self::Rsa(_) => 256,
            Self::P256(_) => 72,
            Self::P384(_) => 96,
        }
    }
}

fn sign_rsa(key: &RsaPrivateKey, scheme: u8, input: &[u8]) -> Result<Vec<u8>, u16> {
    let (hashed, prehashed) = (Sha256::digest(input), input.len() == 32);
    let signature = match (scheme, input.len()) {
        (0x00..=0x05, 0) | (0x02 | 0x04, _) if !prehashed => return Err(status::CONDITIONS_OF_USE),
        (0x00, 246..) | (0x00..=0x05, 256..) => return Err(status::WRONG_LENGTH),
        (0x00, _) => key.sign(Pkcs1v15Sign::new_unprefixed(), input),
        (0x01, _) => key.sign(Pkcs1v15Sign::new_unprefixed(), &hashed),
        (0x02, _) => key.sign(Pkcs1v15Sign::new::<Sha256>(), input),
        (0x03, _) => key.sign(Pkcs1v15Sign::new::<Sha256>(), &hashed),
        (0x04, _) => key.sign_with_rng(&mut random(), Pss::<Sha256>::new(), input),
        (0x05, _) => key.sign_with_rng(&mut random(), Pss::<Sha256>::new(), &hashed),
        _ => return Err(status::WRONG_P1_P2),
    };
    signature.map_err(|_| status::UNSPECIFIC)
}

fn random() -> impl CryptoRng {
    UnwrapErr(getrandom::SysRng)
}

#[derive(Deserialize)]
struct KeyFile {
    authorities: BTreeMap<String, KeyEntry>,
    people: BTreeMap<String, PersonKeys>,
}

#[derive(Deserialize)]
struct PersonKeys {
    authentication: KeySet,
    signature: KeySet,
}

#[derive(Deserialize)]
struct KeySet {
    rsa2048: KeyEntry,
    p256: KeyEntry,
    p384: KeyEntry,
}

#[derive(Deserialize)]
struct KeyEntry {
    pkcs8: String,
}

fn key_file() -> &'static KeyFile {
    static KEYS: OnceLock<KeyFile> = OnceLock::new();
    KEYS.get_or_init(|| {
        serde_json::from_str(include_str!("../../people/keys.json")).expect("keys.json is part of the binary")
    })
}
