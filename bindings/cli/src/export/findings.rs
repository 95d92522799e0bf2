//! What the user should look at after an export or an import.

use kazasu::export::{ExportKind, TaxFinding};
use kazasu::insurance::ExpenseKind;
use serde_json::{Value, json};

use crate::args::Lang;
use crate::output::{Output, fitted, folded, shown};
use crate::report::{grouped, kind_words};

/// Most findings shown to people, the rest counted.
const MOST: usize = 10;

/// Columns of an institution's name that are shown.
const LONGEST_NAME: usize = 40;

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
            "マネーフォワード ME に CSV の取り込みはありません。ほかのツールで使えます。",
            "MoneyForward ME itself takes no CSV; other tools and spreadsheets read it.",
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

/// What a rule of the deduction tells better.
fn is_told_by_rule(finding: &Value) -> bool {
    let reason = finding["reason"].as_str().unwrap_or_default();
    match finding["finding"].as_str().unwrap_or_default() {
        "left_out" => matches!(reason, "lives_apart" | "not_deductible"),
        // Those of other years are told by number.
        "clipped" | "D-2" => true,
        _ => false,
    }
}

/// The findings on standard error, each kind with how often it was found.
pub(crate) fn show(findings: &[Value], output: Output) {
    let mut told: Vec<(String, usize)> = Vec::new();
    for finding in findings.iter().filter(|finding| !is_told_by_rule(finding)) {
        let text = words(finding, output);
        match told.iter_mut().find(|(one, _)| *one == text) {
            Some((_, times)) => *times += 1,
            None => told.push((text, 1)),
        }
    }
    for (text, times) in told.iter().take(MOST) {
        let times = if *times > 1 { format!(" ×{times}") } else { String::new() };
        output.notes(folded(output.say("確認: ", "Please check: "), &format!("{text}{times}")));
    }
    if told.len() > MOST {
        output.note(format!("… {} {}", output.say("ほか", "and more:"), told.len() - MOST));
    }
}

/// What a rule of the deduction found, for people; `None` for a finding of another kind.
fn of_rule(finding: &Value, output: Output) -> Option<String> {
    let ja = output.lang != Lang::En;
    let yen = |name: &str| grouped(finding[name].as_i64().unwrap_or_default().abs().into());
    let text = |value: &Value| shown(value.as_str().unwrap_or("?")).into_owned();
    let place = |payment: &Value| {
        format!("{} {}", text(&payment["date"]), fitted(&text(&payment["institution"]), LONGEST_NAME))
    };
    let payment = place(&finding["payment"]);
    let month = text(&finding["month"]);
    Some(match finding["finding"].as_str()? {
        "D-1" => {
            let place = place(&finding["kept"][0]);
            if ja {
                format!("同じ支払いが二度あるようです。一度だけ数えました: {place}")
            } else {
                format!("there twice, it seems, and counted once: {place}")
            }
        }
        "D-3" => {
            let kind = kind_words(ExpenseKind::from_code(finding["kind"].as_str()?), ja);
            if ja {
                format!("医療費控除の対象でないため除きました: {kind}")
            } else {
                format!("left out, as not deductible: {kind}")
            }
        }
        "D-4" => {
            let surplus = yen("surplus_yen");
            if ja {
                format!("補填が支払額より{surplus}円多く、支払額まで数えました: {payment}")
            } else {
                format!("reimbursed {surplus} yen beyond what was paid, which does not count: {payment}")
            }
        }
        "D-5" => {
            let (place, difference) = (place(&finding["receipts"][0]), yen("difference_yen"));
            if ja {
                format!("通知と領収書が{difference}円違い、領収書を使いました: {place}")
            } else {
                format!("notice and receipt differ by {difference} yen, the receipt counts: {place}")
            }
        }
        "D-6" => {
            let person = text(&finding["person"]);
            if ja {
                format!("生計が別のため除きました: {person}")
            } else {
                format!("left out, with a livelihood of their own: {person}")
            }
        }
        "D-7" => {
            let months: Vec<String> = finding["months"].as_array()?.iter().map(text).collect();
            if ja {
                format!("医療費通知がまだの月: {}", months.join("、 "))
            } else {
                format!("no notice yet for {}", months.join(", "))
            }
        }
        "D-8" => {
            let (one, other) = (yen("medical_yen"), yen("self_medication_yen"));
            if ja {
                format!(
                    "医療費控除（試算 {one}円）とセルフメディケーション税制（試算 {other}円）は、どちらか一方を選んでください"
                )
            } else {
                format!(
                    "choose one: 医療費控除 (estimate {one} yen) or セルフメディケーション税制 (estimate {other} yen)"
                )
            }
        }
        "D-9" => {
            let (ja_text, en_text) = match finding["limit"].as_str()? {
                "rows" => ("様式の行数を超えています", "more rows than the form has"),
                "name" => ("氏名が様式の文字数を超えています", "a name is longer than the form takes"),
                "institution" => (
                    "病院などの名称が様式の文字数を超えています",
                    "an institution's name is longer than the form takes",
                ),
                _ => ("金額が様式の範囲を超えています", "an amount is beyond what the form takes"),
            };
            let about = if finding["payment"].is_object() { format!(": {payment}") } else { String::new() };
            format!("{}{about}", output.say(ja_text, en_text))
        }
        "D-10" if finding["refund_yen"].is_null() => {
            if ja {
                format!("高額療養費の対象か分かりません: {month}")
            } else {
                format!("whether 高額療養費 is due cannot be told: {month}")
            }
        }
        "D-10" => {
            let refund = yen("refund_yen");
            if ja {
                format!("高額療養費（試算 {refund}円）の支給があれば、補填に入れてください: {month}")
            } else {
                format!("enter 高額療養費 (estimate {refund} yen) as reimbursed if you get it: {month}")
            }
        }
        _ => return None,
    })
}

/// A finding for people.
fn words(finding: &Value, output: Output) -> String {
    if let Some(text) = of_rule(finding, output) {
        return text;
    }
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
