//! Twelve months of a year beside those of the year before.

use super::axis::Axis;
use super::html::{line_at, svg, text_at};
use super::input::Month;
use super::words::{Tongue, grouped};

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 318.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 204.0;
/// Height of the sign for a month that has not come.
const GHOST: f64 = 38.0;

/// The chart of `months`; `before` are those of the year before, where anything is known of it.
pub(super) fn chart(id: &str, year: u16, months: &[Month; 12], before: Option<&[Month; 12]>, tongue: Tongue) -> String {
    let known = months.iter().chain(before.into_iter().flatten()).filter_map(|month| month.yen());
    let axis = Axis::around(known.map(|yen| yen as f64).chain([0.0]), BOTTOM, TOP);
    let mut body = text_at("unit", 4.0, TOP - 12.0, tongue.say("円", "yen"));
    for tick in axis.ticks() {
        let y = axis.place(tick);
        body += &line_at(if tick == 0.0 { "base" } else { "grid" }, (LEFT, y), (RIGHT, y));
        body += &text_at("tick-y", LEFT - 6.0, y + 4.0, &axis.amount(tick, tongue.japanese));
    }
    let slot = (RIGHT - LEFT) / 12.0;
    for (index, month) in months.iter().enumerate() {
        let left = LEFT + slot * index as f64;
        let (thin, wide) = if before.is_some() { (slot * 0.34, slot * 0.54) } else { (0.0, slot * 0.66) };
        let start = left + (slot - thin - wide) / 2.0;
        if let Some(before) = before {
            body += &bar("before", before[index], start, thin - 1.0, &axis, tongue);
        }
        body += &bar("now", *month, start + thin, wide, &axis, tongue);
        let label =
            if tongue.japanese { (index + 1).to_string() } else { tongue.month(index + 1).chars().take(1).collect() };
        body += &text_at("tick-x", left + slot / 2.0, BOTTOM + 17.0, &label);
    }
    let title =
        if tongue.japanese { format!("{year}年の月別医療費") } else { format!("Expenses by month, {year}") };
    svg(id, (WIDTH, HEIGHT), &title, &description(months, tongue), &body)
}

fn bar(class: &str, month: Month, x: f64, width: f64, axis: &Axis, tongue: Tongue) -> String {
    let Some(yen) = month.yen() else {
        // Not a bar: it says that there is none.
        let base = axis.place(0.0);
        let top = (base - GHOST).max(TOP - 8.0);
        let height = base - top;
        let mut ghost = format!(
            "<rect class=\"ghost\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\"/>\n"
        );
        if class == "now" {
            let middle = x + width / 2.0;
            if tongue.japanese {
                ghost += &text_at("ghost-text", middle, top + 15.0, "未");
                ghost += &text_at("ghost-text", middle, top + 29.0, "着");
            } else {
                let (x, y) = (middle + 3.5, top + GHOST / 2.0);
                ghost += &format!(
                    "<text class=\"ghost-text\" x=\"{x:.1}\" y=\"{y:.1}\" transform=\"rotate(-90 {x:.1} {y:.1})\">not yet</text>\n"
                );
            }
        }
        return ghost;
    };
    let (zero, end) = (axis.place(0.0), axis.place(yen as f64));
    // Nothing paid is seen as a line on the base, unlike a month that has not come.
    let height = (zero - end).abs().max(1.5);
    let y = zero.min(end).min(zero - if yen >= 0 { 1.5 } else { 0.0 });
    let partial = if matches!(month, Month::Partial(_)) { " partial" } else { "" };
    format!(
        "<rect class=\"{class}{partial}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"1\"/>\n"
    )
}

fn description(months: &[Month; 12], tongue: Tongue) -> String {
    let part = |(index, month): (usize, &Month)| {
        let name = tongue.month(index + 1);
        let amount = match month.yen() {
            None => tongue.say("未着", "not yet received").to_owned(),
            Some(yen) => tongue.yen(yen.into()),
        };
        let mark = if matches!(month, Month::Partial(_)) { tongue.say("（一部未着）", " (partly)") } else { "" };
        format!("{name} {amount}{mark}")
    };
    months.iter().enumerate().map(part).collect::<Vec<_>>().join(tongue.say("、", ", "))
}

/// A month in a table.
pub(super) fn cell(month: Month, tongue: Tongue) -> String {
    match month {
        Month::Missing => tongue.say("未着", "not yet").to_owned(),
        Month::Partial(yen) => format!("{}{}", grouped(yen.into()), tongue.say(" ※", " *")),
        Month::Whole(yen) => grouped(yen.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JA: Tongue = Tongue { japanese: true };

    #[test]
    fn a_month_that_has_not_come_is_no_bar_of_nothing() {
        let mut months = [Month::Whole(1_000); 12];
        months[3] = Month::Missing;
        months[4] = Month::Whole(0);
        let chart = chart("c", 2026, &months, None, JA);
        assert_eq!(chart.matches("class=\"now\"").count(), 11);
        assert_eq!(chart.matches("class=\"ghost\"").count(), 1);
        assert!(chart.contains("4月 未着、5月 0円"));
        assert_eq!([cell(months[3], JA), cell(months[4], JA)], ["未着", "0"]);
        assert_eq!(cell(Month::Partial(2_500), JA), "2,500 ※");
    }

    #[test]
    fn refunds_reach_below_the_base_and_huge_amounts_stay_inside() {
        for extreme in [-30_000, i64::MIN, i64::MAX, 0] {
            let mut months = [Month::Whole(20_000); 12];
            months[0] = Month::Whole(extreme);
            let chart = chart("c", 2026, &months, Some(&[Month::Missing; 12]), JA);
            assert!(!chart.contains("NaN") && !chart.contains("inf"), "{chart}");
            for (at, _) in chart.match_indices("height=\"") {
                let number = chart[at + 8..].split('"').next().expect("a number");
                assert!(number.parse::<f64>().is_ok_and(|height| (0.0..=HEIGHT).contains(&height)), "{number}");
            }
        }
    }
}
