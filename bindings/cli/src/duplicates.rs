//! Medicines that may be the same, for the same days: to be shown to a doctor or pharmacist, who decide.

use kazasu::fhir::{Dispense, Record};
use kazasu::insurance::{Duplicate, Likeness, Medication, duplicates};
use serde_json::{Value, json};

use crate::output::{Output, folded, shown};

/// A pair among records.
pub(crate) struct Pair<'a> {
    first: Medication<'a>,
    second: Medication<'a>,
    duplicate: Duplicate,
}

/// Every pair, the newest first.
pub(crate) fn find(records: &[Record]) -> Vec<Pair<'_>> {
    let dispenses = records.iter().filter_map(|record| match record {
        Record::Dispense(dispense) => Some(dispense),
        _ => None,
    });
    let medications: Vec<Medication<'_>> = dispenses.filter_map(Dispense::to_medication).collect();
    let pair = |duplicate: Duplicate| {
        let (first, second) = (*medications.get(duplicate.first)?, *medications.get(duplicate.second)?);
        Some(Pair { first, second, duplicate })
    };
    let mut pairs: Vec<Pair<'_>> = duplicates(&medications).into_iter().filter_map(pair).collect();
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.second.start));
    pairs
}

/// The newest pairs, and what to do.
pub(crate) fn print(pairs: &[Pair<'_>], most: usize, output: Output) {
    if pairs.is_empty() {
        return;
    }
    output.line(output.say(
        "重複の可能性があります。医師・薬剤師に見せてください",
        "Possibly the same medicine twice: please show it to a doctor or pharmacist",
    ));
    for pair in pairs.iter().take(most) {
        for one in [&pair.first, &pair.second] {
            output.lines(folded(&format!("  {}  ", one.start), &shown(one.name.unwrap_or("?"))));
        }
        let likeness = likeness_words(pair.duplicate.likeness, output);
        let days = format!("{} {}", pair.duplicate.days, output.say("日間重なる", "days both"));
        let estimated = if pair.duplicate.is_estimated { output.say("（推定）", " (estimated)") } else { "" };
        output.line(format!("    {likeness} · {days}{estimated}"));
    }
    if let Some(more) = pairs.len().checked_sub(most).filter(|more| *more > 0) {
        let text = if output.say("ja", "en") == "ja" { format!("ほか{more}組") } else { format!("and {more} more") };
        output.line(format!("  … {text}"));
    }
}

/// How much alike, for people.
pub(crate) fn likeness_words(likeness: Likeness, output: Output) -> &'static str {
    let english = match likeness {
        Likeness::SameStrength => "same ingredient and strength",
        Likeness::SameIngredient => "same ingredient and route",
        Likeness::CommonIngredient => "an ingredient in common",
        Likeness::SameEffect => "same kind of medicine",
        Likeness::SameName => "perhaps the same ingredient",
    };
    output.say(likeness.japanese(), english)
}

pub(crate) fn to_json(pairs: &[Pair<'_>]) -> Value {
    let one = |one: &Medication<'_>| json!({"name": one.name, "start": one.start.to_string(), "days": one.days});
    let pairs = pairs.iter().map(|pair| {
        json!({
            "first": one(&pair.first),
            "second": one(&pair.second),
            "likeness": match pair.duplicate.likeness {
                Likeness::SameStrength => "same_strength",
                Likeness::SameIngredient => "same_ingredient",
                Likeness::CommonIngredient => "common_ingredient",
                Likeness::SameEffect => "same_effect",
                Likeness::SameName => "same_name",
            },
            "days": pair.duplicate.days,
            "estimated": pair.duplicate.is_estimated,
        })
    });
    pairs.collect()
}
