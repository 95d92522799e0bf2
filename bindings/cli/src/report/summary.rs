//! Eligibility, check-ups and medicines that may be the same.

use super::html::{Table, escape};
use super::input::{Checkup, Duplicates, Medicine, Point, ReportInput};
use super::lines;
use super::words::Tongue;

/// Eligibility, as it was when it was asked for.
pub(super) fn coverages(input: &ReportInput, tongue: Tongue) -> String {
    let mut html = String::from("<div class=\"cards\">\n");
    for one in &input.coverages {
        let (class, state) = match one.in_force {
            Some(true) => ("good", tongue.say("有効", "In force")),
            Some(false) => ("bad", tongue.say("無効", "Not in force")),
            None => ("", tongue.say("不明", "Not known")),
        };
        let mut facts = String::new();
        let mut fact = |ja: &str, en: &str, text: Option<String>| {
            if let Some(text) = text {
                let name = if tongue.japanese { ja } else { en };
                facts += &format!("<div><dt>{name}</dt><dd>{}</dd></div>\n", escape(&text));
            }
        };
        let copay = one.copay_percent.map(|percent| match (tongue.japanese, percent % 10) {
            (true, 0) => format!("{}割（{percent}％）", percent / 10),
            (true, _) => format!("{percent}％"),
            (false, _) => format!("{percent} %"),
        });
        fact("保険者", "Insurer", one.insurer.clone());
        fact("窓口での負担", "Copay", copay);
        fact("限度額", "Limit", one.limit.clone());
        fact("確認した日時", "As of", Some(tongue.time(one.as_of)));
        let name = escape(&input.name_of(one.person));
        html += &format!(
            "<article class=\"card\"><h3>{name}</h3><p class=\"state {class}\">{state}</p><dl>{facts}</dl></article>\n"
        );
    }
    if input.coverages.is_empty() {
        let text = tongue.say("資格はまだ確認されていません。", "Eligibility has not been asked for yet.");
        return format!("<p class=\"empty\">{text}</p>\n");
    }
    html + "</div>\n"
}

/// Check-up items by person.
pub(super) fn checkups(input: &ReportInput, tongue: Tongue) -> String {
    if input.checkups.iter().all(|checkup| checkup.points.is_empty()) {
        let text = tongue.say("健診のデータはまだ届いていません。", "No check-ups have been received yet.");
        return format!("<p class=\"empty\">{text}</p>\n");
    }
    let mut people: Vec<usize> = input.checkups.iter().map(|checkup| checkup.person).collect();
    people.sort_unstable();
    people.dedup();
    let mut html = String::new();
    for person in people {
        html += &format!("<h3>{}</h3>\n<div class=\"cards charts\">\n", escape(&input.name_of(person)));
        let of_person =
            input.checkups.iter().enumerate().filter(|(_, one)| one.person == person && !one.points.is_empty());
        html += &of_person.map(|(index, one)| checkup(index, one, input, tongue)).collect::<String>();
        html += "</div>\n";
    }
    let note = tongue.say(
        "線は特定健診の表にある値です。この図は診断ではありません。気になるときは医師にご相談ください。",
        "The lines are values of the national check-up table. This is no diagnosis: please ask a doctor about any concern.",
    );
    format!("{html}<p class=\"note\">{note}</p>\n")
}

fn checkup(index: usize, checkup: &Checkup, input: &ReportInput, tongue: Tongue) -> String {
    let mut points: Vec<Point> = checkup.points.clone();
    points.sort_by_key(|point| point.date);
    let who = input.name_of(checkup.person);
    let mut html = format!("<article class=\"card\"><h4>{}</h4>\n", escape(&checkup.item));
    if let Some(chart) = lines::chart(&format!("k{index}"), checkup, &points, &who, tongue) {
        html += &format!("<figure>{chart}</figure>\n");
    }
    if !checkup.lines.is_empty() {
        html += "<ul class=\"legend\">";
        for (index, line) in checkup.lines.iter().enumerate() {
            let words = escape(&lines::reference(line, &checkup.unit, tongue));
            html += &format!("<li><span class=\"key ref-{}\"></span>{words}</li>", index.min(1));
        }
        html += "</ul>\n";
    }
    let value = match checkup.unit.as_str() {
        "" => tongue.say("値", "Value").to_owned(),
        unit => format!("{} ({unit})", tongue.say("値", "Value")),
    };
    let mut table = Table::new(tongue.say("測定値", "Values"), &[tongue.say("健診日", "Day"), &value]);
    for point in points.iter().rev() {
        table.row("", &tongue.date(point.date), &[lines::value(point)]);
    }
    html + &table.end() + "</article>\n"
}

/// Pairs of medicines, and what was looked at for them.
pub(super) fn duplicates(duplicates: &Duplicates, input: &ReportInput, tongue: Tongue) -> String {
    let mut html = String::new();
    if duplicates.pairs.is_empty() {
        html += &format!(
            "<p>{}</p>\n",
            tongue.say(
                "届いたデータの中に該当する組はありませんでした。届いていない薬は調べていません。",
                "No such pair is among the data received. Medicines that are not in the data were not looked at.",
            )
        );
    } else {
        // In Japanese on every page: those who are shown it can read it.
        let warning = "重複の可能性があります。医師・薬剤師に見せてください";
        let english = "Possibly the same medicine twice: please show this to a doctor or pharmacist.<br/>";
        html += &format!("<p class=\"warning\">{}{warning}</p>\n", tongue.say("", english));
    }
    html += "<div class=\"cards\">\n";
    for pair in &duplicates.pairs {
        let overlap = if tongue.japanese {
            format!("{}日間重なります", pair.days)
        } else {
            format!("{} {} both", pair.days, if pair.days == 1 { "day" } else { "days" })
        };
        let estimated = if pair.is_estimated { tongue.say("（推定）", " (estimated)") } else { "" };
        html += &format!(
            "<article class=\"card\"><h3>{}</h3><ul class=\"medicines\">{}{}</ul><p>{} · {overlap}{estimated}</p></article>\n",
            escape(&input.name_of(pair.person)),
            medicine(&pair.first, tongue),
            medicine(&pair.second, tongue),
            escape(&pair.likeness),
        );
    }
    html += "</div>\n";
    let headings = [tongue.say("情報", "Source"), tongue.say("データ時点", "Data as of (データ時点)")];
    let mut table = Table::new(tongue.say("調べたデータ", "What was looked at"), &headings);
    for source in &duplicates.sources {
        let until =
            source.until.map_or_else(|| tongue.say("未着", "not yet received").to_owned(), |day| tongue.date(day));
        table.row(if source.until.is_none() { "missing" } else { "" }, &source.name, &[until]);
    }
    if duplicates.sources.is_empty() { html } else { html + "<div class=\"card\">" + &table.end() + "</div>\n" }
}

fn medicine(one: &Medicine, tongue: Tongue) -> String {
    let days = match (one.days, tongue.japanese) {
        (Some(days), true) => format!("{days}日分"),
        (Some(days), false) => format!("{days} days"),
        (None, japanese) => (if japanese { "期間不明" } else { "period not known" }).to_owned(),
    };
    let start = tongue.date(one.start);
    let from = if tongue.japanese { format!("{start}から {days}") } else { format!("from {start}, {days}") };
    format!("<li><strong>{}</strong><br/><span class=\"when\">{from}</span></li>", escape(&one.name))
}
