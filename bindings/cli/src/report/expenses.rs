//! Expenses: each year beside the one before, by month, and by person and kind.

use std::collections::BTreeMap;

use super::bars;
use super::html::{Table, escape};
use super::input::{Month, ReportInput, Year};
use super::words::{KINDS, Tongue, grouped};

pub(super) fn section(input: &ReportInput, tongue: Tongue) -> String {
    let mut years: Vec<&Year> = input.years.iter().collect();
    years.sort_by_key(|year| std::cmp::Reverse(year.year));
    if years.is_empty() {
        let text = tongue.say("医療費のデータはまだ届いていません。", "No expenses have been received yet.");
        return format!("<p class=\"empty\">{text}</p>\n");
    }
    years
        .iter()
        .map(|year| one(year, years.iter().find(|y| Some(y.year) == year.year.checked_sub(1)), input, tongue))
        .collect()
}

fn one(year: &Year, before: Option<&&Year>, input: &ReportInput, tongue: Tongue) -> String {
    let name = tongue.year(year.year);
    let total: i128 = year.months.iter().filter_map(|month| month.yen()).map(i128::from).sum();
    let mut html = format!("<article class=\"card\"><h3>{name}</h3>\n<p class=\"figure\">{}</p>\n", tongue.yen(total));
    if let Some(before) = before {
        html += &format!("<p>{}</p>\n", compared(year, before, tongue));
    }
    let missing: Vec<String> = listed(year, tongue, |month| month == Month::Missing);
    if !missing.is_empty() {
        let text = tongue.say("未着の月（合計に入っていません）:", "Months not yet received (not in the total):");
        html += &format!("<p class=\"note\">{text} {}</p>\n", missing.join(tongue.say("・", ", ")));
    }
    if !listed(year, tongue, |month| matches!(month, Month::Partial(_))).is_empty() {
        let text = tongue.say("※ 一部の方の通知が未着の月です。", "* Not everybody's notice has come for this month.");
        html += &format!("<p class=\"note\">{text}</p>\n");
    }
    let chart = bars::chart(&format!("y{}", year.year), year.year, &year.months, before.map(|y| &y.months), tongue);
    html += &format!("<div class=\"pair\"><figure>{chart}{}</figure>\n", legend(year, before, tongue));
    html += &months(year, before, total, tongue);
    html += &kinds(year, before, input, tongue);
    html + "</div>\n</article>\n"
}

fn listed(year: &Year, tongue: Tongue, which: impl Fn(Month) -> bool) -> Vec<String> {
    let months = year.months.iter().enumerate().filter(|(_, month)| which(**month));
    months.map(|(index, _)| tongue.month(index + 1)).collect()
}

/// Only months that are complete in both years say anything about the difference.
fn compared(year: &Year, before: &Year, tongue: Tongue) -> String {
    let both: Vec<i128> = differences(year, before).into_iter().flatten().collect();
    if both.is_empty() {
        return tongue.say("前年と比べられる月はまだありません。", "No month can be compared yet.").to_owned();
    }
    let (difference, months) = (tongue.difference(both.iter().sum()), both.len());
    if tongue.japanese {
        format!("前年の同じ月との差 <strong>{difference}円</strong>（両年とも届いている{months}か月）")
    } else {
        let noun = if months == 1 { "month" } else { "months" };
        format!(
            "Difference to the year before: <strong>{difference} yen</strong> ({months} {noun} complete in both years)"
        )
    }
}

fn differences(year: &Year, before: &Year) -> Vec<Option<i128>> {
    let difference = |(now, then): (&Month, &Month)| match (now, then) {
        (Month::Whole(now), Month::Whole(then)) => Some(i128::from(*now) - i128::from(*then)),
        _ => None,
    };
    year.months.iter().zip(&before.months).map(difference).collect()
}

fn legend(year: &Year, before: Option<&&Year>, tongue: Tongue) -> String {
    let item = |class: &str, text: &str| format!("<li><span class=\"key {class}\"></span>{text}</li>");
    let mut html = format!("<ul class=\"legend\">{}", item("now", &tongue.year(year.year)));
    if let Some(before) = before {
        html += &item("before", &tongue.year(before.year));
    }
    let months = || year.months.iter().chain(before.into_iter().flat_map(|year| &year.months));
    if months().any(|month| matches!(month, Month::Partial(_))) {
        html += &item("partial", tongue.say("一部未着", "partly received"));
    }
    if months().any(|month| *month == Month::Missing) {
        html += &item("ghost", tongue.say("未着", "not yet received"));
    }
    html + "</ul>"
}

fn months(year: &Year, before: Option<&&Year>, total: i128, tongue: Tongue) -> String {
    let names = [Some(year), before.copied()].map(|year| year.map(|year| tongue.year(year.year)).unwrap_or_default());
    let mut headings = vec![tongue.say("月", "Month"), &names[0]];
    if before.is_some() {
        headings.extend([names[1].as_str(), tongue.say("差", "Change")]);
    }
    let mut table = Table::new(tongue.say("月別（円）", "By month (yen)"), &headings);
    let differences = before.map(|before| differences(year, before)).unwrap_or_default();
    for (index, month) in year.months.iter().enumerate() {
        let mut cells = vec![bars::cell(*month, tongue)];
        if let Some(before) = before {
            cells.push(bars::cell(before.months[index], tongue));
            cells.push(differences[index].map_or_else(|| "–".to_owned(), |yen| tongue.difference(yen)));
        }
        table.row(if *month == Month::Missing { "missing" } else { "" }, &tongue.month(index + 1), &cells);
    }
    let mut cells = vec![grouped(total)];
    let both: Vec<i128> = differences.into_iter().flatten().collect();
    if let Some(before) = before {
        let known = before.months.iter().filter_map(|month| month.yen());
        cells.push(grouped(known.map(i128::from).sum()));
        cells.push(if both.len() == 12 { tongue.difference(both.iter().sum()) } else { "–".to_owned() });
    }
    table.row("total", tongue.say("合計", "Total"), &cells);
    if let Some(before) = before.filter(|_| (1..12).contains(&both.len())) {
        // Sums of months that are complete in both years, so that the difference adds up.
        let pairs = year.months.iter().zip(&before.months).filter_map(|pair| match pair {
            (Month::Whole(now), Month::Whole(then)) => Some((i128::from(*now), i128::from(*then))),
            _ => None,
        });
        let (now, then) = pairs.fold((0, 0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
        let cells = [grouped(now), grouped(then), tongue.difference(now - then)];
        table.row("total", tongue.say("同じ月の計", "Same months"), &cells);
    }
    table.end()
}

/// Sums by person, then kind in the order of the notice.
fn sums(year: &Year) -> BTreeMap<(usize, usize), (i128, u64)> {
    let mut sums = BTreeMap::new();
    for row in &year.rows {
        let kind = KINDS.iter().position(|(_, kind, ..)| *kind == row.kind).unwrap_or(KINDS.len() - 1);
        let sum: &mut (i128, u64) = sums.entry((row.person, kind)).or_default();
        *sum = (sum.0 + i128::from(row.sum_yen), sum.1 + u64::from(row.count));
    }
    sums
}

fn kinds(year: &Year, before: Option<&&Year>, input: &ReportInput, tongue: Tongue) -> String {
    // Sums of years that lack months cannot be compared.
    let is_complete = |year: &Year| year.months.iter().all(|month| matches!(month, Month::Whole(_)));
    let before = before.filter(|before| is_complete(year) && is_complete(before)).map(|before| sums(before));
    let mut sums = sums(year);
    for key in before.iter().flatten() {
        sums.entry(*key.0).or_default();
    }
    if sums.is_empty() {
        return String::new();
    }
    let mut headings = vec![tongue.say("種類", "Kind"), tongue.say("件数", "Count"), tongue.say("合計", "Sum")];
    if before.is_some() {
        headings.push(tongue.say("前年との差", "Change"));
    }
    let columns = headings.len();
    let mut table = Table::new(tongue.say("人・種類別（円）", "By person and kind (yen)"), &headings);
    let mut person = None;
    for ((who, kind), (sum, count)) in &sums {
        if person != Some(*who) {
            person = Some(*who);
            let total: i128 = sums.iter().filter(|((one, _), _)| one == who).map(|(_, (sum, _))| sum).sum();
            table.group(&format!("{}  {}", input.name_of(*who), tongue.yen(total)), columns);
        }
        let mut cells = vec![grouped((*count).into()), grouped(*sum)];
        if let Some(before) = &before {
            let then = before.get(&(*who, *kind)).map_or(0, |(sum, _)| *sum);
            cells.push(tongue.difference(sum - then));
        }
        table.row("", tongue.kind(KINDS[*kind].1), &cells);
    }
    table.end()
}

/// The estimates of the deduction.
pub(super) fn deductions(input: &ReportInput, tongue: Tongue) -> String {
    let mut html = String::new();
    for one in &input.deductions {
        let year = tongue.year(one.year);
        let caption =
            format!("{} {year}", tongue.say("医療費控除（試算）", "Medical expense deduction (estimate 試算)"));
        let mut table = Table::new(&caption, &[tongue.say("項目", "Item"), tongue.say("金額", "Amount")]);
        let mut row = |class: &str, ja: &str, en: &str, yen: i64| {
            table.row(class, if tongue.japanese { ja } else { en }, &[tongue.yen(yen.into())]);
        };
        row("", "支払った医療費", "Paid", one.paid_yen);
        row("", "補填される金額", "Reimbursed", one.reimbursed_yen);
        row(
            "",
            "差し引く額（10万円または所得の5％）",
            "Taken off (100,000 yen, or 5 % of the income)",
            one.threshold_yen,
        );
        row("total", "控除額（試算）", "Deduction (estimate)", one.deduction_yen);
        html += &format!("<article class=\"card\">{}</article>\n", table.end());
    }
    if html.is_empty() {
        return html;
    }
    let note = tongue.say(
        "試算です。実際の控除額は申告の内容で決まります。この印刷物は医療費通知の代わりにはなりません。",
        "An estimate: the tax return decides. A print-out of this page does not replace the notice of medical expenses (医療費通知).",
    );
    format!("{html}<p class=\"note\">{}</p>\n", escape(note))
}
