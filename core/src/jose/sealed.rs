//! Sealed answers: a JWS of the server inside a JWE to a key that one request brought along. Encryption alone would not
//! tell who sealed; the signature alone would not tell for which request.
//!
//! ```text
//! request   DPoP proof { jti, …, enc_jwk }      card signs cnf.jkt → device key signs enc_jwk
//! answer    JWE { apu: host, apv: SHA-256(jkt ‖ nonce), iat } ( JWS { kid, cty, apv, iat } ( content ) )
//! ```
//!
//! The nonce is the `jti` of the proof, and for the token of a card the nonce its assertion was made for. `apv` and `iat`
//! stand in both headers and are the same: whoever was given an answer has the JWS, and could seal that anew to another
//! request, person or time; what is signed they cannot change. They are no `crit` (RFC 7515, 4.1.11): this side takes no
//! header without them, and libraries that do not know them can still check the signature.

use serde_json::Value;

use super::jwe::{DecryptionKey, Header, Opened, object_of};
use super::signers::Signers;
use super::thumbprint::jwk;
use crate::base64url;
use crate::crypto::{PublicKey, SignatureVerifier, sha256_of};
use crate::error::{Error, ResourceFault};
use crate::json as border;
use crate::secret::opaque_debug;
use crate::time::UnixMillis;

/// The media type of a sealed answer, and what a request for one accepts.
pub const MEDIA_TYPE: &str = "application/jose";
/// `cty` of the JWE: a JWS is inside (RFC 7519, 5.2).
const NESTED: &str = "JWT";
/// How far `iat` may be from the server's time, in seconds.
const WINDOW_S: u64 = 60;
/// Longest protected header of the JWS, in characters of base64url.
const MAX_HEADER: usize = 4096;
/// What the header of the JWS may have.
const HEADER_MEMBERS: [&str; 6] = ["alg", "kid", "cty", "typ", "apv", "iat"];

/// What a request asks for, so that a token is not taken for a resource.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Content {
    /// A resource, or whatever else a FHIR server answers.
    Fhir,
    /// A token answer (RFC 6749, 5.1).
    Json,
}

impl Content {
    /// `cty` of the JWS: the media type without `application/` (RFC 7515, 4.1.10).
    const fn name(self) -> &'static str {
        match self {
            Self::Fhir => "fhir+json",
            Self::Json => "json",
        }
    }
}

/// One request whose answer is to be sealed, with the key for it.
pub struct Exchange {
    key: DecryptionKey,
    public: PublicKey,
    party_u: Vec<u8>,
    party_v: [u8; 32],
}

/// A JWS that was sealed for this exchange; who signed it is not checked yet.
pub struct Unverified {
    jws: String,
    signature_at: usize,
    kid: String,
    payload: Vec<u8>,
}

opaque_debug!(Exchange, Unverified);

impl Exchange {
    /// Draws the key for one request to `host` by the key with thumbprint `jkt`. `nonce` is the id of its proof, or the nonce
    /// that a card signed.
    ///
    /// # Errors
    /// [`Error::Internal`] when the operating system gives no randomness.
    pub fn generate(host: &str, jkt: &str, nonce: &str) -> Result<Self, Error> {
        Self::with_key(DecryptionKey::generate()?, host, jkt, nonce)
    }

    /// [`Exchange::generate`] with this key, which must be for this request alone.
    ///
    /// # Errors
    /// None of those that a key of this crate could have.
    pub fn with_key(key: DecryptionKey, host: &str, jkt: &str, nonce: &str) -> Result<Self, Error> {
        let public = key.public_key().ok_or(Error::Internal { detail: "a key without a public half" })?;
        let party_v = party_v(jkt, nonce);
        Ok(Self { key, public, party_u: host.to_ascii_lowercase().into_bytes(), party_v })
    }

    /// The public half, for the claim `enc_jwk`.
    pub fn jwk(&self) -> Value {
        jwk(&self.public)
    }

    /// Opens the answer with this content that came at `now`, server time.
    ///
    /// # Errors
    /// [`ResourceFault::SealedForAnother`] for what was sealed or signed for another request or at another time, or does not
    /// say for which; [`ResourceFault::NotSealed`] for whatever else is wrong with it.
    pub fn open(self, body: &[u8], content: Content, now: UnixMillis) -> Result<Unverified, ResourceFault> {
        let Opened { header, plaintext } = self.key.open(body)?;
        if header.party_u != self.party_u || header.content_type.as_deref() != Some(NESTED) {
            return Err(ResourceFault::NotSealed);
        }
        let issued_at = check_exchange(&header, &self.party_v, now)?;
        Unverified::parse(plaintext, content, &SignedFor { party_v: self.party_v.to_vec(), issued_at })
    }
}

/// `apv`: SHA-256 over the thumbprint of the device key and the nonce of its request, both ASCII.
fn party_v(jkt: &str, nonce: &str) -> [u8; 32] {
    sha256_of([jkt.as_bytes(), nonce.as_bytes()])
}

/// The time of sealing, if it was for this exchange and now.
fn check_exchange(header: &Header, party_v: &[u8], now: UnixMillis) -> Result<i64, ResourceFault> {
    let issued_at = header.issued_at.ok_or(ResourceFault::NotSealed)?;
    let is_recent = issued_at.abs_diff(now.seconds()) <= WINDOW_S;
    if header.party_v == party_v && is_recent { Ok(issued_at) } else { Err(ResourceFault::SealedForAnother) }
}

/// For which exchange something was signed, and when.
#[derive(Eq, PartialEq)]
struct SignedFor {
    party_v: Vec<u8>,
    /// Seconds since 1970.
    issued_at: i64,
}

impl Unverified {
    fn parse(plaintext: Vec<u8>, content: Content, exchange: &SignedFor) -> Result<Self, ResourceFault> {
        let jws = String::from_utf8(plaintext).map_err(|_| ResourceFault::NotSealed)?;
        let (unverified, signed_for) = Self::take_apart(jws, content).ok_or(ResourceFault::NotSealed)?;
        let is_ours = signed_for.is_some_and(|signed_for| signed_for == *exchange);
        if is_ours { Ok(unverified) } else { Err(ResourceFault::SealedForAnother) }
    }

    /// Takes a compact ES256 JWS apart (RFC 7515, 7.1). What it was signed for comes along; nothing, if it says only half of
    /// that or none.
    fn take_apart(jws: String, content: Content) -> Option<(Self, Option<SignedFor>)> {
        let signature_at = jws.rfind('.')?;
        let (header, payload) = jws.get(..signature_at)?.split_once('.')?;
        if header.len() > MAX_HEADER {
            return None;
        }
        let json = border::parse_object(&base64url::decode(header)?, "header").ok()?;
        let members = object_of(&json, &HEADER_MEMBERS)?;
        let text = |name: &str| members.get(name)?.as_str();
        if text("alg")? != "ES256"
            || text("cty")? != content.name()
            || members.get("typ").is_some_and(|typ| !typ.is_string())
        {
            return None;
        }
        let party_v = members.get("apv").map_or(Some(None), |apv| base64url::decode(apv.as_str()?).map(Some))?;
        let issued_at = members.get("iat").map_or(Some(None), |iat| iat.as_i64().map(Some))?;
        let signed_for = party_v.zip(issued_at).map(|(party_v, issued_at)| SignedFor { party_v, issued_at });
        let (kid, payload) = (text("kid")?.to_owned(), base64url::decode(payload)?);
        Some((Self { jws, signature_at, kid, payload }, signed_for))
    }

    /// The name of the key it claims to be signed with.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The resource, if a pinned key signed it.
    ///
    /// # Errors
    /// [`ResourceFault::NotSealed`] for another key or another signature.
    pub fn verify(self, signers: &Signers, verifier: SignatureVerifier) -> Result<Vec<u8>, ResourceFault> {
        let (input, signature) = self.jws.split_at_checked(self.signature_at).ok_or(ResourceFault::NotSealed)?;
        let signature = signature.strip_prefix('.').and_then(base64url::decode).ok_or(ResourceFault::NotSealed)?;
        let key = signers.key(&self.kid).ok_or(ResourceFault::NotSealed)?;
        let is_genuine = verifier.verify_jose(key, input.as_bytes(), &signature);
        if is_genuine { Ok(self.payload) } else { Err(ResourceFault::NotSealed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::jwe;
    use serde_json::json;

    const HOST: &str = "fhir.hoken.example";
    const JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    const JTI: &str = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";
    const NOW: UnixMillis = UnixMillis(1_795_137_306_000);

    /// The JWS of RFC 7515, A.3 cannot be used, as its header says neither `kid` nor `cty`: signatures are checked with
    /// foreign ones in tests/interop. Here a stand-in, for what is decided before the signature.
    fn unsigned(header: Value) -> String {
        let part = |json: Value| base64url::encode(json.to_string().as_bytes());
        format!("{}.{}.{}", part(header), part(json!({"resourceType": "Bundle"})), base64url::encode(&[1; 64]))
    }

    fn jws_header() -> Value {
        let party_v = base64url::encode(&party_v(JKT, JTI));
        json!({"alg": "ES256", "kid": "k", "cty": "fhir+json", "apv": party_v, "iat": NOW.seconds()})
    }

    fn header() -> Header {
        Header {
            content_type: Some("JWT".to_owned()),
            party_u: HOST.as_bytes().to_vec(),
            party_v: party_v(JKT, JTI).to_vec(),
            issued_at: Some(NOW.seconds()),
        }
    }

    fn open(header: &Header, plaintext: &str) -> Result<Unverified, ResourceFault> {
        let exchange = Exchange::generate(HOST, JKT, JTI).expect("randomness");
        let sealed = jwe::seal(&exchange.public, header, plaintext.as_bytes()).expect("seals");
        exchange.open(sealed.as_bytes(), Content::Fhir, NOW)
    }

    fn fault_with(change: impl FnOnce(&mut Header)) -> Option<ResourceFault> {
        let mut changed = header();
        change(&mut changed);
        // What is signed follows what is sealed, so that only the seal is wrong.
        let mut signed = jws_header();
        signed["apv"] = base64url::encode(&changed.party_v).into();
        signed["iat"] = changed.issued_at.into();
        open(&changed, &unsigned(signed)).err()
    }

    #[test]
    fn the_published_apv() {
        let vectors: Value = serde_json::from_str(include_str!("../../../tests/vectors/jose.json")).expect("JSON");
        assert_eq!(base64url::encode(&party_v(JKT, JTI)), vectors["V15"]["apv"]);
    }

    #[test]
    #[cfg(feature = "ring")]
    fn the_vectors_open_for_their_requests_alone() {
        let vectors: Value = serde_json::from_str(include_str!("../../../tests/vectors/jose.json")).expect("JSON");
        let text = |json: &Value| json.as_str().expect("text").to_owned();
        let of_card = text(&vectors["V17"]["nonce"]);
        for (name, nonce, other, content) in
            [("V16", JTI, &of_card[..], Content::Fhir), ("V17", &of_card[..], JTI, Content::Json)]
        {
            let vector = &vectors[name];
            let mut signer = vectors["V12"]["alice"].clone();
            signer["kid"] = vector["kid"].clone();
            let signers = Signers::parse(&json!({ "keys": [signer] }), &[text(&vector["kid"])]);
            let open = |nonce: &str, content, seconds: i64| {
                let d = base64url::decode(&text(&vectors["V12"]["bob"]["d"])).expect("base64url");
                let key = DecryptionKey::from_scalar(&d).expect("a key");
                let exchange = Exchange::with_key(key, &text(&vector["host"]), JKT, nonce).expect("an exchange");
                let now = UnixMillis::from_seconds(vector["iat"].as_i64().expect("seconds") + seconds);
                exchange
                    .open(text(&vector["jwe"]).as_bytes(), content, now)?
                    .verify(&signers, SignatureVerifier::ring())
            };
            let opened = open(nonce, content, 60).expect("opens");
            assert_eq!(String::from_utf8(opened).ok(), Some(text(&vector["content"])), "{name}");
            let another = Err(ResourceFault::SealedForAnother);
            assert_eq!((open(other, content, 0), open(nonce, content, 61)), (another.clone(), another), "{name}");
            let wrong = if content == Content::Fhir { Content::Json } else { Content::Fhir };
            assert_eq!(open(nonce, wrong, 0), Err(ResourceFault::NotSealed), "{name}");
        }
    }

    #[test]
    fn an_answer_to_this_request_opens() {
        let opened = open(&header(), &unsigned(jws_header())).expect("opens");
        assert_eq!((opened.kid(), &opened.payload[..]), ("k", &br#"{"resourceType":"Bundle"}"#[..]));
    }

    #[test]
    fn an_answer_to_another_request_is_a_replay() {
        assert_eq!(fault_with(|h| h.party_v = party_v(JKT, "other").to_vec()), Some(ResourceFault::SealedForAnother));
        assert_eq!(fault_with(|h| h.party_v = Vec::new()), Some(ResourceFault::SealedForAnother));
        for (seconds, expected) in [
            (-61, Some(ResourceFault::SealedForAnother)),
            (-60, None),
            (60, None),
            (61, Some(ResourceFault::SealedForAnother)),
        ] {
            assert_eq!(fault_with(|h| h.issued_at = Some(NOW.seconds() + seconds)), expected, "{seconds} s");
        }
        assert_eq!(fault_with(|h| h.issued_at = Some(i64::MIN)), Some(ResourceFault::SealedForAnother));
    }

    #[test]
    fn another_host_or_content_is_refused() {
        assert_eq!(fault_with(|h| h.party_u = b"evil.example".to_vec()), Some(ResourceFault::NotSealed));
        assert_eq!(fault_with(|h| h.content_type = Some("fhir+json".to_owned())), Some(ResourceFault::NotSealed));
        assert_eq!(fault_with(|h| h.content_type = None), Some(ResourceFault::NotSealed));
        assert_eq!(fault_with(|h| h.issued_at = None), Some(ResourceFault::NotSealed));
    }

    #[test]
    fn only_one_form_of_jws_is_taken() {
        for (name, value) in [
            ("alg", json!("none")),
            ("alg", json!("HS256")),
            ("alg", json!("ES384")),
            ("cty", json!("json")),
            ("cty", json!(null)),
            ("kid", json!(null)),
            ("crit", json!(["b64"])),
            ("b64", json!(false)),
            ("jwk", json!({})),
            ("x5u", json!("https://evil.example")),
            ("typ", json!(1)),
            ("apv", json!(1)),
            ("iat", json!("now")),
            ("iat", json!(1.5)),
        ] {
            let mut header_json = jws_header();
            header_json[name] = value;
            assert_eq!(open(&header(), &unsigned(header_json)).err(), Some(ResourceFault::NotSealed), "{name}");
        }
        for text in ["", "..", "a.b.c", r#"{"resourceType":"Bundle"}"#] {
            assert_eq!(open(&header(), text).err(), Some(ResourceFault::NotSealed), "{text}");
        }
    }

    #[test]
    fn what_was_signed_for_another_request_cannot_be_sealed_anew() {
        let other = |jkt, jti| json!(base64url::encode(&party_v(jkt, jti)));
        let now = NOW.seconds();
        for (name, value) in [
            ("apv", Some(other(JKT, "other"))),
            ("apv", Some(other("other", JTI))),
            ("apv", Some(json!(""))),
            ("apv", None),
            ("iat", Some(json!(now - 61))),
            ("iat", Some(json!(now - 1))),
            ("iat", Some(json!(now + 1))),
            ("iat", Some(json!(i64::MIN))),
            ("iat", None),
        ] {
            let mut signed = jws_header();
            let members = signed.as_object_mut().expect("an object");
            members.remove(name);
            members.extend(value.clone().map(|value| (name.to_owned(), value)));
            let fault = open(&header(), &unsigned(signed)).err();
            assert_eq!(fault, Some(ResourceFault::SealedForAnother), "{name}: {value:?}");
        }
        let mut bare = jws_header();
        bare.as_object_mut().expect("an object").retain(|name, _| !["apv", "iat"].contains(&name.as_str()));
        assert_eq!(open(&header(), &unsigned(bare)).err(), Some(ResourceFault::SealedForAnother));
    }

    #[test]
    fn a_token_is_no_resource() {
        for (asked, said, is_taken) in [
            (Content::Fhir, "fhir+json", true),
            (Content::Json, "json", true),
            (Content::Fhir, "json", false),
            (Content::Json, "fhir+json", false),
        ] {
            let exchange = Exchange::generate(HOST, JKT, JTI).expect("randomness");
            let mut signed = jws_header();
            signed["cty"] = said.into();
            let sealed = jwe::seal(&exchange.public, &header(), unsigned(signed).as_bytes()).expect("seals");
            let opened = exchange.open(sealed.as_bytes(), asked, NOW);
            assert_eq!(opened.err(), (!is_taken).then_some(ResourceFault::NotSealed), "{asked:?} {said}");
        }
    }

    #[test]
    #[cfg(feature = "ring")]
    fn a_wrong_signature_or_key_is_refused() {
        let key = json!({"kty": "EC", "crv": "P-256", "kid": "k",
            "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"});
        let with_keys = |keys: Value| Signers::parse(&json!({ "keys": keys }), &["k".to_owned()]);
        for signers in [with_keys(json!([key])), with_keys(json!([]))] {
            let opened = open(&header(), &unsigned(jws_header())).expect("opens");
            assert_eq!(opened.verify(&signers, SignatureVerifier::ring()).err(), Some(ResourceFault::NotSealed));
        }
    }

    #[test]
    fn each_exchange_has_a_key_of_its_own() {
        let jwk = || Exchange::generate(HOST, JKT, JTI).expect("randomness").jwk();
        assert_ne!(jwk(), jwk());
    }
}
