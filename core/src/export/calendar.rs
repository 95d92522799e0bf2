//! Reminders as a calendar file (iCalendar, RFC 5545): all-day events with an alarm.

use std::borrow::Borrow;
use std::io::{BufWriter, Write};

use super::ExportError;
use super::id::stable_id;
use super::text::{push_date, push_two};
use crate::text::shown;
use crate::time::{CalendarDate, UnixMillis};

/// Octets of a line, without its end (RFC 5545, 3.1).
const MAX_LINE: usize = 75;
/// PRODID.
const PRODUCT: &str = "-//Kazasu//Kazasu//JA";

/// One thing to be reminded of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reminder {
    /// Lasting id of what it is about: the same one gives the same event, and a calendar replaces it.
    pub source_id: String,
    /// What it is about.
    pub kind: ReminderKind,
    /// Nickname of the person; calendars show it on lock screens.
    pub person: String,
    /// The day: the last valid one of a card, the day a vaccine is due, the first day of a medicine.
    pub date: CalendarDate,
    /// More about it, such as the name of a vaccine or the directions of the prescription as they were received. Only
    /// where the user wants it in a calendar.
    pub detail: Option<String>,
}

/// Kinds of reminders.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ReminderKind {
    /// The electronic certificate ends on this day: alarms 90 and 30 days before.
    CertificateExpiry,
    /// The card ends on this day: alarms 90 and 30 days before.
    CardExpiry,
    /// A check-up is due: alarm 14 days before.
    CheckupDue,
    /// A vaccine is due: alarms 14 days and 1 day before.
    VaccineDue,
    /// Medicine every day from this day on, with an alarm at each hour.
    Medication {
        /// Days of the supply, 1 to 366; more are cut to that.
        days: u16,
        /// Hours of the day, 0 to 23: see [`dosage_hours`].
        hours: Vec<u8>,
    },
    /// Receipts of a tax year are kept until this day: alarm on the day.
    ReceiptsKeptUntil,
}

impl ReminderKind {
    const fn name(&self) -> &'static str {
        match self {
            Self::CertificateExpiry => "certificate-expiry",
            Self::CardExpiry => "card-expiry",
            Self::CheckupDue => "checkup-due",
            Self::VaccineDue => "vaccine-due",
            Self::Medication { .. } => "medication",
            Self::ReceiptsKeptUntil => "receipts-kept-until",
        }
    }

    const fn summary(&self) -> &'static str {
        match self {
            Self::CertificateExpiry => "マイナンバーカードの電子証明書の有効期限",
            Self::CardExpiry => "マイナンバーカードの有効期限",
            Self::CheckupDue => "健康診断の時期",
            Self::VaccineDue => "予防接種の時期",
            Self::Medication { .. } => "お薬の時間",
            Self::ReceiptsKeptUntil => "医療費の領収書の保存期限",
        }
    }

    /// Days before the event; at nine in the morning.
    const fn alarms(&self) -> &'static [u16] {
        match self {
            Self::CertificateExpiry | Self::CardExpiry => &[90, 30],
            Self::CheckupDue => &[14],
            Self::VaccineDue => &[14, 1],
            Self::Medication { .. } => &[],
            Self::ReceiptsKeptUntil => &[0],
        }
    }
}

/// The hours that the directions of a prescription name: 朝 8, 昼 12, 夕 19, 寝る前 22, else 9. `None` for medicine taken
/// as needed (頓服), of which nobody is reminded. Only words for times of day are read; the directions stay what counts.
pub fn dosage_hours(directions: &str) -> Option<Vec<u8>> {
    if ["頓", "必要時", "痛い時", "痛むとき", "発熱時", "疼痛時", "不眠時"].iter().any(|word| directions.contains(word))
    {
        return None;
    }
    let named = |words: &[&str]| words.iter().any(|word| directions.contains(word));
    let hours = [
        (8, named(&["朝", "起床"])),
        (12, named(&["昼"])),
        (19, named(&["夕"])),
        (22, named(&["寝る前", "就寝前", "眠前", "就寝時"])),
    ];
    let hours: Vec<u8> = hours.into_iter().filter(|(_, is_named)| *is_named).map(|(hour, _)| hour).collect();
    Some(if hours.is_empty() { vec![9] } else { hours })
}

/// Writes a calendar and returns the number of its events. `stamped_at` becomes the DTSTAMP of each.
///
/// # Errors
/// [`ExportError::Write`].
pub fn write_calendar(
    reminders: impl IntoIterator<Item = impl Borrow<Reminder>>,
    stamped_at: UnixMillis,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    let stamp = utc(stamped_at);
    for text in ["BEGIN:VCALENDAR", "VERSION:2.0", &format!("PRODID:{PRODUCT}"), "CALSCALE:GREGORIAN"] {
        line(&mut out, text)?;
    }
    let mut count = 0_u64;
    for reminder in reminders {
        event(&mut out, reminder.borrow(), &stamp)?;
        count = count.saturating_add(1);
    }
    line(&mut out, "END:VCALENDAR")?;
    out.flush()?;
    Ok(count)
}

fn event(out: &mut dyn Write, reminder: &Reminder, stamp: &str) -> Result<(), ExportError> {
    let kind = &reminder.kind;
    // The name of the kind has no line feed, so that it does not run into the id.
    let id = stable_id(&format!("{}\n{}", kind.name(), reminder.source_id), 0);
    let summary = format!("{}：{}", reminder.person, kind.summary());
    line(out, "BEGIN:VEVENT")?;
    line(out, &format!("UID:{id}@kazasu"))?;
    line(out, &format!("DTSTAMP:{stamp}"))?;
    line(out, &format!("DTSTART;VALUE=DATE:{}", basic(reminder.date)))?;
    if let ReminderKind::Medication { days, .. } = kind {
        line(out, &format!("RRULE:FREQ=DAILY;COUNT={}", days.clamp(&1, &366)))?;
    }
    line(out, &format!("SUMMARY:{}", escaped(&summary)))?;
    if let Some(detail) = &reminder.detail {
        line(out, &format!("DESCRIPTION:{}", escaped(detail)))?;
    }
    line(out, "TRANSP:TRANSPARENT")?;
    line(out, "CLASS:PRIVATE")?;
    for days in kind.alarms() {
        // From the beginning of the day: nine hours into it, or 24 less nine before it begins.
        let trigger = match days {
            0 => "PT9H".to_owned(),
            1 => "-PT15H".to_owned(),
            days => format!("-P{}DT15H", days.saturating_sub(1)),
        };
        alarm(out, &trigger, &summary)?;
    }
    if let ReminderKind::Medication { hours, .. } = kind {
        for hour in hours.iter().filter(|hour| **hour < 24) {
            alarm(out, &format!("PT{hour}H"), &summary)?;
        }
    }
    line(out, "END:VEVENT")
}

fn alarm(out: &mut dyn Write, trigger: &str, summary: &str) -> Result<(), ExportError> {
    line(out, "BEGIN:VALARM")?;
    line(out, "ACTION:DISPLAY")?;
    line(out, &format!("DESCRIPTION:{}", escaped(summary)))?;
    line(out, &format!("TRIGGER:{trigger}"))?;
    line(out, "END:VALARM")
}

/// A content line, folded where it is longer than 75 octets, never within a character (RFC 5545, 3.1).
fn line(out: &mut dyn Write, text: &str) -> Result<(), ExportError> {
    let mut length = 0_usize;
    let mut piece = String::new();
    for c in text.chars() {
        if length.saturating_add(c.len_utf8()) > MAX_LINE {
            piece.push_str("\r\n ");
            length = 1;
        }
        piece.push(c);
        length = length.saturating_add(c.len_utf8());
    }
    piece.push_str("\r\n");
    Ok(out.write_all(piece.as_bytes())?)
}

/// TEXT (RFC 5545, 3.3.11), on one line: calendars show its line breaks as such, and what follows as theirs.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in shown(text).chars() {
        match c {
            '\\' | ';' | ',' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

/// `yyyymmdd`.
fn basic(date: CalendarDate) -> String {
    let mut text = String::new();
    push_date(&mut text, CalendarDate { day: 1, month: 1, ..date }, '-');
    text.truncate(4);
    push_two(&mut text, date.month);
    push_two(&mut text, date.day);
    text
}

/// `yyyymmddThhmmssZ`.
fn utc(at: UnixMillis) -> String {
    // Nine hours earlier, Japan's clocks show what those of UTC show now.
    let clock = at.plus_ms(-9 * 3_600_000).to_rfc3339();
    let clock = clock.split('+').next().unwrap_or_default();
    format!("{}Z", clock.replace(['-', ':'], ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(reminder: Reminder) -> String {
        let mut out = Vec::new();
        write_calendar([reminder], UnixMillis::from_seconds(1_795_137_303), &mut out).expect("written");
        String::from_utf8(out).expect("UTF-8")
    }

    fn reminder(kind: ReminderKind, detail: &str) -> Reminder {
        let date = CalendarDate { year: 2027, month: 3, day: 5 };
        Reminder { source_id: "m1".into(), kind, person: "花子".into(), date, detail: Some(detail.to_owned()) }
    }

    #[test]
    fn lines_are_folded_between_characters_and_unfold_to_the_text() {
        let detail = "長い説明、".repeat(40) + "a;b,c\\d\r\ne\u{7}";
        let text = written(reminder(ReminderKind::VaccineDue, &detail));
        assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
        assert!(text.ends_with("END:VCALENDAR\r\n") && !text.replace("\r\n", "").contains(['\r', '\n']));
        let unfolded = text.replace("\r\n ", "");
        assert!(unfolded.contains(&("DESCRIPTION:".to_owned() + &"長い説明、".repeat(40) + "a\\;b\\,c\\\\d e\r\n")));
        assert!(
            unfolded.contains("DTSTART;VALUE=DATE:20270305\r\n") && unfolded.contains("DTSTAMP:20261120T011503Z\r\n")
        );
        assert!(unfolded.contains("TRIGGER:-P13DT15H\r\n") && unfolded.contains("TRIGGER:-PT15H\r\n"));
    }

    #[test]
    fn medicine_is_a_daily_event_with_an_alarm_for_each_hour() {
        let hours = dosage_hours("内服 １日３回 朝昼夕食後 14日分").expect("hours");
        assert_eq!(hours, [8, 12, 19]);
        let text = written(reminder(ReminderKind::Medication { days: 14, hours }, "内服"));
        assert!(text.contains("RRULE:FREQ=DAILY;COUNT=14\r\n") && text.matches("BEGIN:VALARM").count() == 3);
        assert_eq!(dosage_hours("１日１回 寝る前"), Some(vec![22]));
        assert_eq!(dosage_hours("１日１回"), Some(vec![9]));
        assert_eq!(dosage_hours("頓服 痛い時"), None);
    }

    #[test]
    fn an_event_keeps_its_id_and_kinds_do_not_share_one() {
        let uid = |kind| {
            let text = written(reminder(kind, ""));
            text.lines().find(|line| line.starts_with("UID:")).expect("UID").to_owned()
        };
        assert_eq!(uid(ReminderKind::CardExpiry), uid(ReminderKind::CardExpiry));
        assert_ne!(uid(ReminderKind::CardExpiry), uid(ReminderKind::CertificateExpiry));
    }
}
