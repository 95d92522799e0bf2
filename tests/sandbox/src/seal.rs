//! Sealed answers (L4): signed with the server's key, encrypted to the key in the DPoP proof of the request, and every way
//! in which that can go wrong.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Mutex;

use base64ct::{Base64UrlUnpadded, Encoding};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::form::Form;
use crate::http::{Answer, Request};
use crate::jwe::{self, Flaw, Jwe, encode};
use crate::jws::{self, Compact};
use crate::modes::Mode;
use crate::outcome::{Issue, OAuthError};
use crate::state::{FHIR_PATH, Server};
use crate::switches::SwitchName;
use crate::sync::lock;

/// Whether answers of the FHIR server and tokens are sealed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SealMode {
    /// Never: conformance levels L0 to L3.
    #[default]
    Off,
    /// When the request asks for it.
    Optional,
    /// Always; a request that does not ask for it is refused.
    Required,
}

impl FromStr for SealMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            "optional" => Ok(Self::Optional),
            "required" => Ok(Self::Required),
            _ => Err(format!("{text:?} is not off, optional or required")),
        }
    }
}

/// The keys of this run.
pub(crate) struct Seals {
    pub(crate) mode: SealMode,
    signer: SigningKey,
    /// In the key set as well, and pinned by nobody.
    stranger: SigningKey,
    /// The JWS that was signed last, by its content type.
    last: Mutex<HashMap<&'static str, Vec<u8>>>,
}

impl Seals {
    pub(crate) fn new(mode: SealMode) -> Self {
        Self { mode, signer: jwe::secret_key().into(), stranger: jwe::secret_key().into(), last: Mutex::default() }
    }

    /// The name of the key that signs, which is its RFC 7638 thumbprint.
    pub(crate) fn kid(&self) -> String {
        kid(&self.signer)
    }

    /// What discovery says (`kz_payload_encryption`).
    pub(crate) fn offer(&self) -> Option<Value> {
        (self.mode != SealMode::Off).then(|| {
            json!({
                "alg_values_supported": ["ECDH-ES"],
                "enc_values_supported": ["A256GCM"],
                "signed": true,
                "required": self.mode == SealMode::Required,
            })
        })
    }
}

/// Answers `GET /jwks.json` (RFC 7517, 5); nothing is signed below L4.
pub(crate) fn keys(server: &Server) -> Answer {
    let seals = &server.seals;
    let keys: Vec<Value> = match seals.mode {
        SealMode::Off => Vec::new(),
        _ if server.switches.takes(SwitchName::KeysMissing) => vec![public(&seals.stranger)],
        _ => vec![public(&seals.stranger), public(&seals.signer)],
    };
    Answer::json(200, &json!({ "keys": keys }), "keys")
}

fn public(key: &SigningKey) -> Value {
    let mut jwk = jwe::jwk(&key.verifying_key().into());
    jwk["kid"] = kid(key).into();
    jwk["use"] = "sig".into();
    jwk["alg"] = "ES256".into();
    jwk
}

/// RFC 7638: the required members in lexicographic order.
fn kid(key: &SigningKey) -> String {
    let jwk = jwe::jwk(&key.verifying_key().into());
    jws::hash(format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]).as_bytes())
}

/// `cty` of what is sealed in answer to requests of this path; `None` for what is never sealed.
fn content_type(path: &str) -> Option<&'static str> {
    match path {
        TOKEN_PATH => Some("json"),
        path if path.starts_with(FHIR_PATH) => Some("fhir+json"),
        _ => None,
    }
}

/// Refuses, before anything is processed, a request that does not ask for what is required, or asks for a token sealed to
/// what is no key; says nothing of others.
pub(crate) fn refused(server: &Server, request: &Request) -> Option<Answer> {
    let is_token = request.path == TOKEN_PATH;
    let is_personal = is_token || request.header("dpop").is_ok_and(|proof| proof.is_some());
    if server.seals.mode == SealMode::Off || content_type(&request.path).is_none() || !is_personal {
        return None;
    }
    let asked = asked(request);
    if is_token && asked.as_ref().is_some_and(|asked| jwe::parse_jwk(&asked.enc_jwk).is_none()) {
        return Some(OAuthError::INVALID_REQUEST.described("enc_jwk is no point of P-256").into());
    }
    if server.seals.mode != SealMode::Required || asked.is_some() {
        return None;
    }
    const UNSEALED: &str = "answers are sealed: accept application/jose with enc_jwk";
    Some(if is_token {
        OAuthError::INVALID_REQUEST.described(UNSEALED).into()
    } else {
        Issue::MEDIA_TYPE.described(UNSEALED).with_status(406).into()
    })
}

/// Seals the success of a request that asks for it. Errors stay plain: they say nothing personal.
pub(crate) fn seal(server: &Server, request: &Request, answer: Answer) -> Answer {
    let is_success = (200..300).contains(&answer.status) && !answer.body.is_empty();
    let Some(content_type) = content_type(&request.path).filter(|_| is_success && server.seals.mode != SealMode::Off)
    else {
        return answer;
    };
    let Some(asked) = asked(request) else { return answer };
    if server.switches.takes(SwitchName::SealPlain) {
        return Answer { outcome: format!("{}, plain by switch", answer.outcome).into(), ..answer };
    }
    match sealed(server, &asked, content_type, &answer.body) {
        Some(body) => Answer { outcome: format!("{}, sealed", answer.outcome).into(), ..answer }
            .with_body(MEDIA_TYPE, body)
            .with_header("cache-control", "no-store"),
        None => Issue::INVALID_ELEMENT.described("enc_jwk is no point of P-256").into(),
    }
}

/// What a request says of the seal it wants. Its proof was checked when the request was answered.
struct Asked {
    jkt: String,
    /// What the seal is bound to: the nonce that a card signed, or the id of the proof.
    nonce: String,
    enc_jwk: Value,
}

fn asked(request: &Request) -> Option<Asked> {
    let accepts = request
        .header("accept")
        .ok()??
        .split(',')
        .any(|range| range.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(MEDIA_TYPE));
    let proof = Compact::parse(request.header("dpop").ok()??).filter(|_| accepts)?;
    let header: Value = serde_json::from_slice(&proof.header).ok()?;
    let claims: Value = serde_json::from_slice(&proof.payload).ok()?;
    let (x, y) = (header["jwk"]["x"].as_str()?, header["jwk"]["y"].as_str()?);
    let jkt = jws::PublicKey::from_p256_coordinates(x, y)?.thumbprint();
    let enc_jwk = claims.get("enc_jwk")?.clone();
    let nonce = if request.path == TOKEN_PATH { card_nonce(request) } else { None };
    Some(Asked { jkt, nonce: nonce.or_else(|| Some(claims["jti"].as_str()?.to_owned()))?, enc_jwk })
}

/// The nonce in a card's assertion; refresh tokens and codes come with none.
fn card_nonce(request: &Request) -> Option<String> {
    let form = Form::parse(&request.body)?;
    let grant_type = form.get("grant_type")?;
    let name = match Mode::ALL.into_iter().find(|mode| mode.grant_type() == grant_type)? {
        Mode::Card => "assertion",
        Mode::Exchange => "subject_token",
        Mode::Oidc => return None,
    };
    let claims: Value = serde_json::from_slice(&Compact::parse(form.get(name)?)?.payload).ok()?;
    Some(claims["nonce"].as_str()?.to_owned())
}

/// Sign, then encrypt; `None` when the key of the request cannot be used.
fn sealed(server: &Server, asked: &Asked, content_type: &'static str, content: &[u8]) -> Option<String> {
    let recipient = jwe::parse_jwk(&asked.enc_jwk)?;
    let switches = &server.switches;
    let takes = |name| switches.takes(name);
    let party_v = |nonce: &str| Sha256::digest(format!("{}{nonce}", asked.jkt)).to_vec();
    let own = party_v(&asked.nonce);
    let other = party_v("00000000-0000-4000-8000-000000000000");
    let seconds = |name| switches.take(name).and_then(|taken| i64::try_from(taken.number_or(120)).ok()).unwrap_or(0);
    let iat = server.clock.now() - seconds(SwitchName::SealOld);
    let plaintext = if takes(SwitchName::SealUnsigned) {
        content.to_vec()
    } else {
        let party_v = if takes(SwitchName::SealForwarded) { &other } else { &own };
        let mut header = json!({ "alg": "ES256", "cty": content_type, "apv": encode(party_v),
            "iat": iat - seconds(SwitchName::SealSignedBefore) });
        for (name, member) in [(SwitchName::SealNoApv, "apv"), (SwitchName::SealNoIat, "iat")] {
            if takes(name) {
                header.as_object_mut().map(|header| header.remove(member));
            }
        }
        replayed(server, content_type).unwrap_or_else(|| signed(server, header, content_type, content))
    };
    let mut header = json!({ "alg": "ECDH-ES", "enc": "A256GCM", "cty": "JWT", "iat": iat });
    for (name, member, default) in [
        (SwitchName::SealAlg, "alg", "ECDH-ES+A256KW"),
        (SwitchName::SealEnc, "enc", "A128GCM"),
        (SwitchName::SealZip, "zip", "DEF"),
    ] {
        if let Some(taken) = switches.take(name) {
            header[member] = taken.value.as_deref().unwrap_or(default).into();
        }
    }
    let host = if takes(SwitchName::SealOtherHost) { "other.example" } else { server.host() };
    let party_v = if takes(SwitchName::SealOtherRequest) { other } else { own };
    let flaws = [
        (SwitchName::SealOffCurve, Flaw::OffCurve),
        (SwitchName::SealEncryptedKey, Flaw::EncryptedKey),
        (SwitchName::SealTag, Flaw::Tag),
    ];
    let flaw = flaws.into_iter().find(|(name, _)| takes(*name)).map(|(_, flaw)| flaw);
    Jwe { header, party_u: host.as_bytes().to_vec(), party_v, plaintext }.seal(&recipient, flaw)
}

/// What was signed before, for another request: whoever was given it can seal it to the next one.
fn replayed(server: &Server, content_type: &'static str) -> Option<Vec<u8>> {
    let last = || lock(&server.seals.last).get(content_type).cloned();
    if server.switches.takes(SwitchName::SealReplayed) { last() } else { None }
}

/// The JWS inside. Its header repeats for whom and when it is, so that a client who has it cannot seal it to someone else.
fn signed(server: &Server, mut header: Value, content_type: &'static str, content: &[u8]) -> Vec<u8> {
    let Seals { signer, stranger, last, .. } = &server.seals;
    let takes = |name| server.switches.takes(name);
    let (named, signing) = if takes(SwitchName::SealWrongKid) {
        (stranger, stranger)
    } else if takes(SwitchName::SealBadSignature) {
        (signer, stranger)
    } else {
        (signer, signer)
    };
    header["kid"] = kid(named).into();
    let mut content = content.to_vec();
    if takes(SwitchName::SealOversize) {
        // White space behind JSON changes nothing but the length.
        content.resize(content.len() + (1 << 20), b' ');
    }
    let input = format!("{}.{}", encode(header.to_string().as_bytes()), encode(&content));
    let signature: Signature = signing.sign(input.as_bytes());
    let jws = format!("{input}.{}", Base64UrlUnpadded::encode_string(&signature.to_bytes())).into_bytes();
    lock(last).insert(content_type, jws.clone());
    jws
}

const TOKEN_PATH: &str = "/token";
const MEDIA_TYPE: &str = "application/jose";
