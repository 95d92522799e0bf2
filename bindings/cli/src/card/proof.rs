//! Proofs of origin, for people and machines.

use kazasu::card::{CvAuthorities, Proof};
use kazasu::error::CardFault;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::Output;

/// Whose certificates for municipalities are believed; those of test cards only in a build with the simulated card.
#[cfg(not(feature = "demo"))]
pub(super) fn authorities() -> Result<CvAuthorities, Failure> {
    Ok(CvAuthorities::national())
}

/// Whose certificates for municipalities are believed; the result says when it was one of test cards.
#[cfg(feature = "demo")]
pub(super) fn authorities() -> Result<CvAuthorities, Failure> {
    let known = CvAuthorities::national().and_test_cards();
    Ok(kazasu_card_sim::cv_authorities().iter().try_fold(known, |known, (id, modulus)| known.and(*id, modulus))?)
}

/// Who asked for a proof does not get data without one.
pub(super) fn insist(proof: &Proof, what: &'static str) -> Result<(), Failure> {
    match proof {
        Proof::Genuine(_) => Ok(()),
        Proof::NotVerifiable(_) => Err(CardFault::NotGenuine { what }.into()),
    }
}

/// One line about the proof.
pub(super) fn print(proof: &Proof, output: Output) {
    let text = match proof {
        Proof::Genuine(genuine) => {
            let test = if genuine.test_card { output.say("、テスト用カード", ", test card") } else { "" };
            let words = output.say("確認済み（市区町村コード", "genuine (municipality");
            format!("{words} {}{test}{}", genuine.municipality, output.say("）", ")"))
        }
        Proof::NotVerifiable(_) => output.say("未確認（--verify で確認）", "not checked (--verify does)").to_owned(),
    };
    output.field(output.say("真正性", "Proof"), &text);
}

pub(super) fn to_json(proof: &Proof) -> Value {
    match proof {
        Proof::Genuine(genuine) => json!({
            "genuine": true,
            "municipality": genuine.municipality,
            "chip_proof": genuine.chip_proof.name(),
            "test_card": genuine.test_card,
        }),
        Proof::NotVerifiable(gap) => json!({"genuine": false, "reason": gap.name()}),
    }
}
