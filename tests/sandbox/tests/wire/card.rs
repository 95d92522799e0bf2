//! A card in software: a checked-in key, and a certificate issued for it by a JPKI-SIM authority.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use der::asn1::{ObjectIdentifier, UtcTime};
use der::{Decode, Encode};
use p256::pkcs8::DecodePrivateKey;
use rsa::signature::{SignatureEncoding, Signer};
use serde_json::{Value, json};
use sha2::Sha256;
use x509_cert::Certificate;

pub(crate) enum Key {
    Rsa(rsa::pkcs1v15::SigningKey<Sha256>),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
}

pub(crate) struct Card {
    pub(crate) key: Key,
    pub(crate) thumbprint: String,
    pub(crate) certificate: Vec<u8>,
}

/// What the certificate says.
#[derive(Clone)]
pub(crate) struct Profile {
    pub(crate) authority: &'static str,
    pub(crate) key_usage: u8,
    pub(crate) policy: &'static str,
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            authority: "authentication-rsa2048",
            key_usage: 0x80,
            policy: "1.2.392.200149.8.5.1.0.30",
            not_before: now() - 30 * DAY_S,
            not_after: now() + 1000 * DAY_S,
        }
    }
}

impl Card {
    /// Today's card of a person.
    pub(crate) fn of(person: u8) -> Self {
        Self::with(person, "rsa2048", &Profile::default())
    }

    pub(crate) fn with(person: u8, kind: &str, profile: &Profile) -> Self {
        let keys = keys();
        let entry = &keys["people"][person.to_string()]["authentication"][kind];
        let key = Key::read(kind, &entry["pkcs8"]);
        let certificate = issue(&keys, &key.spki(), profile);
        Self { key, thumbprint: entry["thumbprint"].as_str().unwrap().to_owned(), certificate }
    }

    /// Swaps the key for one that no person signs in with.
    pub(crate) fn replace_with_signature_key_of(&mut self, person: u8) {
        let keys = keys();
        let entry = &keys["people"][person.to_string()]["signature"]["rsa2048"];
        self.key = Key::read("rsa2048", &entry["pkcs8"]);
        self.thumbprint = entry["thumbprint"].as_str().unwrap().to_owned();
        self.certificate = issue(&keys, &self.key.spki(), &Profile::default());
    }

    pub(crate) fn header(&self) -> Value {
        json!({ "alg": self.key.algorithm(), "typ": "card-auth+jwt", "x5c": [Base64::encode_string(&self.certificate)] })
    }

    /// The claims of an assertion for a DPoP key.
    pub(crate) fn claims(&self, issuer: &str, nonce: &str, jkt: &str) -> Value {
        let subject = format!("urn:ietf:params:oauth:jwk-thumbprint:sha-256:{}", self.thumbprint);
        json!({
            "iss": subject, "sub": subject, "aud": issuer, "iat": now(), "exp": now() + 180,
            "jti": random_id(), "nonce": nonce, "cnf": { "jkt": jkt },
            "scope": "patient/CoverageEligibilityRequest.c patient/CoverageEligibilityResponse.rs \
                      patient/Coverage.rs patient/ExplanationOfBenefit.rs patient/MedicationDispense.rs \
                      patient/Immunization.rs patient/Observation.rs patient/AuditEvent.rs \
                      patient/Consent.crus patient/Task.crus patient/Unknown.rs card.suspend offline_access",
            "purpose": {
                "code": "PATRQT", "notice": "2026-11-01", "sha256": "ZrAgvl6m69odGi5kOC7GnVKRodjR3s4Wbc8nu9J6WXE",
            },
            "chan": { "kind": "Plain", "chip_proof": "CertKeyChallenge" },
        })
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    pub(crate) fn sign_text(&self, header: &str, claims: &str) -> String {
        let encode = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
        let input = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
        let signature = self.key.sign(input.as_bytes());
        format!("{input}.{}", encode(&signature))
    }
}

impl Key {
    fn read(kind: &str, pkcs8: &Value) -> Self {
        let der = Base64::decode_vec(pkcs8.as_str().unwrap()).unwrap();
        match kind {
            "rsa2048" => Self::Rsa(rsa::pkcs1v15::SigningKey::new(rsa::RsaPrivateKey::from_pkcs8_der(&der).unwrap())),
            "p256" => Self::P256(p256::ecdsa::SigningKey::from_pkcs8_der(&der).unwrap()),
            "p384" => Self::P384(p384::ecdsa::SigningKey::from_pkcs8_der(&der).unwrap()),
            other => panic!("no key kind {other}"),
        }
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
            Self::P384(_) => "ES384",
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa(key) => key.sign(message).to_vec(),
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_vec()
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign(message);
                signature.to_vec()
            }
        }
    }

    fn spki(&self) -> Vec<u8> {
        use p256::pkcs8::EncodePublicKey;
        use rsa::signature::Keypair;
        match self {
            Self::Rsa(key) => key.verifying_key().to_public_key_der(),
            Self::P256(key) => key.verifying_key().to_public_key_der(),
            Self::P384(key) => key.verifying_key().to_public_key_der(),
        }
        .unwrap()
        .into_vec()
    }
}

/// Issues an end-entity certificate: the DER is put together by hand, so that wrong ones can be made too.
fn issue(keys: &Value, spki: &[u8], profile: &Profile) -> Vec<u8> {
    let authority = &keys["authorities"][profile.authority];
    let file = format!("{}/../people/{}", env!("CARGO_MANIFEST_DIR"), authority["certificate"].as_str().unwrap());
    let pem = std::fs::read_to_string(file).unwrap();
    let root: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let root = Certificate::from_der(&Base64::decode_vec(&root).unwrap()).unwrap();
    let kind = if profile.authority.ends_with("p384") { "p384" } else { "rsa2048" };
    let key = Key::read(kind, &authority["pkcs8"]);
    let algorithm = match key {
        Key::Rsa(_) => tlv(0x30, &[oid("1.2.840.113549.1.1.11"), vec![0x05, 0x00]].concat()),
        _ => tlv(0x30, &oid("1.2.840.10045.4.3.3")),
    };
    let extension = |name: &str, critical: bool, value: &[u8]| {
        let critical = if critical { vec![0x01, 0x01, 0xff] } else { Vec::new() };
        tlv(0x30, &[oid(name), critical, tlv(0x04, value)].concat())
    };
    let policies = tlv(0x30, &tlv(0x30, &oid(profile.policy)));
    let usage = [0x03, 0x02, u8::try_from(profile.key_usage.trailing_zeros()).unwrap(), profile.key_usage];
    let extensions = [extension("2.5.29.15", true, &usage), extension("2.5.29.32", true, &policies)].concat();
    let name = |attribute: &str, tag: u8, text: &str| {
        tlv(0x31, &tlv(0x30, &[oid(attribute), tlv(tag, text.as_bytes())].concat()))
    };
    let tbs = tlv(
        0x30,
        &[
            vec![0xa0, 0x03, 0x02, 0x01, 0x02],
            vec![0x02, 0x03, 0x01, 0x02, 0x03],
            algorithm.clone(),
            root.tbs_certificate().subject().to_der().unwrap(),
            tlv(0x30, &[utc_time(profile.not_before), utc_time(profile.not_after)].concat()),
            tlv(0x30, &[name("2.5.4.6", 0x13, "JP"), name("2.5.4.3", 0x0c, "SIM0000000001A131010001")].concat()),
            spki.to_vec(),
            tlv(0xa3, &tlv(0x30, &extensions)),
        ]
        .concat(),
    );
    let signature = match &key {
        Key::P384(key) => {
            let signature: p384::ecdsa::Signature = key.sign(&tbs);
            signature.to_der().as_bytes().to_vec()
        }
        other => other.sign(&tbs),
    };
    tlv(0x30, &[tbs, algorithm, tlv(0x03, &[vec![0], signature].concat())].concat())
}

fn utc_time(time: i64) -> Vec<u8> {
    UtcTime::from_unix_duration(Duration::from_secs(time.unsigned_abs())).unwrap().to_der().unwrap()
}

fn oid(text: &str) -> Vec<u8> {
    ObjectIdentifier::new_unwrap(text).to_der().unwrap()
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = content.len().to_be_bytes();
    let significant = &length[length.iter().position(|byte| *byte != 0).unwrap_or(7)..];
    if content.len() >= 0x80 {
        bytes.push(0x80 | u8::try_from(significant.len()).unwrap());
    }
    bytes.extend(significant);
    bytes.extend(content);
    bytes
}

pub(crate) fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// A random UUID of version 4.
pub(crate) fn random_id() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn keys() -> Value {
    serde_json::from_str(include_str!("../../../people/keys.json")).unwrap()
}

pub(crate) const DAY_S: i64 = 86_400;
