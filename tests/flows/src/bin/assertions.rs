//! Prints one card assertion and two DPoP proofs for each generation of cards, for other implementations to judge.

use base64ct::{Base64, Encoding};
use kazasu::card::{Card, ChannelKind, ChannelReport, ChipProof, LastAttempt};
use kazasu::crypto::{Curve, PublicKey, SignatureVerifier};
use kazasu::jose::dpop::{DeviceKey, ProofRequest, SoftwareDeviceKey, device_thumbprint, prove};
use kazasu::jose::thumbprint::jwk;
use kazasu::qualify::assertion::{Assertion, Claims, Purpose};
use kazasu::qualify::{DEFAULT_SCOPE, Notice};
use kazasu::time::{Clock, SystemClock};
use kazasu_card_sim::{Profile, SimTransport};
use kazasu_flows::{card, pin_of, unknown};
use serde_json::{Value, json};

fn main() {
    for profile in [Profile::Today, Profile::NextP256, Profile::NextP384] {
        println!("{}", example(profile).expect("the simulated card signs"));
    }
}

fn example(profile: Profile) -> Result<Value, kazasu::Error> {
    let key = SoftwareDeviceKey::generate()?;
    let notice = Notice { id: "example-1".to_owned(), text: "試験のための表示です。".to_owned() };
    let issued_at = SystemClock.now();
    let device_thumbprint = device_thumbprint(&key)?;
    let claims = Claims {
        audience: "https://auth.hoken.example",
        nonce: "grsUKmVPhUi-bUjaMS5InxrVs51hSBtjkJx0yDxMWxg",
        device_thumbprint: &device_thumbprint,
        scope: DEFAULT_SCOPE,
        purpose: Purpose::Own,
        notice: &notice,
        issued_at,
        channel: ChannelReport { kind: ChannelKind::Plain, chip_proof: ChipProof::CertKeyChallenge },
    };

    let mut transport = SimTransport::tap(card(profile, 1));
    let mut card = Card::new(&mut transport, unknown());
    let mut jpki = card.select_jpki()?;
    let certificate = jpki.authentication_certificate()?.expect("a plastic card");
    jpki.verify_user_authentication(pin_of(1), LastAttempt::Refuse)?;
    let assertion = Assertion::sign(&mut jpki, &certificate, &claims, SignatureVerifier::ring())?;

    let access_token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
    let proof =
        |uri, nonce, access_token| prove(&key, ProofRequest { method: "POST", uri, issued_at, nonce, access_token });
    let public = PublicKey::ec(Curve::P256, &key.public_key()?).expect("a P-256 point");
    Ok(json!({
        "profile": profile.to_string(),
        "assertion": assertion.as_str(),
        "certificate": Base64::encode_string(certificate.der()),
        "dpop_token_proof": proof("https://auth.hoken.example/token", Some("server-nonce"), None)?,
        "dpop_resource_proof": proof("https://fhir.hoken.example/r4/Coverage/_search?x=1#y", None, Some(access_token))?,
        "access_token": access_token,
        "device_jwk": jwk(&public),
        "jkt": device_thumbprint,
    }))
}
