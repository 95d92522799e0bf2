//! A phone: its DPoP key, and the calls an app makes with it.

use std::io;
use std::sync::atomic::{AtomicI64, Ordering};

use base64ct::{Base64UrlUnpadded, Encoding};
use kazasu_sandbox::{Options, Sandbox};
use p256::ecdsa::{Signature, SigningKey};
use rsa::signature::Signer;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::card::{Card, now, random_id};
use crate::client::{Client, Reply};

pub(crate) struct Device {
    pub(crate) client: Client,
    pub(crate) issuer: String,
    /// Seconds by which the server's clock is ahead of this phone's, as its `Date` would tell.
    pub(crate) offset_s: AtomicI64,
    key: SigningKey,
    /// Of the installation, for client assertions.
    client_key: SigningKey,
}

/// What a DPoP proof says, to be changed by tests.
pub(crate) struct Proof {
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

impl Device {
    pub(crate) fn new(sandbox: &Sandbox) -> Self {
        let mut secret = [0x11; 32];
        getrandom::fill(&mut secret[1..]).unwrap();
        let key = SigningKey::from_slice(&secret).unwrap();
        let client_key = SigningKey::from_slice(&Sha256::digest(secret)).unwrap();
        let (client, issuer) = (Client::new(sandbox), sandbox.issuer().to_owned());
        Self { client, issuer, offset_s: AtomicI64::new(0), key, client_key }
    }

    /// The same phone, talking to another server.
    pub(crate) fn moved_to(self, sandbox: &Sandbox) -> Self {
        Self { client: Client::new(sandbox), issuer: sandbox.issuer().to_owned(), ..self }
    }

    fn jwk(&self) -> Value {
        Self::jwk_of(&self.key)
    }

    pub(crate) fn client_jwk(&self) -> Value {
        Self::jwk_of(&self.client_key)
    }

    fn jwk_of(key: &SigningKey) -> Value {
        let point = key.verifying_key().to_sec1_point(false);
        let bytes = point.as_bytes();
        json!({ "kty": "EC", "crv": "P-256", "x": encode(&bytes[1..33]), "y": encode(&bytes[33..]) })
    }

    pub(crate) fn jkt(&self) -> String {
        // serde_json sorts members, as RFC 7638 wants them.
        hash(self.jwk().to_string().as_bytes())
    }

    pub(crate) fn proof(&self, method: &str, path: &str, access_token: Option<&str>) -> Proof {
        let mut claims = json!({
            "jti": random_id(), "htm": method, "htu": format!("{}{path}", self.issuer), "iat": now() + self.offset_s.load(Ordering::Relaxed),
        });
        if let Some(token) = access_token {
            claims["ath"] = hash(token.as_bytes()).into();
        }
        Proof { header: json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() }), claims }
    }

    pub(crate) fn sign(&self, proof: &Proof) -> String {
        Self::sign_with(&self.key, proof)
    }

    pub(crate) fn sign_as_client(&self, assertion: &Proof) -> String {
        Self::sign_with(&self.client_key, assertion)
    }

    fn sign_with(key: &SigningKey, proof: &Proof) -> String {
        let input =
            format!("{}.{}", encode(proof.header.to_string().as_bytes()), encode(proof.claims.to_string().as_bytes()));
        let signature: Signature = key.sign(input.as_bytes());
        format!("{input}.{}", encode(&signature.to_bytes()))
    }

    pub(crate) fn nonce(&self) -> String {
        self.client.post("/nonce").json()["nonce"].as_str().unwrap().to_owned()
    }

    /// A fresh assertion of `card` for this device.
    pub(crate) fn assertion(&self, card: &Card) -> String {
        card.sign(&card.header(), &card.claims(&self.issuer, &self.nonce(), &self.jkt()))
    }

    pub(crate) fn token(&self, assertion: &str) -> Reply {
        self.try_token(assertion).unwrap()
    }

    pub(crate) fn try_token(&self, assertion: &str) -> io::Result<Reply> {
        self.token_form(&format!("grant_type={JWT_BEARER}&client_id={CLIENT}&assertion={assertion}"), None)
    }

    /// A token request with a fresh proof, which has the `nonce` given.
    pub(crate) fn token_form(&self, form: &str, dpop_nonce: Option<&str>) -> io::Result<Reply> {
        let mut proof = self.proof("POST", "/token", None);
        if let Some(nonce) = dpop_nonce {
            proof.claims["nonce"] = nonce.into();
        }
        self.token_with_proof(form, &self.sign(&proof))
    }

    pub(crate) fn token_with_proof(&self, form: &str, proof: &str) -> io::Result<Reply> {
        let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("DPoP", proof)];
        self.client.send("POST", "/token", &headers, form.as_bytes())
    }

    /// The token response of a person's card.
    pub(crate) fn sign_in(&self, person: u8) -> Value {
        let reply = self.token(&self.assertion(&Card::of(person)));
        assert_eq!(reply.status, 200, "{}", reply.json());
        reply.json()
    }

    /// A FHIR call with `token` and a fresh proof.
    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> io::Result<Reply> {
        let proof = self.sign(&self.proof(method, path, Some(token)));
        let authorization = format!("DPoP {token}");
        let mut all = vec![("Authorization", authorization.as_str()), ("DPoP", proof.as_str())];
        all.extend(headers);
        self.client.send(method, path, &all, body.as_bytes())
    }

    pub(crate) fn submit(&self, token: &Value, key: &str, body: &Value) -> Reply {
        self.try_submit(token, key, body).unwrap()
    }

    pub(crate) fn try_submit(&self, token: &Value, key: &str, body: &Value) -> io::Result<Reply> {
        let headers = [("Content-Type", "application/fhir+json"), ("Idempotency-Key", key)];
        self.call("POST", SUBMIT, token["access_token"].as_str().unwrap(), &headers, &body.to_string())
    }

    /// Lets time pass for the server and this phone.
    pub(crate) fn wait(&self, sandbox: &Sandbox, seconds: u32) {
        sandbox.advance(seconds);
        self.offset_s.fetch_add(seconds.into(), Ordering::Relaxed);
    }

    pub(crate) fn refresh(&self, refresh_token: &Value) -> Reply {
        let token = refresh_token.as_str().unwrap();
        let form = format!("grant_type=refresh_token&client_id={CLIENT}&refresh_token={token}");
        self.token_form(&form, None).unwrap()
    }

    pub(crate) fn get(&self, token: &Value, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.call("GET", path, token["access_token"].as_str().unwrap(), headers, "").unwrap()
    }

    /// A POST or PUT of a resource.
    pub(crate) fn write(
        &self,
        token: &Value,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: &Value,
    ) -> io::Result<Reply> {
        let mut all = vec![("Content-Type", "application/fhir+json")];
        all.extend(headers);
        self.call(method, path, token["access_token"].as_str().unwrap(), &all, &body.to_string())
    }

    pub(crate) fn create(&self, token: &Value, kind: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        self.write(token, ("POST", &format!("/r4/{kind}")), headers, body).unwrap()
    }

    pub(crate) fn search(&self, token: &Value, kind: &str, form: &str) -> Reply {
        let path = format!("/r4/{kind}/_search");
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        self.call("POST", &path, token["access_token"].as_str().unwrap(), &headers, form).unwrap()
    }
}

/// An eligibility request for the patient of a token, with consents as (type, state).
pub(crate) fn inquiry(token: &Value, consents: &[(&str, &str)]) -> Value {
    let url = "https://kazasu.example/fhir/StructureDefinition/consent-state";
    let class = json!({ "url": "https://kazasu.example/fhir/StructureDefinition/inquiry-class", "valueCode": "1" });
    let consents = consents.iter().map(|(kind, state)| {
        let parts = json!([{ "url": "type", "valueCode": kind }, { "url": "state", "valueCode": state }]);
        json!({ "url": url, "extension": parts })
    });
    let extensions: Vec<Value> = std::iter::once(class).chain(consents).collect();
    json!({
        "resourceType": "CoverageEligibilityRequest", "status": "active", "purpose": ["validation", "benefits"],
        "patient": { "reference": format!("Patient/{}", token["patient"].as_str().unwrap()) },
        "servicedDate": "2026-11-20", "created": "2026-11-20T10:15:03+09:00",
        "insurer": { "display": "カードの資格に基づき照会" },
        "extension": extensions,
    })
}

pub(crate) fn started() -> (Sandbox, Device) {
    started_with(Options::default())
}

pub(crate) fn started_with(options: Options) -> (Sandbox, Device) {
    let sandbox = kazasu_sandbox::start(options).unwrap();
    let device = Device::new(&sandbox);
    (sandbox, device)
}

/// The day of a time in UTC, as `YYYY-MM-DD`.
pub(crate) fn date(time: i64) -> String {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(time.unsigned_abs());
    let text = httpdate::fmt_http_date(time);
    let mut words = text.split(' ').skip(1);
    let (day, month, year) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
    let month = 1 + "JanFebMarAprMayJunJulAugSepOctNovDec".find(month).unwrap() / 3;
    format!("{year}-{month:02}-{day}")
}

pub(crate) fn hash(bytes: &[u8]) -> String {
    encode(&Sha256::digest(bytes))
}

fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

pub(crate) const CLIENT: &str = "jp.example.kazasu-demo";
pub(crate) const JWT_BEARER: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
pub(crate) const SUBMIT: &str = "/r4/CoverageEligibilityRequest/$submit";
