//! Exports of what only the store has: history of checks, a member as FHIR Bundle, reminders.

use kazasu::card::Certificate;
use kazasu::export::{
    BundleOptions, CheckMethod, ExportKind, QualificationRow, Reminder, ReminderKind, dosage_hours, write_bundle,
    write_calendar, write_history,
};
use kazasu::fhir::{Insurance, Qualification, Record};
use kazasu::insurance::Rules;
use kazasu::store::{CheckedBy, HistoryEntry, Member, Query};
use kazasu::time::{CalendarDate, Clock, SystemClock};

use super::Export;
use super::source::Source;
use super::tables::refuse_unencodable;
use crate::answer;
use crate::args::Lang;
use crate::failure::Failure;
use crate::family::{Expenses, Family, needs_member};
use crate::output::Output;

impl Export<'_> {
    /// Writes what was asked for of these members and returns the number of rows.
    pub(super) fn of_members(&mut self, family: &Family, members: &[Member]) -> Result<u64, Failure> {
        match self.kind {
            ExportKind::History => self.history(family, members),
            ExportKind::Bundle => self.bundle(family, members),
            ExportKind::Calendar => self.calendar(family, members),
            _ => {
                let insured = insured(family, members)?;
                let source = Source::of_store(Expenses::of(family, members)?, &self.arguments.name, insured)?;
                self.payments(&source)
            }
        }
    }

    fn history(&mut self, family: &Family, members: &[Member]) -> Result<u64, Failure> {
        let mut rows = Vec::new();
        for member in members {
            family.store.visit_history(member.id, None, |entry| {
                rows.extend(qualification_rows(&entry, member));
                Ok(true)
            })?;
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.checked_at));
        if !self.arguments.replace {
            let texts = rows.iter().flat_map(|row| [Some(row.person.as_str()), row.insurer.as_deref()]).flatten();
            refuse_unencodable(texts, self.file.encoding)?;
        }
        Ok(write_history(&rows, self.file, &mut self.content)?)
    }

    /// One member's records, and the newest answer about their insurance.
    fn bundle(&mut self, family: &Family, members: &[Member]) -> Result<u64, Failure> {
        let [member] = members else { return Err(needs_member("a bundle is of one member: --member NICKNAME")) };
        let mut resources = Vec::new();
        family.store.visit_history(member.id, None, |entry| {
            resources.extend(entry.eligibility.map(|eligibility| eligibility.as_json().clone()));
            Ok(resources.is_empty())
        })?;
        family.store.visit_records(member.id, &Query::default(), |stored| {
            resources.push(stored.record.as_json().clone());
            Ok(true)
        })?;
        let names: Vec<&str> = self.arguments.name.iter().filter_map(|name| name.rsplit('=').next()).collect();
        let options = BundleOptions {
            include_identifiers: self.arguments.include_identifiers,
            include_names: self.arguments.include_names,
            nickname: &member.profile.nickname,
            names: &names,
        };
        Ok(write_bundle(&resources, SystemClock.now(), &options, &mut self.content)?)
    }

    fn calendar(&mut self, family: &Family, members: &[Member]) -> Result<u64, Failure> {
        let today = CalendarDate::in_japan(SystemClock.now());
        let mut reminders = Vec::new();
        for member in members {
            reminders.extend(certificate_expiry(member));
            family.store.visit_records(member.id, &Query::default(), |stored| {
                reminders.extend(medication(&stored.record, member, today));
                Ok(true)
            })?;
        }
        reminders.extend(receipts(family, members, today)?);
        Ok(write_calendar(&reminders, SystemClock.now(), &mut self.content)?)
    }
}

/// Each member's category of the limit, and the number of their insurer among those of the others, by the newest answer.
fn insured(family: &Family, members: &[Member]) -> Result<Vec<Option<(String, u32)>>, Failure> {
    let mut insurers: Vec<String> = Vec::new();
    let mut insured = Vec::new();
    for member in members {
        let mut newest = None;
        family.store.visit_history(member.id, None, |entry| {
            newest = entry.eligibility;
            Ok(newest.is_none())
        })?;
        let primary = newest.as_ref().and_then(|eligibility| eligibility.primary());
        let category = primary.as_ref().and_then(Insurance::limit_category).map(|limit| limit.code.to_owned());
        let coverage = primary.as_ref().and_then(Insurance::coverage);
        let number = coverage.and_then(|coverage| coverage.insurer_number()).unwrap_or_default().to_owned();
        let household = insurers.iter().position(|one| *one == number).unwrap_or(insurers.len());
        if household == insurers.len() {
            insurers.push(number);
        }
        insured.push(category.zip(u32::try_from(household).ok()));
    }
    Ok(insured)
}

/// A row for each insurance of the answer, or one for a check without an answer.
fn qualification_rows(entry: &HistoryEntry, member: &Member) -> Vec<QualificationRow> {
    let insurances = entry.eligibility.as_ref().map(|eligibility| eligibility.insurances()).unwrap_or_default();
    let count = u32::try_from(insurances.len()).unwrap_or(u32::MAX).max(1);
    let row = |row| qualification_row(entry, member, row, insurances.get(row as usize));
    (0..count).map(row).collect()
}

fn qualification_row(
    entry: &HistoryEntry,
    member: &Member,
    row: u32,
    insurance: Option<&Insurance<'_>>,
) -> QualificationRow {
    let japanese = Output { json: true, lang: Lang::Ja };
    let coverage = insurance.and_then(Insurance::coverage);
    let text = |value: Option<&str>| value.map(str::to_owned);
    let day = |value: Option<&str>| value.and_then(CalendarDate::parse);
    let qualification = entry.eligibility.as_ref().map(|eligibility| eligibility.qualification());
    let in_words = |qualification: Qualification| answer::validity(qualification, japanese).to_owned();
    QualificationRow {
        source_id: format!("{}-{}", member.id, entry.at.0),
        row,
        checked_at: entry.eligibility.as_ref().and_then(|eligibility| eligibility.as_of()).unwrap_or(entry.at),
        person: member.profile.nickname.clone(),
        is_dependent: coverage.and_then(|coverage| coverage.is_dependent()),
        insurer_number: text(coverage.and_then(|coverage| coverage.insurer_number())),
        insurer: text(coverage.and_then(|coverage| coverage.insurer_name())),
        validity_code: text(insurance.and_then(Insurance::validity_code)),
        validity: qualification.map(in_words),
        copay_percent: insurance.and_then(Insurance::copay_percent).map(u32::from),
        limit_category: text(insurance.and_then(Insurance::limit_category).map(|limit| limit.code)),
        acquired: day(coverage.and_then(|coverage| coverage.period_start())),
        lost: day(coverage.and_then(|coverage| coverage.loss_date())),
        method: match entry.by {
            CheckedBy::Card => CheckMethod::Card,
            CheckedBy::Refresh => CheckMethod::Refresh,
            CheckedBy::Display => CheckMethod::DisplayOnly,
        },
        proof: text(entry.eligibility.as_ref().and_then(|eligibility| eligibility.proof())),
        code: Some(entry.result.clone()).filter(|code| code != "OK"),
    }
}

fn certificate_expiry(member: &Member) -> Option<Reminder> {
    let certificate = Certificate::parse(&member.card.certificate)?;
    Some(Reminder {
        source_id: format!("{}-certificate", member.id),
        kind: ReminderKind::CertificateExpiry,
        person: member.profile.nickname.clone(),
        date: CalendarDate::in_japan(certificate.not_after()),
        detail: None,
    })
}

/// Times of a medicine that is still being taken, where its directions name them.
fn medication(record: &Record, member: &Member, today: CalendarDate) -> Option<Reminder> {
    let Record::Dispense(dispense) = record else { return None };
    let medication = dispense.to_medication().filter(|medication| !medication.is_month)?;
    let days = u16::try_from(medication.days?).ok().filter(|days| *days > 0)?;
    let taken = today.days_since(medication.start);
    (taken < i64::from(days)).then_some(())?;
    Some(Reminder {
        source_id: format!("{}-{}", member.id, dispense.id()?),
        kind: ReminderKind::Medication { days, hours: dosage_hours(dispense.dosage().unwrap_or_default())? },
        person: member.profile.nickname.clone(),
        date: medication.start,
        detail: None,
    })
}

/// Until when the receipts of each year are kept.
fn receipts(family: &Family, members: &[Member], today: CalendarDate) -> Result<Vec<Reminder>, Failure> {
    let expenses = Expenses::of(family, members)?;
    let rules = Rules::embedded().map_err(|_| kazasu::Error::Internal { detail: "a built-in table" })?;
    let until = |year: u16| (year, rules.deduction.keep_receipts_through(year));
    let reminders = expenses.years().into_iter().map(until).filter(|(_, date)| *date >= today);
    Ok(reminders
        .map(|(year, date)| Reminder {
            source_id: format!("receipts-{year}"),
            kind: ReminderKind::ReceiptsKeptUntil,
            person: String::new(),
            date,
            detail: None,
        })
        .collect())
}
