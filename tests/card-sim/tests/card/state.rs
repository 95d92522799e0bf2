//! PINs and tries that survive the program.

use crate::{SELECT_JPKI, today, transcript};
use kazasu_card_sim::{Card, Config, Pin, Profile, SimError};
use std::{fs, path::PathBuf};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kazasu-card-sim-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("card.json")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn tries_and_pins_survive() {
    let folder = Folder::new("survive");
    let open = || Card::with_state(today(), folder.file()).expect("a card");
    let mut card = open();
    assert!(!folder.file().exists());
    transcript(&mut card, &[(SELECT_JPKI, "9000"), ("0020009804 30303030", "63C2")]);
    drop(card);
    let mut card = open();
    assert_eq!(card.attempts_left(Pin::UserAuthentication), 2);
    transcript(&mut card, &[(SELECT_JPKI, "9000"), ("0020009804 31323334", "9000"), ("0024019804 35363738", "9000")]);
    let mut card = open();
    assert_eq!(card.attempts_left(Pin::UserAuthentication), 3);
    transcript(&mut card, &[(SELECT_JPKI, "9000"), ("0020009804 31323334", "63C2"), ("0020009804 35363738", "9000")]);
    card.set_attempts(Pin::Signature, 1);
    assert_eq!(open().attempts_left(Pin::Signature), 1);
    let names: Vec<_> =
        fs::read_dir(&folder.0).expect("a folder").map(|entry| entry.expect("entry").file_name()).collect();
    assert_eq!(names, ["card.json"], "no temporary file is left");
    Card::with_new_state(today(), folder.file()).expect("reset");
    assert_eq!(open().attempts_left(Pin::Signature), 5);
}

#[test]
fn every_pin_and_all_its_tries_survive() {
    let folder = Folder::new("all");
    let mut card = Card::with_state(today(), folder.file()).expect("a card");
    for (tries, pin) in Pin::ALL.into_iter().enumerate() {
        card.set_attempts(pin, tries as u8 % 3);
    }
    let expected = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0];
    let mut card = Card::with_state(today(), folder.file()).expect("a card");
    assert_eq!(Pin::ALL.map(|pin| card.attempts_left(pin)), expected);
    transcript(
        &mut card,
        &[
            ("00A4040C0AD3921000310001010401", "9000"),
            ("0020009C04 31323334", "9000"),
            ("8032009C04 35363738", "9000"),
            ("00A4040C0AD3921000310001010408", "9000"),
            ("0020009104 31323334", "9000"),
            ("0024019104 36373839", "9000"),
        ],
    );
    let mut card = Card::with_state(today(), folder.file()).expect("a card");
    transcript(
        &mut card,
        &[
            ("00A4040C0AD3921000310001010401", "9000"),
            ("0020009C04 35363738", "9000"),
            ("00A4040C0AD3921000310001010408", "9000"),
            ("0020009104 36373839", "9000"),
        ],
    );
    card.reset_pins().expect("written");
    let card = Card::with_state(today(), folder.file()).expect("a card");
    assert_eq!(Pin::ALL.map(|pin| card.attempts_left(pin)), [3, 5, 3, 10, 10, 10, 10, 10, 3, 3]);
}

#[test]
fn a_state_file_of_before_the_other_applications_still_loads() {
    let folder = Folder::new("before");
    let pins = r#"{"jpki/0018":{"value":"8642","attempts_left":2},"jpki/001B":{"value":"ABC123","attempts_left":5}}"#;
    fs::write(folder.file(), format!(r#"{{"person":1,"profile":"today","pins":{pins}}}"#)).expect("written");
    let card = Card::with_state(today(), folder.file()).expect("a card");
    assert_eq!(Pin::ALL.map(|pin| card.attempts_left(pin)), [2, 5, 3, 10, 10, 10, 10, 10, 3, 3]);
}

#[test]
fn a_state_file_of_another_card_is_refused() {
    let folder = Folder::new("other");
    Card::with_new_state(today(), folder.file()).expect("written");
    for config in [Config::new(Profile::Today, 2), Config::new(Profile::Phone, 1)] {
        let error = Card::with_state(config, folder.file()).expect_err("another card");
        assert!(matches!(error, SimError::StateOfAnotherCard { person: 1, .. }), "{error}");
    }
}

#[test]
fn a_broken_state_file_is_refused_without_quoting_it() {
    let folder = Folder::new("broken");
    let saved = |tries: &str| {
        format!(r#"{{"person":1,"profile":"today","pins":{{"jpki/0018":{{"value":"8642","attempts_left":{tries}}}}}}}"#)
    };
    for text in ["", "{", "[]", r#"{"person":1}"#, &saved("300"), &saved("4"), &saved("\"8642\"")] {
        fs::write(folder.file(), text).expect("written");
        let error = Card::with_state(today(), folder.file()).expect_err(text);
        assert!(matches!(error, SimError::StateFormat { .. }), "{error}");
        assert!(!error.to_string().contains("8642"));
    }
    fs::write(folder.file(), saved("1")).expect("written");
    assert_eq!(Card::with_state(today(), folder.file()).expect("a card").attempts_left(Pin::UserAuthentication), 1);
}

#[test]
fn a_state_that_cannot_be_saved_is_a_memory_failure() {
    let folder = Folder::new("unsaved");
    let mut card = Card::with_state(today(), folder.0.join("missing").join("card.json")).expect("a card");
    transcript(
        &mut card,
        &[
            (SELECT_JPKI, "9000"),
            ("0020009804 30303030", "6581"),
            ("00200098", "63C3"),
            ("0020009804 31323334", "9000"),
        ],
    );
}
