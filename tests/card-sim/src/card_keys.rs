//! The RSA keys of cards, municipalities and CV authorities (`tests/people/card-keys.json`), and signatures with them.

use crate::{SimError, keys::PrivateKey, tlv_writer::field};
use rsa::{Pkcs1v15Sign, RsaPrivateKey, traits::PublicKeyParts};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// The key with this name. Decoding is slow, so every key is decoded once.
pub(crate) fn key(name: &'static str) -> Result<Arc<RsaPrivateKey>, SimError> {
    static DECODED: OnceLock<Mutex<HashMap<&str, Arc<RsaPrivateKey>>>> = OnceLock::new();
    let mut decoded = DECODED.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(key) = decoded.get(name) {
        return Ok(Arc::clone(key));
    }
    let entry = key_file().keys.get(name).ok_or_else(|| SimError::TestData(format!("no card key {name}")))?;
    let PrivateKey::Rsa(key) = PrivateKey::decode(&entry.pkcs8)? else {
        return Err(SimError::TestData(format!("the card key {name} is not RSA")));
    };
    decoded.insert(name, Arc::clone(&key));
    Ok(key)
}

/// The 256 bytes of the modulus. Every exponent is 65,537.
pub(crate) fn modulus(key: &RsaPrivateKey) -> Vec<u8> {
    key.n_bytes().into_vec()
}

/// A public key as cards write it: `90 03 010001`, `91 82 0100` modulus; 265 bytes.
pub(crate) fn public_key(key: &RsaPrivateKey) -> Vec<u8> {
    [field(0x90, &[0x01, 0x00, 0x01]), field(0x91, &modulus(key))].concat()
}

/// PKCS #1 v1.5 with SHA-256.
pub(crate) fn sign(name: &'static str, message: &[u8]) -> Result<Vec<u8>, SimError> {
    sign_digests(name, &Sha256::digest(message))
}

/// PKCS #1 v1.5 over a DigestInfo that names SHA-256 and carries these bytes, 32 or a multiple of it.
///
/// Signatures already made in this process are remembered: they are slow, and the same input gives the same bytes.
pub(crate) fn sign_digests(name: &'static str, digests: &[u8]) -> Result<Vec<u8>, SimError> {
    type Signed = HashMap<(&'static str, Vec<u8>), Vec<u8>>;
    static SIGNED: OnceLock<Mutex<Signed>> = OnceLock::new();
    let signed = SIGNED.get_or_init(Mutex::default);
    let index = (name, digests.to_vec());
    if let Some(signature) = signed.lock().unwrap_or_else(PoisonError::into_inner).get(&index) {
        return Ok(signature.clone());
    }
    let octets = u8::try_from(digests.len()).ok().filter(|length| *length <= 0x60);
    let octets = octets.ok_or_else(|| SimError::TestData("too many digests for one signature".to_owned()))?;
    let digest_info = [&[0x30, octets + 17], SHA256_ALGORITHM, &[0x04, octets], digests].concat();
    let signature = key(name)?.sign(Pkcs1v15Sign::new_unprefixed(), &digest_info);
    let signature = signature.map_err(|_| SimError::TestData(format!("the card key {name} cannot sign")))?;
    signed.lock().unwrap_or_else(PoisonError::into_inner).insert(index, signature.clone());
    Ok(signature)
}

#[derive(Deserialize)]
struct KeyFile {
    keys: BTreeMap<String, KeyEntry>,
}

#[derive(Deserialize)]
struct KeyEntry {
    pkcs8: String,
}

fn key_file() -> &'static KeyFile {
    static KEYS: OnceLock<KeyFile> = OnceLock::new();
    KEYS.get_or_init(|| {
        serde_json::from_str(include_str!("../../people/card-keys.json")).expect("card-keys.json is part of the binary")
    })
}

/// AlgorithmIdentifier of SHA-256 (RFC 8017, 9.2, note 1).
const SHA256_ALGORITHM: &[u8] =
    &[0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::hex;

    #[test]
    fn a_signature_block_is_padding_and_a_digest_info_with_one_or_three_digests() {
        let prefixes = ["3031300D060960864801650304020105000420", "3071300D060960864801650304020105000460"];
        for (digests, prefix) in [vec![7; 32], vec![7; 96]].iter().zip(prefixes) {
            let signature = sign_digests("municipality-21", digests).expect("signed");
            let public = key("municipality-21").expect("a key").to_public_key();
            let block = [hex(prefix), digests.clone()].concat();
            public.verify(Pkcs1v15Sign::new_unprefixed(), &block, &signature).expect("verifies");
        }
    }

    #[test]
    fn a_public_key_takes_265_bytes() {
        let key = public_key(&key("text-0013").expect("a key"));
        assert_eq!(key.len(), 265);
        assert_eq!(key[..9], hex("9003010001 91820100"));
    }
}
