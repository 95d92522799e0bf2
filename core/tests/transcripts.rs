//! Plays `tests/transcripts/*.txt` against the SDK: every command must be the one written there, byte for byte.

#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::VecDeque;
use std::path::Path;

use kazasu::Error;
use kazasu::card::{Card, KeyKind, LastAttempt, UserAuthenticationPin};
use kazasu::iso7816::{CardCapabilities, CardTransport, TransportError};

/// Answers as written and remembers the first command that differs.
struct Script {
    exchanges: VecDeque<(Vec<u8>, Vec<u8>)>,
    surprise: Option<String>,
}

impl CardTransport for Script {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        match self.exchanges.pop_front() {
            Some((expected, answer)) if expected == command => Ok(answer),
            expected => {
                self.surprise = Some(format!("sent {command:02X?}, expected {:02X?}", expected.map(|e| e.0)));
                Err(TransportError::TagLost)
            }
        }
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.trim().chars().collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("hex")).collect()
}

fn run(flow: &str, script: &mut Script) -> Result<String, Error> {
    let mut card = Card::new(script, CardCapabilities::default());
    let mut jpki = card.select_jpki()?;
    match flow.split_once(' ').unwrap_or((flow, "")) {
        ("verify", digits) => {
            let pin = UserAuthenticationPin::parse(digits.as_bytes())?;
            jpki.verify_user_authentication(pin, LastAttempt::Refuse).map(|()| "ok".to_owned())
        }
        ("attempts", _) => {
            let left = jpki.attempts_left(KeyKind::UserAuthentication)?.attempts_left;
            Ok(left.map_or("ok unknown".to_owned(), |left| format!("ok {left}")))
        }
        ("label", _) => jpki.token_info().map(|token| format!("ok {}", token.label)),
        other => panic!("unknown flow {other:?}"),
    }
}

fn play(path: &Path) {
    let text = std::fs::read_to_string(path).expect("a transcript");
    let with = |prefix: &str| -> Vec<&str> {
        text.lines().filter_map(|line| line.strip_prefix(prefix)).map(str::trim).collect()
    };
    let exchanges = with("> ").into_iter().map(hex).zip(with("< ").into_iter().map(hex)).collect();
    let mut script = Script { exchanges, surprise: None };
    let result = run(with("flow:")[0], &mut script).unwrap_or_else(|error| match error.attempts_left() {
        Some(left) => format!("{} {left}", error.code()),
        None if error.to_string().ends_with("one try may be used") => format!("{} one try may be used", error.code()),
        None => error.code().to_owned(),
    });
    assert_eq!(script.surprise, None, "{}", path.display());
    assert!(script.exchanges.is_empty(), "{}: {} exchanges were not made", path.display(), script.exchanges.len());
    assert_eq!(result, with("result:")[0], "{}", path.display());
}

#[test]
fn every_transcript_is_kept_to_the_byte() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/transcripts");
    let mut played = 0;
    for entry in std::fs::read_dir(folder).expect("tests/transcripts") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            play(&path);
            played += 1;
        }
    }
    assert!(played >= 11, "{played} transcripts");
}
