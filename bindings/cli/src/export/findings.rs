//! What the user should look at after an export or an import.

use kazasu::export::{ExportKind, TaxFinding};
use serde_json::{Value, json};

use crate::output::Output;

/// Most findings shown to people, the rest counted.
const MOST: usize = 10;

/// A finding of the tax form for machines. Rows are those of the form, from 9.
pub(super) fn of_tax_form(finding: &TaxFinding) -> Value {
    match finding {
        TaxFinding::LeftOut { reason, .. } => json!({"finding": "left_out", "reason": reason.name()}),
        TaxFinding::Clipped { .. } => json!({"finding": "clipped"}),
        TaxFinding::Grouped { rows } => json!({"finding": "grouped", "rows": rows}),
        TaxFinding::Mend { row, problem } => json!({"finding": problem.name(), "row": row + 9}),
        TaxFinding::TooManyRows { rows } => json!({"finding": "too_many_rows", "rows": rows}),
    }
}

/// What goes without saying to nobody.
pub(super) fn print_notes(kind: ExportKind, output: Output) {
    if kind == ExportKind::MoneyForward {
        output.line(output.say(
            "マネーフォワード ME 自体に CSV の取り込みはありません。他の取り込みツールや表計算で使えます。",
            "MoneyForward ME itself takes no CSV; other import tools and spreadsheets read it.",
        ));
    }
    let has_amounts = !matches!(kind, ExportKind::History | ExportKind::Bundle | ExportKind::Calendar);
    if has_amounts {
        output.line(output.say(
            "医療費通知の金額は窓口相当負担額です。領収書と違うことがあります。",
            "Amounts of the notice may differ from receipts.",
        ));
    }
}

/// The findings on standard error, each kind with how often it was found.
pub(crate) fn show(findings: &[Value], output: Output) {
    let mut told: Vec<(String, usize)> = Vec::new();
    for finding in findings {
        let text = words(finding, output);
        match told.iter_mut().find(|(one, _)| *one == text) {
            Some((_, times)) => *times += 1,
            None => told.push((text, 1)),
        }
    }
    for (text, times) in told.iter().take(MOST) {
        let times = if *times > 1 { format!(" ×{times}") } else { String::new() };
        output.note(format!("{} {text}{times}", output.say("確認:", "Please check:")));
    }
    if told.len() > MOST {
        output.note(format!("… {} {}", output.say("ほか", "and more:"), told.len() - MOST));
    }
}

/// A finding for people.
fn words(finding: &Value, output: Output) -> String {
    let name = finding["finding"].as_str().unwrap_or_default();
    let (ja, en) = match name {
        "amount_mismatch" => ("総額が内訳の合計と合いません", "the total is not the sum of its parts"),
        "sum_differs" => ("合計が明細と合いません", "a sum is not that of its lines"),
        "no_sums" => {
            ("合計がありません。ファイルが途中で切れていないか確かめてください", "the file has no sums: is it whole?")
        }
        "unreadable" => ("読み取れない値があります", "a value cannot be read"),
        "incomplete" => ("診療年月か金額がありません", "a month or an amount is missing"),
        "unknown_kind" => ("未知の診療区分です", "a kind of care is not known"),
        "my_number_dropped" => ("個人番号の疑いがある値を除きました", "what looks like a My Number was left out"),
        "left_out" => left_out(finding["reason"].as_str().unwrap_or_default()),
        "clipped" => ("補填は支払額までとしました", "reimbursements were cut to what was paid"),
        "grouped" => {
            ("995行を超えるため、人・病院・区分ごとに合計しました", "over 995 rows: added up by person and institution")
        }
        "without_amount" => ("金額がないものは書き出していません", "what has no amount was left out"),
        "without_date" => ("日付がないものは書き出していません", "what has no date was left out"),
        "twice" => ("同じ支払いが二度あるようです", "a payment seems to be there twice"),
        "months_missing" => ("医療費通知が届いていない月があります", "notices of some months have not come"),
        _ => (name, name),
    };
    match finding["line"].as_u64() {
        Some(line) => format!("{} ({} {line})", output.say(ja, en), output.say("行", "line")),
        None => output.say(ja, en).to_owned(),
    }
}

/// Why a payment is not in the tax form.
fn left_out(reason: &str) -> (&str, &str) {
    match reason {
        "lives_apart" => ("生計が別の方の分は除きました", "left out: those who do not share your livelihood"),
        "other_year" => ("他の年の分は除きました", "left out: other years"),
        "not_deductible" => ("医療費控除の対象でないものは除きました", "left out: what is not deductible"),
        "nothing_paid" => ("支払いが0円のものは除きました", "left out: nothing was paid"),
        "no_date" => ("日付がないものは除きました", "left out: no date"),
        _ => ("医療費控除の対象として書き出していません", "not written into the tax form"),
    }
}
