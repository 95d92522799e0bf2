//! What the calls of `BenchTest.kt` cost without a language border: prints `nanoseconds per transceive`, then
//! `milliseconds per qualification`.
//!
//! `native CONFIG ROUNDS QUALIFICATIONS`

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use base64ct::{Base64, Encoding};
use kazasu_ffi::card::read_card_info;
use kazasu_ffi::device_key::{DeviceKey, DeviceKeyError};
use kazasu_ffi::guidance::Language;
use kazasu_ffi::qualify::{BackendConfig, QualifyClient};
use kazasu_ffi::session::{LastAttempt, Member, Purpose};
use kazasu_ffi::simulator::SimulatedCard;
use kazasu_ffi::transport::{CardTransport, TransportError, TransportLimits};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, config, rounds, qualifications] = arguments.as_slice() else {
        panic!("native CONFIG ROUNDS QUALIFICATIONS")
    };
    let rounds: usize = rounds.parse().expect("a number");
    let qualifications: u32 = qualifications.parse().expect("a number");

    let link = Arc::new(Replay::of(SimulatedCard::new("today".to_owned(), 1).unwrap().tap(None).unwrap()));
    let started = Instant::now();
    for _ in 0..rounds {
        link.next.store(0, Ordering::Relaxed);
        read_card_info(Arc::clone(&link) as Arc<dyn CardTransport>).unwrap();
    }
    println!("{}", started.elapsed().as_nanos() / (rounds * link.answers.len()) as u128);

    let client = QualifyClient::new(read(Path::new(config)), Language::Japanese).unwrap();
    qualify(&client);
    let started = Instant::now();
    for _ in 0..qualifications {
        qualify(&client);
    }
    println!("{:.1}", started.elapsed().as_secs_f64() * 1e3 / f64::from(qualifications));
}

fn qualify(client: &Arc<QualifyClient>) {
    let member = Member { certificate: None, purpose: Purpose::Own, capabilities: None, patient: None };
    let session = client.session(member, Arc::new(Key::new()));
    session.begin().unwrap();
    let card = SimulatedCard::new("today".to_owned(), 1).unwrap();
    session.tap(card.tap(None).unwrap(), b"1234", LastAttempt::Refuse, None).unwrap();
    session.finish().unwrap();
}

/// The answers of one reading, again and again: the card's own work is not measured.
struct Replay {
    answers: Vec<Vec<u8>>,
    next: AtomicUsize,
}

impl Replay {
    fn of(card: Arc<dyn CardTransport>) -> Self {
        let recording = Arc::new(Recording { card, answers: Mutex::default() });
        read_card_info(Arc::clone(&recording) as Arc<dyn CardTransport>).unwrap();
        let answers = recording.answers.lock().unwrap().clone();
        Self { answers, next: AtomicUsize::new(0) }
    }
}

impl CardTransport for Replay {
    fn transceive(&self, _: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        Ok(self.answers[self.next.fetch_add(1, Ordering::Relaxed)].clone())
    }

    fn limits(&self) -> Result<TransportLimits, TransportError> {
        Ok(TransportLimits { max_command: 261, max_response: 258 })
    }
}

struct Recording {
    card: Arc<dyn CardTransport>,
    answers: Mutex<Vec<Vec<u8>>>,
}

impl CardTransport for Recording {
    fn transceive(&self, command: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        let answer = self.card.transceive(command)?;
        self.answers.lock().unwrap().push(answer.clone());
        Ok(answer)
    }

    fn limits(&self) -> Result<TransportLimits, TransportError> {
        Ok(TransportLimits { max_command: 261, max_response: 258 })
    }
}

struct Key(SigningKey);

impl Key {
    fn new() -> Self {
        Self(SigningKey::from_slice(&[7; 32]).unwrap())
    }
}

impl DeviceKey for Key {
    fn public_key(&self) -> Result<Vec<u8>, DeviceKeyError> {
        Ok(self.0.verifying_key().to_sec1_point(false).as_bytes().to_vec())
    }

    fn sign_sha256(&self, message: Vec<u8>) -> Result<Vec<u8>, DeviceKeyError> {
        let signature: DerSignature = self.0.sign(&message);
        Ok(signature.as_bytes().to_vec())
    }
}

fn read(file: &Path) -> BackendConfig {
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let texts = |name: &str| -> Vec<String> { json[name].as_array().unwrap().iter().map(text).collect() };
    let roots = |name: &str| texts(name).iter().map(|root| der(&file.with_file_name(root))).collect();
    BackendConfig {
        issuer: text(&json["issuer"]),
        fhir_base: text(&json["fhir_base"]),
        client_id: text(&json["client_id"]),
        tls_roots: roots("tls_roots"),
        card_roots: roots("card_roots"),
        pins: texts("pins"),
        pins_not_after: text(&json["pins_not_after"]),
        notice_id: text(&json["notice"]["id"]),
        notice_text: text(&json["notice"]["text"]),
        scope: Some(text(&json["scope"])),
        consents: texts("consents"),
        payload_encryption: None,
        signer_kids: Vec::new(),
        time_limits: None,
        proxy: None,
    }
}

fn der(file: &Path) -> Vec<u8> {
    let pem = std::fs::read_to_string(file).unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    Base64::decode_vec(&body).unwrap()
}
