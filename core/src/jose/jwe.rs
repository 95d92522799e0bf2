//! JWE compact serialization (RFC 7516, 3.1 and 7.1) in the one form the wire uses: ECDH-ES on P-256 in direct mode
//! (RFC 7518, 4.6) with A256GCM (5.3).
//!
//! ```text
//! BASE64URL(protected header) "." "." BASE64URL(IV) "." BASE64URL(ciphertext) "." BASE64URL(tag)
//! ```
//!
//! Everything else is refused with one error, so that an answer does not tell what was wrong with it.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use p256::elliptic_curve::sec1::ToSec1Point;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::concat_kdf;
use super::thumbprint::jwk;
use crate::base64url;
use crate::crypto::{Curve, PublicKey};
use crate::error::{Error, ResourceFault};
use crate::json as border;
use crate::random;
use crate::secret::opaque_debug;

/// Longest compact JWE, in bytes: who has more to say sends pages.
pub const MAX_SEALED: usize = 1 << 20;
/// Longest protected header, in characters of base64url.
const MAX_HEADER: usize = 4096;
const ALGORITHM: &str = "ECDH-ES";
const ENCRYPTION: &str = "A256GCM";
const IV_LEN: usize = 12;
const TAG_LEN: usize = 16;
/// What a protected header may have. No `zip`: the length of what was compressed tells of it. No `crit`: nothing critical
/// is understood.
const HEADER_MEMBERS: [&str; 9] = ["alg", "enc", "epk", "apu", "apv", "cty", "iat", "kid", "typ"];
const EPK_MEMBERS: [&str; 4] = ["kty", "crv", "x", "y"];

/// What stands in the protected header beside the algorithms and the sender's key.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Header {
    /// `cty`: what the plaintext is.
    pub content_type: Option<String>,
    /// `apu`, decoded: who sealed.
    pub party_u: Vec<u8>,
    /// `apv`, decoded: for whom.
    pub party_v: Vec<u8>,
    /// `iat`, seconds since 1970.
    pub issued_at: Option<i64>,
}

/// What was in a JWE.
pub struct Opened {
    /// Proven by the tag, and so only by whoever knew the public key.
    pub header: Header,
    /// The plaintext.
    pub plaintext: Vec<u8>,
}

opaque_debug!(Header, Opened, DecryptionKey);

/// A P-256 key that opens one JWE; its private half is wiped when it was used or dropped.
pub struct DecryptionKey(p256::SecretKey);

impl DecryptionKey {
    /// Draws a new key.
    ///
    /// # Errors
    /// [`Error::Internal`] when the operating system gives no randomness.
    pub fn generate() -> Result<Self, Error> {
        loop {
            let scalar = Zeroizing::new(random::generate_bytes::<32>()?);
            // All but one in 2³² of the 32-byte strings are a valid scalar.
            if let Some(key) = Self::from_scalar(&*scalar) {
                return Ok(key);
            }
        }
    }

    /// Takes a private key of 32 bytes, big endian; `None` outside `1..n`. Who takes one wipes their own copy.
    pub fn from_scalar(scalar: &[u8]) -> Option<Self> {
        // A shorter slice would be padded.
        if scalar.len() == 32 { p256::SecretKey::from_slice(scalar).ok().map(Self) } else { None }
    }

    /// The public half.
    pub fn public_key(&self) -> Option<PublicKey> {
        PublicKey::ec(Curve::P256, self.0.public_key().to_sec1_point(false).as_bytes())
    }

    /// Opens the one JWE this key was made for.
    ///
    /// # Errors
    /// [`ResourceFault::NotSealed`] for whatever is not exactly the form above, or was changed.
    pub fn open(self, compact: &[u8]) -> Result<Opened, ResourceFault> {
        self.try_open(compact).ok_or(ResourceFault::NotSealed)
    }

    fn try_open(&self, compact: &[u8]) -> Option<Opened> {
        if compact.len() > MAX_SEALED {
            return None;
        }
        let [protected, encrypted_key, iv, ciphertext, tag] = parts(str::from_utf8(compact).ok()?)?;
        if !encrypted_key.is_empty() || protected.len() > MAX_HEADER {
            return None;
        }
        let (header, sender) = parse_header(&base64url::decode(protected)?)?;
        let iv: [u8; IV_LEN] = base64url::decode(iv)?.try_into().ok()?;
        let tag: [u8; TAG_LEN] = base64url::decode(tag)?.try_into().ok()?;
        let mut plaintext = base64url::decode(ciphertext)?;
        cipher(&self.0, &sender, &header)?
            .decrypt_inout_detached(&iv.into(), protected.as_bytes(), plaintext.as_mut_slice().into(), &tag.into())
            .ok()?;
        Some(Opened { header, plaintext })
    }
}

/// Seals `plaintext` to `recipient` with a new key of this side.
///
/// # Errors
/// [`Error::Usage`] for a recipient whose key is no point of P-256; [`Error::Internal`] when the operating system gives no
/// randomness.
pub fn seal(recipient: &PublicKey, header: &Header, plaintext: &[u8]) -> Result<String, Error> {
    let ephemeral = DecryptionKey::generate()?;
    let iv = random::generate_bytes::<IV_LEN>()?;
    try_seal(recipient, header, plaintext, &ephemeral, iv)
        .ok_or_else(|| Error::usage("the recipient's key is no point of P-256"))
}

fn try_seal(
    recipient: &PublicKey,
    header: &Header,
    plaintext: &[u8],
    ephemeral: &DecryptionKey,
    iv: [u8; IV_LEN],
) -> Option<String> {
    let (x, y) = recipient.coordinates()?;
    let recipient = point(x, y)?;
    let protected = base64url::encode(header_json(header, &ephemeral.public_key()?).to_string().as_bytes());
    let mut ciphertext = plaintext.to_vec();
    let tag = cipher(&ephemeral.0, &recipient, header)?
        .encrypt_inout_detached(&iv.into(), protected.as_bytes(), ciphertext.as_mut_slice().into())
        .ok()?;
    let [iv, ciphertext, tag] = [&iv[..], &ciphertext, &tag].map(base64url::encode);
    Some(format!("{protected}..{iv}.{ciphertext}.{tag}"))
}

fn header_json(header: &Header, sender: &PublicKey) -> Value {
    let mut members = Map::from_iter([
        ("alg".to_owned(), ALGORITHM.into()),
        ("enc".to_owned(), ENCRYPTION.into()),
        ("epk".to_owned(), jwk(sender)),
        ("apu".to_owned(), base64url::encode(&header.party_u).into()),
        ("apv".to_owned(), base64url::encode(&header.party_v).into()),
    ]);
    if let Some(content_type) = &header.content_type {
        members.insert("cty".to_owned(), json!(content_type));
    }
    if let Some(issued_at) = header.issued_at {
        members.insert("iat".to_owned(), json!(issued_at));
    }
    members.into()
}

/// Exactly five parts.
fn parts(compact: &str) -> Option<[&str; 5]> {
    let mut parts = compact.split('.');
    let five = [parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(five)
}

/// Reads a protected header: only known members, only these algorithms, and the sender's key a point of the curve.
fn parse_header(bytes: &[u8]) -> Option<(Header, p256::PublicKey)> {
    let json = border::parse_object(bytes, "header").ok()?;
    let members = object_of(&json, &HEADER_MEMBERS)?;
    let text = |name: &str| members.get(name).map(Value::as_str);
    // What is there must be text; `?` on the inner option refuses what is not.
    let optional = |name: &str| text(name).map_or(Some(None), |text| text.map(|text| Some(text.to_owned())));
    if text("alg")?? != ALGORITHM || text("enc")?? != ENCRYPTION {
        return None;
    }
    optional("kid")?;
    optional("typ")?;
    let party = |name: &str| optional(name)?.map_or(Some(Vec::new()), |text| base64url::decode(&text));
    let header = Header {
        content_type: optional("cty")?,
        party_u: party("apu")?,
        party_v: party("apv")?,
        issued_at: members.get("iat").map_or(Some(None), |iat| iat.as_i64().map(Some))?,
    };
    Some((header, parse_epk(members.get("epk")?)?))
}

/// A public P-256 JWK with 32 bytes a coordinate (RFC 7518, 6.2.1). Off the curve, the agreement would tell of our key.
fn parse_epk(json: &Value) -> Option<p256::PublicKey> {
    let members = object_of(json, &EPK_MEMBERS)?;
    let text = |name: &str| members.get(name)?.as_str();
    if text("kty")? != "EC" || text("crv")? != "P-256" {
        return None;
    }
    point(&base64url::decode(text("x")?)?, &base64url::decode(text("y")?)?)
}

/// A point of the curve, which the identity is not among.
fn point(x: &[u8], y: &[u8]) -> Option<p256::PublicKey> {
    if x.len() != 32 || y.len() != 32 {
        return None;
    }
    p256::PublicKey::from_sec1_bytes(&[&[0x04], x, y].concat()).ok()
}

/// An object with none but these members.
pub(super) fn object_of<'a>(json: &'a Value, known: &[&str]) -> Option<&'a Map<String, Value>> {
    json.as_object().filter(|members| members.keys().all(|name| known.contains(&name.as_str())))
}

/// The content encryption under the key that both sides agree on; the agreed secret and the key are wiped.
fn cipher(private: &p256::SecretKey, public: &p256::PublicKey, header: &Header) -> Option<Aes256Gcm> {
    let shared = private.diffie_hellman(public);
    let parties = (&header.party_u[..], &header.party_v[..]);
    let key = concat_kdf::derive(shared.raw_secret_bytes(), ENCRYPTION, parties, 256)?;
    Aes256Gcm::new_from_slice(&*key).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../../tests/vectors/jose.json")).expect("JSON")
    }

    fn bob() -> DecryptionKey {
        let d = base64url::decode(vectors()["V12"]["bob"]["d"].as_str().expect("text")).expect("base64url");
        DecryptionKey::from_scalar(&d).expect("a key")
    }

    fn vector() -> String {
        vectors()["V13"]["jwe"].as_str().expect("text").to_owned()
    }

    fn header() -> Header {
        Header {
            content_type: Some("JWT".to_owned()),
            party_u: b"fhir.hoken.example".to_vec(),
            party_v: vec![7; 32],
            issued_at: Some(1_795_137_306),
        }
    }

    fn fault(compact: &str) -> Option<ResourceFault> {
        bob().open(compact.as_bytes()).err()
    }

    /// Seals to Bob under a protected header changed by `change`, with a tag that fits it.
    fn with_header(change: impl FnOnce(&mut Map<String, Value>)) -> String {
        let ephemeral = DecryptionKey::generate().expect("randomness");
        let mut json = header_json(&header(), &ephemeral.public_key().expect("a point"));
        change(json.as_object_mut().expect("an object"));
        let protected = base64url::encode(json.to_string().as_bytes());
        let mut ciphertext = b"plaintext".to_vec();
        let tag = cipher(&ephemeral.0, &bob().0.public_key(), &header())
            .expect("agrees")
            .encrypt_inout_detached(&[0; 12].into(), protected.as_bytes(), ciphertext.as_mut_slice().into())
            .expect("seals");
        format!(
            "{protected}..{}.{}.{}",
            base64url::encode(&[0; 12]),
            base64url::encode(&ciphertext),
            base64url::encode(&tag)
        )
    }

    fn with_member(name: &str, value: Value) -> String {
        with_header(|members| drop(members.insert(name.to_owned(), value)))
    }

    #[test]
    fn the_published_jwe_opens() {
        let opened = bob().open(vector().as_bytes()).expect("opens");
        assert_eq!(opened.plaintext, br#"{"status":"ok"}"#);
        assert_eq!((&opened.header.party_u[..], &opened.header.party_v[..]), (&b"Alice"[..], &b"Bob"[..]));
    }

    #[test]
    fn our_side_of_the_published_jwe_is_the_same() {
        let vectors = vectors();
        let d = base64url::decode(vectors["V12"]["alice"]["d"].as_str().expect("text")).expect("base64url");
        let alice = DecryptionKey::from_scalar(&d).expect("a key");
        let parties = Header { party_u: b"Alice".to_vec(), party_v: b"Bob".to_vec(), ..Header::default() };
        let cipher = cipher(&alice.0, &bob().0.public_key(), &parties).expect("agrees");
        let jwe = vector();
        let [protected, _, iv, ciphertext, tag] = parts(&jwe).expect("five parts");
        let iv: [u8; 12] = base64url::decode(iv).expect("IV").try_into().expect("96 bits");
        let mut buffer = br#"{"status":"ok"}"#.to_vec();
        let made = cipher
            .encrypt_inout_detached(&iv.into(), protected.as_bytes(), buffer.as_mut_slice().into())
            .expect("seals");
        assert_eq!((base64url::encode(&buffer), base64url::encode(&made)), (ciphertext.to_owned(), tag.to_owned()));
    }

    #[test]
    fn what_is_sealed_opens_once_for_its_recipient_alone() {
        let sealed = seal(&bob().public_key().expect("a point"), &header(), b"plaintext").expect("seals");
        let opened = bob().open(sealed.as_bytes()).expect("opens");
        assert!(opened.plaintext == b"plaintext" && opened.header == header());
        let other = DecryptionKey::generate().expect("randomness");
        assert_eq!(other.open(sealed.as_bytes()).err(), Some(ResourceFault::NotSealed));
        let again = seal(&bob().public_key().expect("a point"), &header(), b"plaintext").expect("seals");
        assert_ne!(sealed, again, "a new key and IV each time");
    }

    #[test]
    fn the_helper_of_these_tests_seals_what_opens() {
        assert_eq!(fault(&with_header(|_| ())), None);
        assert_eq!(fault(&with_member("kid", "a".into())), None);
    }

    #[test]
    fn other_algorithms_and_members_are_refused() {
        for (name, value) in [
            ("alg", json!("ECDH-ES+A256KW")),
            ("alg", json!("dir")),
            ("alg", json!("RSA1_5")),
            ("alg", json!(null)),
            ("enc", json!("A128GCM")),
            ("enc", json!("A256CBC-HS512")),
            ("zip", json!("DEF")),
            ("crit", json!([])),
            ("jku", json!("https://evil.example")),
            ("cty", json!(1)),
            ("iat", json!("1795137306")),
            ("iat", json!(1.5)),
            ("apu", json!("=")),
            ("kid", json!(1)),
            ("epk", json!(null)),
        ] {
            assert_eq!(fault(&with_member(name, value.clone())), Some(ResourceFault::NotSealed), "{name} {value}");
        }
        for name in ["alg", "enc", "epk"] {
            let without = with_header(|members| drop(members.remove(name)));
            assert_eq!(fault(&without), Some(ResourceFault::NotSealed), "no {name}");
        }
    }

    #[test]
    fn keys_that_are_no_point_of_the_curve_are_refused() {
        let zero = base64url::encode(&[0; 32]);
        let field = "_____wAAAAEAAAAAAAAAAAAAAAD_______________8"; // the prime itself
        for (name, value) in [
            ("kty", "OKP"),
            ("crv", "P-384"),
            ("crv", "secp256k1"),
            ("y", &zero[..]),
            ("x", field),
            ("x", "AA"),
            ("y", ""),
            ("d", &zero[..]),
        ] {
            let jwe = with_header(|members| {
                members["epk"].as_object_mut().expect("an object").insert(name.to_owned(), value.into());
            });
            assert_eq!(fault(&jwe), Some(ResourceFault::NotSealed), "{name} {value}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        let jwe = vector();
        let [protected, _, iv, ciphertext, tag] = parts(&jwe).expect("five parts");
        for bad in [
            String::new(),
            "....".to_owned(),
            format!("{jwe}."),
            format!("{protected}..{iv}.{ciphertext}"),
            format!("{protected}.AAAA.{iv}.{ciphertext}.{tag}"),
            format!("{protected}..{iv}.{ciphertext}.{}", &tag[..20]),
            format!("{protected}..{}.{ciphertext}.{tag}", &iv[..12]),
            format!("{protected}..{iv}=.{ciphertext}.{tag}"),
            format!(" {jwe}"),
            format!("{jwe}\n"),
        ] {
            assert_eq!(fault(&bad), Some(ResourceFault::NotSealed), "{}", &bad[..bad.len().min(80)]);
        }
        assert_eq!(bob().open(&[0xff; 99]).err(), Some(ResourceFault::NotSealed), "no text");
    }

    /// Properly sealed but for its size, and right below the limit.
    #[test]
    fn what_is_too_long_is_refused() {
        let sealed = |header: &Header, len: usize| {
            let to = bob().public_key().expect("a point");
            seal(&to, header, &vec![b'x'; len]).expect("seals")
        };
        let around = sealed(&header(), 0).len();
        let room = (MAX_SEALED - around) / 4 * 3;
        assert_eq!(fault(&sealed(&header(), room)), None);
        assert_eq!(fault(&sealed(&header(), room + 3)), Some(ResourceFault::NotSealed));
        let with_party = |len| sealed(&Header { party_u: vec![7; len], ..header() }, 1);
        assert_eq!(fault(&with_party(2000)), None);
        assert_eq!(fault(&with_party(2400)), Some(ResourceFault::NotSealed));
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let jwe = vector();
        for part in 0..5 {
            let mut parts: Vec<Vec<u8>> = jwe.split('.').map(|part| base64url::decode(part).expect("text")).collect();
            for bit in 0..parts[part].len() * 8 {
                parts[part][bit / 8] ^= 1 << (bit % 8);
                let changed: Vec<String> = parts.iter().map(|part| base64url::encode(part)).collect();
                assert_eq!(fault(&changed.join(".")), Some(ResourceFault::NotSealed), "part {part}, bit {bit}");
                parts[part][bit / 8] ^= 1 << (bit % 8);
            }
        }
    }

    #[test]
    fn private_keys_are_wiped() {
        fn is_wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        is_wiped(&bob().0);
        assert!(DecryptionKey::from_scalar(&[0; 32]).is_none() && DecryptionKey::from_scalar(&[1; 31]).is_none());
    }
}
