//! FHIR dates as spans of time, and the prefixes of date criteria (FHIR R4, 3.1.1.5.1 and 3.1.1.4.4).

use crate::time::{Day, UnixSeconds};

/// What a FHIR date covers, both ends included: a month is a date as well as a second is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Span {
    pub(super) start: UnixSeconds,
    end: UnixSeconds,
}

impl Span {
    /// Reads `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or a date with time; without an offset the time is that of Japan.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let Some((date, time)) = text.split_once('T') else { return Self::of_days(text) };
        let day = Day::parse(date)?;
        let (time, offset) = match time.find(['Z', '+', '-', ' ']) {
            Some(at) => (&time[..at], Some(&time[at..])),
            None => (time, None),
        };
        let whole = time.split_once('.').map_or(time, |(whole, _)| whole);
        let mut parts = whole.split(':').map(two_digits);
        let (hour, minute) = (parts.next()??, parts.next()??);
        let second = parts.next();
        let (second, precision) = second.map_or((Some(0), 59), |second| (second, 0));
        if hour > 23 || minute > 59 || parts.next().is_some() {
            return None;
        }
        let local = day.start() + hour * 3600 + minute * 60 + second?;
        // `Day` counts from midnight in Japan.
        let start = local + JST_S - offset.map_or(Some(JST_S), offset_s)?;
        Some(Self { start, end: start + precision })
    }

    fn of_days(text: &str) -> Option<Self> {
        let (first, last) = match text.len() {
            4 => (Day::parse(&format!("{text}-01-01"))?, Day::parse(&format!("{text}-12-31"))?),
            7 => {
                let first = Day::parse(&format!("{text}-01"))?;
                (first, first.month_start(1).plus_days(-1))
            }
            _ => (Day::parse(text)?, Day::parse(text)?),
        };
        Some(Self { start: first.start(), end: last.end() })
    }
}

/// A date criterion such as `ge2025-11-20`.
#[derive(Clone, Copy, Debug)]
pub(super) struct DateCriterion {
    prefix: Prefix,
    span: Span,
}

#[derive(Clone, Copy, Debug)]
enum Prefix {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    StartsAfter,
    EndsBefore,
}

impl DateCriterion {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.find(|character: char| character.is_ascii_digit())?;
        let prefix = match &text[..digits] {
            "" | "eq" => Prefix::Equal,
            "ne" => Prefix::NotEqual,
            "gt" => Prefix::Greater,
            "lt" => Prefix::Less,
            "ge" => Prefix::GreaterOrEqual,
            "le" => Prefix::LessOrEqual,
            "sa" => Prefix::StartsAfter,
            "eb" => Prefix::EndsBefore,
            _ => return None,
        };
        Some(Self { prefix, span: Span::parse(&text[digits..])? })
    }

    /// Whether a resource whose date covers `target` is wanted.
    pub(super) fn wants(&self, target: Span) -> bool {
        let Self { prefix, span } = self;
        let inside = span.start <= target.start && target.end <= span.end;
        match prefix {
            Prefix::Equal => inside,
            Prefix::NotEqual => !inside,
            Prefix::Greater => target.end > span.end,
            Prefix::Less => target.start < span.start,
            Prefix::GreaterOrEqual => target.end >= span.start,
            Prefix::LessOrEqual => target.start <= span.end,
            Prefix::StartsAfter => target.start > span.end,
            Prefix::EndsBefore => target.end < span.start,
        }
    }
}

fn two_digits(text: &str) -> Option<i64> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Seconds east of Greenwich; a plus sign that was not escaped arrives as a space.
fn offset_s(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, clock) = text.split_at_checked(1)?;
    let (hours, minutes) = clock.split_once(':')?;
    let seconds = two_digits(hours)? * 3600 + two_digits(minutes)? * 60;
    Some(if sign == "-" { -seconds } else { seconds })
}

const JST_S: i64 = 9 * 3600;

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(criterion: &str, target: &str) -> bool {
        DateCriterion::parse(criterion).unwrap().wants(Span::parse(target).unwrap())
    }

    #[test]
    fn instants_are_read_with_their_offset() {
        for text in ["2026-11-20T10:15:03+09:00", "2026-11-20T01:15:03Z", "2026-11-20T10:15:03.250 09:00"] {
            assert_eq!(Span::parse(text).unwrap().start, 1_795_137_303, "{text}");
        }
        for text in ["", "2026-13", "2026-11-20T25:00:00Z", "2026-11-20T10Z", "2026-11-20T10:00:00+9", "２０２６"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }

    #[test]
    fn prefixes_compare_spans() {
        let yes = [
            ("ge2026-11-10", "2026-11"),
            ("ge2026-11-10", "2026-11-10T00:00:00+09:00"),
            ("2026-11", "2026-11-30"),
            ("le2026-11-10", "2026-11"),
            ("lt2026-11-10", "2026-11-09"),
            ("gt2026-11-09", "2026-11-10"),
            ("sa2026-10", "2026-11-01"),
            ("eb2026-11", "2026-10-31"),
            ("ne2026-11-10", "2026-11"),
        ];
        for (criterion, target) in yes {
            assert!(wants(criterion, target), "{criterion} {target}");
        }
        let no = [
            ("ge2026-11-10", "2026-11-09"),
            ("2026-11-10", "2026-11"),
            ("gt2026-11-10", "2026-11-10"),
            ("lt2026-11-10", "2026-11-10"),
            ("sa2026-11", "2026-11-30"),
            ("eb2026-11", "2026-11-01"),
        ];
        for (criterion, target) in no {
            assert!(!wants(criterion, target), "{criterion} {target}");
        }
        assert!(DateCriterion::parse("ap2026").is_none() && DateCriterion::parse("ge").is_none());
    }
}
