//! Sealed answers: the JWE as it comes, its header, the JWS inside, and the set of keys that may sign it. The first byte of
//! the input says which of them the rest is.
#![no_main]

use kazasu::base64url;
use kazasu::jose::jwe;
use kazasu::jose::sealed::Content;
use kazasu::jose::signers::Signers;
use kazasu_fuzz::sealed::{self, PINNED};
use kazasu_fuzz::verifier;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else { return };
    match kind % 4 {
        0 => whole(rest),
        1 => header(rest),
        2 => inside(rest),
        _ => keys(rest),
    }
});

/// An answer: what opens has five parts and no encrypted key.
fn whole(answer: &[u8]) {
    let opened = sealed::exchange().open(answer, Content::Fhir, sealed::NOW);
    let again = sealed::exchange().open(answer, Content::Fhir, sealed::NOW);
    assert_eq!(opened.as_ref().err(), again.as_ref().err());
    if opened.is_ok() {
        let parts: Vec<&[u8]> = answer.split(|byte| *byte == b'.').collect();
        assert!(parts.len() == 5 && parts[1].is_empty() && answer.len() <= jwe::MAX_SEALED);
    }
}

/// A protected header: nobody who does not know the key makes a tag for it.
fn header(header: &[u8]) {
    let iv_and_rest = "AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA";
    let answer = format!("{}..{iv_and_rest}", base64url::encode(header));
    assert!(sealed::exchange().open(answer.as_bytes(), Content::Fhir, sealed::NOW).is_err());
}

/// What was sealed: a resource comes out only of a JWS that has it in the middle.
fn inside(plaintext: &[u8]) {
    let answer = jwe::seal(&sealed::public_key(), &sealed::header(), plaintext).expect("seals");
    let opened = sealed::exchange().open(answer.as_bytes(), Content::Fhir, sealed::NOW);
    let Ok(unverified) = opened else { return };
    let is_pinned = unverified.kid() == PINNED;
    if let Ok(resource) = unverified.verify(&sealed::signers(), verifier::believing()) {
        let middle = plaintext.split(|byte| *byte == b'.').nth(1).expect("three parts");
        assert!(is_pinned && base64url::encode(&resource).as_bytes() == middle);
    }
}

/// A set of keys: none is found that is not pinned.
fn keys(set: &[u8]) {
    let Ok(set) = serde_json::from_slice(set) else { return };
    let signers = Signers::parse(&set, &[PINNED.to_owned()]);
    if let Some(key) = signers.key(PINNED) {
        assert!(key.coordinates().is_some_and(|(x, y)| x.len() == 32 && y.len() == 32));
    }
    assert!(signers.key("another").is_none());
}
