//! The report of what the store holds.

use std::collections::BTreeMap;

use kazasu::export::{ComparedYear, compare_years};
use kazasu::fhir::{Dispense, Observation, Qualification, Record};
use kazasu::insurance::{
    self, CheckupLine, DeductionInput, DuplicateOptions, Medication, Rules, YearMonth, duplicate_report,
};
use kazasu::store::{Event, Member, Query};
use kazasu::time::{CalendarDate, Clock, SystemClock};

use super::input::{
    Checkup, Comparator, Coverage, Deduction, Direction, Duplicates, Line, Medicine, Month, Pair, Point, ReportInput,
    Row, Source, Year,
};
use crate::args::{Global, ReportArguments};
use crate::duplicates::likeness_words;
use crate::failure::Failure;
use crate::family::{Expenses, Family};
use crate::output::Output;

/// Reads it, and tells the log that it left the store.
pub(super) fn input(arguments: &ReportArguments, global: &Global, output: Output) -> Result<ReportInput, Failure> {
    let mut family = Family::open(global)?;
    let chosen = if arguments.of.is_empty() { global.member.iter().cloned().collect() } else { arguments.of.clone() };
    let members = family.find_all(&chosen)?;
    let rules = Rules::embedded().map_err(|_| kazasu::Error::Internal { detail: "a built-in table" })?;
    let expenses = Expenses::of(&family, &members)?;
    let now = SystemClock.now();
    let mut input = ReportInput {
        generated_at: now,
        japanese: true,
        people: expenses.people.clone(),
        coverages: Vec::new(),
        years: years(&expenses, members.len()),
        deductions: arguments.income.map(|income| deductions(&expenses, income, &rules)).unwrap_or_default(),
        checkups: Vec::new(),
        duplicates: Some(Duplicates { pairs: Vec::new(), sources: Vec::new() }),
        notes: Vec::new(),
    };
    for (person, member) in members.iter().enumerate() {
        input.coverages.extend(coverage(&family, member, person)?);
        let (checkups, dispenses) = records(&family, member)?;
        input.checkups.extend(of_person(person, checkups, &rules));
        if let Some(duplicates) = &mut input.duplicates {
            add_duplicates(duplicates, person, &member.profile.nickname, &dispenses, output);
        }
    }
    let only = members.first().filter(|_| members.len() == 1).map(|member| member.id);
    family.store.append_log(Event::Exported, only, Ok(()))?;
    family.close()?;
    Ok(input)
}

/// The newest answer about a member's insurance.
fn coverage(family: &Family, member: &Member, person: usize) -> Result<Option<Coverage>, Failure> {
    let mut found = None;
    family.store.visit_history(member.id, None, |entry| {
        let at = entry.at;
        found = entry.eligibility.map(|eligibility| (eligibility, at));
        Ok(found.is_none())
    })?;
    Ok(found.map(|(eligibility, at)| {
        let primary = eligibility.primary();
        let coverage = primary.and_then(|insurance| insurance.coverage());
        let limit = primary.and_then(|insurance| insurance.limit_category());
        Coverage {
            person,
            insurer: coverage.and_then(|coverage| coverage.insurer_name()).map(str::to_owned),
            in_force: match eligibility.qualification() {
                Qualification::Valid | Qualification::Multiple | Qualification::Unregistered => Some(true),
                Qualification::Invalid(_) | Qualification::NotFound => Some(false),
                Qualification::Pending => None,
            },
            copay_percent: primary.and_then(|insurance| insurance.copay_percent()),
            limit: limit.map(|limit| limit.display.unwrap_or(limit.code).to_owned()),
            as_of: eligibility.as_of().unwrap_or(at),
        }
    }))
}

/// A member's check-up items and medicines.
fn records(family: &Family, member: &Member) -> Result<(Vec<Observation>, Vec<Dispense>), Failure> {
    let (mut checkups, mut dispenses) = (Vec::new(), Vec::new());
    let query = Query { types: vec![Observation::TYPE, Dispense::TYPE], ..Query::default() };
    family.store.visit_records(member.id, &query, |stored| {
        match stored.record {
            Record::Observation(observation) => checkups.push(observation),
            Record::Dispense(dispense) => dispenses.push(dispense),
            _ => {}
        }
        Ok(true)
    })?;
    Ok((checkups, dispenses))
}

fn years(expenses: &Expenses, people: usize) -> Vec<Year> {
    let lines = compare_years(&expenses.payments, &|person, month| expenses.has_arrived(person, month));
    let mut years: BTreeMap<u16, Vec<ComparedYear>> = BTreeMap::new();
    lines.into_iter().for_each(|line| years.entry(line.year).or_default().push(line));
    let year = |(year, lines): (u16, Vec<ComparedYear>)| Year {
        year,
        months: std::array::from_fn(|at| month(expenses, people, year, at, &lines)),
        rows: lines
            .iter()
            .filter(|line| line.count > 0)
            .map(|line| Row { person: line.person, kind: line.kind, sum_yen: line.yen, count: line.count })
            .collect(),
    };
    years.into_iter().map(year).collect()
}

/// The sum of a month over everyone, and whose notice of it has come.
fn month(expenses: &Expenses, people: usize, year: u16, at: usize, lines: &[ComparedYear]) -> Month {
    let yen = lines.iter().filter_map(|line| line.months.get(at)).map(|month| month.yen).sum();
    let is_empty = lines.iter().filter_map(|line| line.months.get(at)).all(|month| month.count == 0);
    let number = u8::try_from(at + 1).unwrap_or(1);
    let has = |person: usize| YearMonth::new(year, number).is_some_and(|month| expenses.has_arrived(person, month));
    match (0..people).filter(|person| has(*person)).count() {
        0 if is_empty => Month::Missing,
        arrived if arrived < people => Month::Partial(yen),
        _ => Month::Whole(yen),
    }
}

fn deductions(expenses: &Expenses, income_yen: i64, rules: &Rules) -> Vec<Deduction> {
    let today = CalendarDate::in_japan(SystemClock.now());
    let estimate = |year: u16| {
        let input = DeductionInput {
            year,
            income_yen,
            people: &expenses.people,
            payments: &expenses.payments,
            today,
            notices_through: None,
            self_medication_yen: None,
            answers: &[],
            insured: &[],
        };
        let estimate = rules.deduction.estimate(&input)?;
        Some(Deduction {
            year,
            paid_yen: estimate.paid_yen,
            reimbursed_yen: estimate.reimbursed_yen,
            threshold_yen: estimate.floor_yen,
            deduction_yen: estimate.deduction_yen,
        })
    };
    expenses.years().into_iter().filter_map(estimate).collect()
}

/// The items that have numbers, each with its lines of the national table.
fn of_person(person: usize, observations: Vec<Observation>, rules: &Rules) -> Vec<Checkup> {
    let mut items: BTreeMap<String, Checkup> = BTreeMap::new();
    for observation in observations {
        let (Some(name), Some(date)) = (observation.name(), observation.date()) else { continue };
        let Some((value, comparator, unit)) = observation.quantity() else { continue };
        let code = observation.code().unwrap_or(name);
        let item = items.entry(code.to_owned()).or_insert_with(|| Checkup {
            person,
            item: name.to_owned(),
            unit: unit.unwrap_or_default().to_owned(),
            points: Vec::new(),
            lines: rules.checkup.line(code, None).map(lines).unwrap_or_default(),
        });
        let comparator = match comparator {
            Some("<" | "<=") => Some(Comparator::Less),
            Some(">" | ">=") => Some(Comparator::More),
            _ => None,
        };
        item.points.push(Point { date: date.date, value, comparator });
    }
    items.into_values().collect()
}

fn lines(line: &CheckupLine) -> Vec<Line> {
    let direction = match line.direction {
        insurance::Comparator::GreaterOrEqual | insurance::Comparator::Greater => Direction::AtLeast,
        insurance::Comparator::LessOrEqual => Direction::AtMost,
        insurance::Comparator::Less => Direction::Below,
    };
    let one =
        |value: &str, words: &str| value.parse().ok().map(|value| Line { value, direction, words: words.to_owned() });
    let visit = line.visit.as_deref().and_then(|value| one(value, "受診勧奨判定値"));
    one(&line.guidance, "保健指導判定値").into_iter().chain(visit).collect()
}

fn add_duplicates(duplicates: &mut Duplicates, person: usize, nickname: &str, dispenses: &[Dispense], output: Output) {
    let medications: Vec<Medication<'_>> = dispenses.iter().filter_map(Dispense::to_medication).collect();
    let report = duplicate_report(&medications, &DuplicateOptions::default());
    let medicine =
        |one: &Medication<'_>| Medicine { name: one.name.unwrap_or("?").to_owned(), start: one.start, days: one.days };
    for pair in &report.pairs {
        let (Some(first), Some(second)) = (medications.get(pair.first), medications.get(pair.second)) else { continue };
        duplicates.pairs.push(Pair {
            person,
            first: medicine(first),
            second: medicine(second),
            likeness: likeness_words(pair.likeness, output).to_owned(),
            days: pair.days,
            is_estimated: pair.is_estimated,
        });
    }
    let source = |source: insurance::Source, until| Source {
        name: format!("{nickname} {}", source_words(source, output)),
        until,
    };
    duplicates.sources.extend(report.newest.iter().map(|(one, until)| source(*one, Some(*until))));
    duplicates.sources.extend(report.missing.iter().map(|one| source(*one, None)));
}

fn source_words(source: insurance::Source, output: Output) -> &'static str {
    match source {
        insurance::Source::Claim => output.say("レセプト", "claims"),
        insurance::Source::Prescription => output.say("処方", "prescriptions"),
        insurance::Source::Dispense => output.say("調剤", "dispensed"),
    }
}
