//! From facts to findings. Each rule stands beside its limits.

use super::{Evidence, Facts, Item, Last};
use crate::time::CalendarDate;

/// Age of the security patch that passes, in days.
const PATCH_DAYS: i64 = 180;
/// Days before the end of the pin set at which an update is asked for.
const PIN_SET_DAYS: i64 = 30;
/// Taps to the official number that pass.
const NUMBER_TAPS: u32 = 2;
/// The log was opened this many days ago: it passes, and then it warns.
const LOG_DAYS: i64 = 30;
const OLD_LOG_DAYS: i64 = 90;
/// Age of the official notices that passes, in days.
const NOTICE_DAYS: i64 = 30;
/// Broken reads that pass, in percent.
const BROKEN_PERCENT: u64 = 30;

/// How an item stands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Outcome {
    /// Kept.
    Pass,
    /// To be looked at.
    Warn,
    /// To be mended.
    Fail,
    /// Not known: neither for nor against.
    Unknown,
}

/// One item, evaluated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Finding {
    /// Which of the ten.
    pub item: Item,
    /// How it stands.
    pub outcome: Outcome,
    /// How that is known.
    pub evidence: Evidence,
}

/// All ten, in their order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Report {
    /// One for each item.
    pub findings: [Finding; 10],
}

/// How many are kept, out of those that are known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Score {
    /// Items that pass.
    pub passed: u8,
    /// Items that are known: ten less the unknown ones. Nothing to divide by when this is 0.
    pub known: u8,
    /// Items that are not known, to be shown beside the score.
    pub unknown: u8,
}

impl Report {
    /// Passed out of known, with the number of unknown.
    pub fn score(&self) -> Score {
        let count = |outcome| self.findings.iter().filter(|finding| finding.outcome == outcome).count();
        let number = |count| u8::try_from(count).unwrap_or(u8::MAX);
        let unknown = number(count(Outcome::Unknown));
        Score { passed: number(count(Outcome::Pass)), known: 10_u8.saturating_sub(unknown), unknown }
    }

    /// A first registration should wait for another network; reading need not.
    pub fn blocks_first_registration(&self) -> bool {
        self.findings.iter().any(|found| found.item == Item::NoPublicWifi && found.outcome == Outcome::Warn)
    }
}

/// Evaluates the ten items on the day `today`. A day that has not come yet, or an age counted from it, is not known.
pub fn evaluate(facts: &Facts, today: CalendarDate) -> Report {
    let findings = Item::ALL.map(|item| {
        let (outcome, evidence) = look(item, facts, today).unwrap_or_else(|| (Outcome::Unknown, item.evidence()));
        Finding { item, outcome, evidence }
    });
    Report { findings }
}

/// One item; `None` when it is not known.
fn look(item: Item, facts: &Facts, today: CalendarDate) -> Option<(Outcome, Evidence)> {
    let outcome = match item {
        Item::PinHardToGuess => pin(facts, today),
        Item::NeverLent => return lent(facts, today),
        Item::UpToDate => up_to_date(facts, today),
        Item::NoPublicWifi => facts.network_is_open.map(warn_if),
        Item::StoppedWhenLost => stopped(facts, today),
        Item::OwnPins => {
            return facts.pins_differ.map(|differ| (warn_if(!differ), Evidence::SelfDeclared));
        }
        Item::CaseRemoved => reads(facts),
        Item::LogSeen => log(facts, today),
        Item::NoSuspiciousMail => return mail(facts),
        Item::OfficialNotices => notices(facts, today),
    };
    outcome.map(|outcome| (outcome, Evidence::Measured))
}

fn pin(facts: &Facts, today: CalendarDate) -> Option<Outcome> {
    age(facts.pin_checked_on?, today)?;
    facts.pin_is_guessable.map(warn_if)
}

fn lent(facts: &Facts, today: CalendarDate) -> Option<(Outcome, Evidence)> {
    let answer = facts.card_was_lent.filter(|_| facts.lending_answered_on.is_some_and(|day| within_a_year(day, today)));
    match (answer, facts.unknown_accesses) {
        (Some(true), _) => Some((Outcome::Fail, Evidence::SelfDeclared)),
        (_, Some(1..)) => Some((Outcome::Warn, Evidence::Inferred)),
        (Some(false), _) => Some((Outcome::Pass, Evidence::SelfDeclared)),
        (None, _) => None,
    }
}

fn up_to_date(facts: &Facts, today: CalendarDate) -> Option<Outcome> {
    let days_of_pins = facts.pins_until.map(|until| until.days_since(today));
    let patch_age = facts.os_patch.and_then(|day| age(day, today));
    if facts.app_is_current == Some(false) || days_of_pins.is_some_and(|days| days < 0) {
        return Some(Outcome::Fail);
    }
    if patch_age.is_some_and(|days| days > PATCH_DAYS) || days_of_pins.is_some_and(|days| days <= PIN_SET_DAYS) {
        return Some(Outcome::Warn);
    }
    // The patch is looked at only where the platform tells it.
    facts.app_is_current.and(days_of_pins).map(|_| Outcome::Pass)
}

fn stopped(facts: &Facts, today: CalendarDate) -> Option<Outcome> {
    let in_force = match facts.has_suspension_token {
        Some(true) => facts.suspension_token_until.map(|until| until >= today),
        other => other,
    };
    let drilled = facts.drill.and_then(|drill| match drill {
        Last::Never => Some(false),
        Last::On(day) => age(day, today).map(|_| within_a_year(day, today)),
    });
    let reachable = facts.official_number_taps.map(|taps| taps <= NUMBER_TAPS);
    match (in_force, reachable, drilled) {
        (Some(false), _, _) => Some(Outcome::Fail),
        (_, Some(false), _) | (_, _, Some(false)) => Some(Outcome::Warn),
        (Some(true), Some(true), Some(true)) => Some(Outcome::Pass),
        _ => None,
    }
}

fn reads(facts: &Facts) -> Option<Outcome> {
    let reads = facts.reads.filter(|reads| *reads > 0)?;
    let broken = u64::from(facts.broken_reads?).saturating_mul(100);
    Some(warn_if(broken > u64::from(reads).saturating_mul(BROKEN_PERCENT)))
}

fn log(facts: &Facts, today: CalendarDate) -> Option<Outcome> {
    let days = match facts.log_opened? {
        Last::Never => return Some(Outcome::Fail),
        Last::On(day) => age(day, today)?,
    };
    if days > OLD_LOG_DAYS {
        return Some(Outcome::Fail);
    }
    match (facts.unseen_entries, facts.unknown_institutions) {
        (Some(1..), _) | (_, Some(1..)) => Some(Outcome::Warn),
        _ if days > LOG_DAYS => Some(Outcome::Warn),
        (Some(0), Some(0)) => Some(Outcome::Pass),
        _ => None,
    }
}

fn mail(facts: &Facts) -> Option<(Outcome, Evidence)> {
    match (facts.pin_entered_from_link, facts.opens_verified_links_only) {
        (Some(true), _) => Some((Outcome::Fail, Evidence::SelfDeclared)),
        (_, Some(false)) => Some((Outcome::Warn, Evidence::Measured)),
        (Some(false), _) => Some((Outcome::Pass, Evidence::SelfDeclared)),
        (None, _) => None,
    }
}

fn notices(facts: &Facts, today: CalendarDate) -> Option<Outcome> {
    let fetched = match facts.notices_fetched? {
        Last::Never => false,
        Last::On(day) => age(day, today)? <= NOTICE_DAYS,
    };
    match (fetched, facts.notices_are_opened) {
        (false, _) | (_, Some(false)) => Some(Outcome::Warn),
        (true, Some(true)) => Some(Outcome::Pass),
        (true, None) => None,
    }
}

const fn warn_if(is_bad: bool) -> Outcome {
    if is_bad { Outcome::Warn } else { Outcome::Pass }
}

/// Days since `day`; `None` when it has not come yet.
fn age(day: CalendarDate, today: CalendarDate) -> Option<i64> {
    Some(today.days_since(day)).filter(|days| *days >= 0)
}

fn within_a_year(day: CalendarDate, today: CalendarDate) -> bool {
    day <= today && today <= day.years_later(1)
}
