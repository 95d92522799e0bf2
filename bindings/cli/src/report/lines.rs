//! One check-up item over the years, with the reference lines of the national table.

use super::axis::Axis;
use super::html::{line_at, short, svg, text_at};
use super::input::{Checkup, Comparator, Direction, Line, Point};
use super::words::Tongue;

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 276.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 172.0;
/// Room a character of a label takes, and a label's height.
const LETTER: f64 = 6.8;
const LABEL: f64 = 13.0;

/// The chart, or `None` where no value is a number. `points` are in the order of their days.
pub(super) fn chart(id: &str, checkup: &Checkup, points: &[Point], who: &str, tongue: Tongue) -> Option<String> {
    let numbers: Vec<(&Point, f64)> = points.iter().filter_map(|point| Some((point, number(&point.value)?))).collect();
    let (first, last) = (numbers.first()?.0.date, numbers.last()?.0.date);
    let lines: Vec<&Line> = checkup.lines.iter().filter(|line| is_number(line.value)).collect();
    let values = numbers.iter().map(|(_, value)| *value).chain(lines.iter().map(|line| line.value));
    let axis = Axis::around(values, BOTTOM, TOP);
    let mut body = text_at("unit", 4.0, TOP - 12.0, &short(&checkup.unit, 24));
    for tick in axis.ticks() {
        let y = axis.place(tick);
        body += &line_at("grid", (LEFT, y), (RIGHT, y));
        body += &text_at("tick-y", LEFT - 6.0, y + 4.0, &axis.number(tick));
    }
    body += &references(&lines, &axis);
    let days = last.days_since(first).max(1) as f64;
    let middle = (LEFT + RIGHT) / 2.0;
    let place = |point: &Point| match last == first {
        true => middle,
        false => LEFT + 16.0 + (RIGHT - LEFT - 32.0) * point.date.days_since(first) as f64 / days,
    };
    let dots: Vec<Dot<'_>> = numbers.iter().map(|(point, value)| (*point, place(point), axis.place(*value))).collect();
    body += &days_below(&dots);
    if dots.len() > 1 {
        let path: Vec<String> = dots.iter().map(|(_, x, y)| format!("{x:.1},{y:.1}")).collect();
        body += &format!("<polyline class=\"curve\" points=\"{}\"/>\n", path.join(" "));
    }
    body += &dots.iter().map(|(point, x, y)| dot(point, *x, *y)).collect::<String>();
    body += &labels(&dots);
    let title = format!("{} {who}", checkup.item);
    let said: Vec<String> = points
        .iter()
        .map(|point| format!("{} {}{}", tongue.date(point.date), value(point), unit_after(&checkup.unit)))
        .chain(lines.iter().map(|line| reference(line, &checkup.unit, tongue)))
        .collect();
    Some(svg(id, (WIDTH, HEIGHT), &title, &said.join(tongue.say("、", "; ")), &body))
}

type Dot<'a> = (&'a Point, f64, f64);

/// A value as it was measured, its comparator before it.
pub(super) fn value(point: &Point) -> String {
    let mark = match point.comparator {
        None => "",
        Some(Comparator::Less) => "< ",
        Some(Comparator::More) => "> ",
    };
    format!("{mark}{}", point.value)
}

/// A reference line in the words of the table.
pub(super) fn reference(line: &Line, unit: &str, tongue: Tongue) -> String {
    let number = plain(line.value);
    let unit = unit_after(unit);
    match (tongue.japanese, line.direction) {
        (true, Direction::AtLeast) => format!("{}: {number}{unit} 以上", line.words),
        (true, Direction::AtMost) => format!("{}: {number}{unit} 以下", line.words),
        (true, Direction::Below) => format!("{}: {number}{unit} 未満", line.words),
        (false, Direction::AtLeast) => format!("{}: {number}{unit} or more", line.words),
        (false, Direction::AtMost) => format!("{}: {number}{unit} or less", line.words),
        (false, Direction::Below) => format!("{}: below {number}{unit}", line.words),
    }
}

fn unit_after(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!(" {unit}") }
}

fn references(lines: &[&Line], axis: &Axis) -> String {
    let mut body = String::new();
    let mut labels: Vec<(f64, usize, String)> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let (style, y) = (index.min(1), axis.place(line.value));
        body += &line_at(&format!("ref ref-{style}"), (LEFT, y), (RIGHT, y));
        labels.push((y, style, short(&plain(line.value), 6)));
    }
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Numbers of lines that lie close together are moved apart.
    let mut least = f64::NEG_INFINITY;
    for (y, style, text) in labels {
        let y = y.max(least);
        least = y + LABEL;
        body += &text_at(&format!("ref-value ref-text-{style}"), RIGHT + 4.0, y + 4.0, &text);
    }
    body
}

/// A round dot; one that points down or up where the true value lies beyond.
fn dot(point: &Point, x: f64, y: f64) -> String {
    match point.comparator {
        None => format!("<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>\n"),
        Some(comparator) => {
            let tip = if comparator == Comparator::Less { 6.0 } else { -6.0 };
            let (left, right, back, front) = (x - 5.5, x + 5.5, y - tip * 0.7, y + tip);
            format!(
                "<polygon class=\"dot beyond\" points=\"{left:.1},{back:.1} {right:.1},{back:.1} {x:.1},{front:.1}\"/>\n"
            )
        }
    }
}

/// The values, above or below their dots, where they cover nothing; the table has them all.
fn labels(dots: &[Dot<'_>]) -> String {
    let mut taken: Vec<[f64; 4]> = dots.iter().map(|(_, x, y)| [x - 4.0, y - 4.0, x + 4.0, y + 4.0]).collect();
    let mut body = String::new();
    for (index, (point, x, y)) in dots.iter().enumerate().rev() {
        let text = short(&value(point), 9);
        let half = text.chars().count() as f64 * LETTER / 2.0;
        let x = x.clamp(LEFT + half, (RIGHT - half).max(LEFT + half));
        // Below where the curve comes down to it and rises again, else above.
        let beside = [index.checked_sub(1), index.checked_add(1)].map(|at| at.and_then(|at| dots.get(at)));
        let is_valley = dots.len() > 1 && beside.iter().flatten().all(|(_, _, other)| other < y);
        let (above, below) = (y - 9.0, y + 18.0);
        for baseline in if is_valley { [below, above] } else { [above, below] } {
            let label = [x - half - 1.0, baseline - LABEL + 3.0, x + half + 1.0, baseline + 2.0];
            let is_inside = label[1] >= 12.0 && label[3] <= BOTTOM + 4.0;
            if is_inside && !taken.iter().any(|other| overlap(&label, other)) {
                body += &text_at("value", x, baseline, &text);
                taken.push(label);
                break;
            }
        }
    }
    body
}

fn overlap(a: &[f64; 4], b: &[f64; 4]) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

/// The days below the axis, the newest first, as many as there is room for.
fn days_below(dots: &[Dot<'_>]) -> String {
    let are_years = dots.windows(2).all(|pair| pair[0].0.date.year != pair[1].0.date.year);
    let mut body = line_at("base", (LEFT, BOTTOM), (RIGHT, BOTTOM));
    let mut free = f64::INFINITY;
    for (point, x, _) in dots.iter().rev() {
        let date = point.date;
        let text = if are_years { date.year.to_string() } else { format!("{}-{:02}", date.year, date.month) };
        let half = text.chars().count() as f64 * LETTER / 2.0;
        if x + half <= free {
            body += &line_at("base", (*x, BOTTOM), (*x, BOTTOM + 4.0));
            body += &text_at("tick-x", *x, BOTTOM + 18.0, &text);
            free = x - half - 5.0;
        }
    }
    body
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|value| is_number(*value))
}

fn is_number(value: f64) -> bool {
    value.abs() <= 1e15
}

fn plain(value: f64) -> String {
    if is_number(value) { value.to_string() } else { format!("{value:e}") }.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use kazasu::time::CalendarDate;

    use super::*;

    const JA: Tongue = Tongue { japanese: true };

    fn checkup(values: &[(&str, &str, Option<Comparator>)]) -> Checkup {
        let point = |(date, value, comparator): &(&str, &str, Option<Comparator>)| Point {
            date: CalendarDate::parse(date).expect("a day"),
            value: (*value).to_owned(),
            comparator: *comparator,
        };
        let line = |value, direction, words: &str| Line { value, direction, words: words.to_owned() };
        Checkup {
            person: 0,
            item: "LDL".to_owned(),
            unit: "mg/dL".to_owned(),
            points: values.iter().map(point).collect(),
            lines: vec![
                line(120.0, Direction::AtLeast, "保健指導判定値"),
                line(140.0, Direction::AtLeast, "受診勧奨判定値"),
            ],
        }
    }

    fn draw(values: &[(&str, &str, Option<Comparator>)]) -> Option<String> {
        let checkup = checkup(values);
        chart("c", &checkup, &checkup.points, "見本 花子", JA)
    }

    #[test]
    fn one_value_is_a_dot_and_more_are_a_curve() {
        let one = draw(&[("2026-05-01", "118", None)]).expect("a chart");
        assert_eq!((one.matches("<circle").count(), one.matches("<polyline").count()), (1, 0));
        assert!(one.contains(">118</text>") && one.contains(">2026</text>"));
        let two = draw(&[("2025-05-01", "121", None), ("2026-05-01", "118", None)]).expect("a chart");
        assert_eq!((two.matches("<circle").count(), two.matches("<polyline").count()), (2, 1));
        assert!(draw(&[]).is_none() && draw(&[("2026-05-01", "該当なし", None)]).is_none());
    }

    #[test]
    fn reference_lines_stand_in_words_and_numbers() {
        let drawn = draw(&[("2026-05-01", "118", None)]).expect("a chart");
        assert!(drawn.contains("保健指導判定値: 120 mg/dL 以上") && drawn.contains("ref-text-1\" x=\"280.0\""));
        let line = Line { value: 60.0, direction: Direction::Below, words: "w".to_owned() };
        assert_eq!(reference(&line, "", JA), "w: 60 未満");
        assert_eq!(reference(&line, "", Tongue { japanese: false }), "w: below 60");
    }

    #[test]
    fn values_beyond_what_could_be_measured_are_marked() {
        let drawn = draw(&[("2026-05-01", "30", Some(Comparator::Less))]).expect("a chart");
        assert!(drawn.contains("dot beyond") && drawn.contains("&lt; 30"));
    }

    #[test]
    fn strange_numbers_draw_nothing_strange() {
        let days = ["2020-01-01", "2020-01-01", "2021-01-01", "2022-01-01", "2023-01-01"];
        let values = ["NaN", "inf", "-999999999999", "1e14", "0"];
        let points: Vec<_> = days.iter().zip(values).map(|(day, value)| (*day, value, None)).collect();
        let drawn = draw(&points).expect("a chart");
        assert!(!drawn.contains("=\"NaN") && !drawn.contains("=\"inf"), "{drawn}");
        assert_eq!(drawn.matches("<circle").count(), 3);
    }

    #[test]
    fn labels_do_not_cover_one_another() {
        let values: Vec<(String, String)> =
            (0..30).map(|n| (format!("20{:02}-0{}-01", n / 3, n % 3 * 4 + 1), (110 + n % 7).to_string())).collect();
        let points: Vec<_> = values.iter().map(|(day, value)| (day.as_str(), value.as_str(), None)).collect();
        let checkup = checkup(&points);
        let dots: Vec<Dot<'_>> =
            checkup.points.iter().enumerate().map(|(n, point)| (point, 60.0 + n as f64 * 7.0, 90.0)).collect();
        let shown = labels(&dots).matches("<text").count();
        assert!((2..20).contains(&shown), "{shown}");
        assert!(days_below(&dots).matches("<text").count() <= 5);
    }
}
