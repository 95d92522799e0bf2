//! An answer about eligibility, in words and for machines.

use kazasu::fhir::{Freshness, Insurance, Qualification};
use kazasu::guidance;
use kazasu::qualify::Pinning;
use kazasu::session::{Qualified, Warning};
use kazasu::time::UnixMillis;
use serde_json::{Value, json};

use crate::output::{Output, shown};

/// Prints the answer.
pub(crate) fn print(qualified: &Qualified, output: Output) {
    print_text(qualified, output);
    output.object(&to_json(qualified));
}

/// 資格有効性 in words.
pub(crate) fn validity(qualification: Qualification, output: Output) -> &'static str {
    use kazasu::fhir::InvalidReason::{Lost, Replaced};
    let (ja, en) = match qualification {
        Qualification::Valid => ("有効", "valid (有効)"),
        Qualification::Invalid(Lost) => ("無効", "not valid (無効)"),
        Qualification::Invalid(Replaced) => ("無効（新しい資格あり）", "not valid, replaced (無効・新しい資格あり)"),
        Qualification::NotFound => ("該当資格なし", "not found (該当資格なし)"),
        Qualification::Multiple => ("複数該当", "several (複数該当)"),
        Qualification::Pending => ("処理中", "pending (処理中)"),
        Qualification::Unregistered => ("有効（未登録・医療扶助）", "valid, medical assistance (有効・未登録)"),
    };
    output.say(ja, en)
}

fn print_text(qualified: &Qualified, output: Output) {
    let eligibility = &qualified.eligibility;
    let qualification = eligibility.qualification();
    output.line(output.say("資格確認の結果", "Eligibility"));
    output.field(output.say("資格", "Validity"), validity(qualification, output));
    for insurance in eligibility.insurances() {
        print_insurance(&insurance, output);
    }
    if let Some(as_of) = eligibility.as_of() {
        let age = match eligibility.freshness(qualified.answered_at) {
            Freshness::Current => "",
            Freshness::Dated => output.say("（24時間以上前）", " (over a day ago)"),
            Freshness::Outdated => output.say("（期限切れ・再確認）", " (outdated: ask again)"),
        };
        let minutes: String = as_of.to_rfc3339().replace('T', " ").chars().take(16).collect();
        output.field(output.say("確認時点", "As of"), &format!("{minutes}{age}"));
    }
    if let Some(text) =
        qualification.code().and_then(|code| Some((code, guidance::text_of_code(code, output.lang.into())?)))
    {
        output.line(format!("  {} {}", text.0, text.1));
    }
    if qualification == Qualification::Pending {
        output.line(output.say("  しばらくしてから、もう一度お試しください。", "  Please ask again in a while."));
    }
    if qualified.sealed {
        output.line(
            output
                .say("  （このお問い合わせ専用に暗号化・署名された回答です）", "  (sealed to this request and signed)"),
        );
    }
    if qualified.test_card {
        output.line(output.say("  （テスト用カードの結果です）", "  (the answer for a test card)"));
    }
    for warning in &qualified.warnings {
        output.line(format!("  {}", warning_text(warning, output)));
    }
}

fn print_insurance(insurance: &Insurance<'_>, output: Output) {
    let coverage = insurance.coverage();
    if let Some(name) = coverage.and_then(|c| c.insurer_name()) {
        output.field(output.say("保険者", "Insurer"), name);
    }
    if !insurance.is_valid() {
        if let Some(date) = coverage.and_then(|c| c.loss_date()) {
            output.field(output.say("資格喪失日", "Ended on"), date);
        }
        return;
    }
    if let Some(percent) = insurance.copay_percent() {
        output.field(output.say("負担割合", "Copay"), &format!("{percent} %"));
    }
    let limit = insurance.limit_category();
    let category = limit
        .map_or(output.say("同意なし・区分不明", "no consent, not known"), |l| l.display.unwrap_or(l.code));
    output.field(output.say("限度額区分", "Limit category"), category);
    if let Some(text) = limit.and_then(|limit| limit.limit) {
        output.field(output.say("自己負担限度額", "Monthly limit"), text);
    }
}

fn warning_text(warning: &Warning, output: Output) -> String {
    match warning {
        Warning::CertificateExpired => output
            .say(
                "電子証明書の期限が切れています。お早めに更新してください。",
                "The certificate has expired: please renew it soon.",
            )
            .to_owned(),
        Warning::DeviceClock => {
            output.say("端末の日付と時刻を確認してください。", "Please check this device's date and time.").to_owned()
        }
        Warning::ScopeNarrowed { missing_scopes } => {
            let text = output.say("一部の情報は許可されませんでした", "Not granted");
            format!("{text}: {}", shown(&missing_scopes.join(" ")))
        }
        Warning::InsurerNumber => output
            .say("保険者番号の検証番号が一致しません。", "The check digit of the insurer number does not fit.")
            .to_owned(),
    }
}

fn insurance_json(insurance: &Insurance<'_>) -> Value {
    let coverage = insurance.coverage();
    let limit = insurance.limit_category();
    json!({
        "in_force": insurance.is_valid(),
        "validity_code": insurance.validity_code(),
        "insurer_name": coverage.and_then(|c| c.insurer_name()),
        "copay_percent": insurance.copay_percent(),
        "limit_category": limit.map(|l| l.code),
        "limit_category_text": limit.and_then(|l| l.display),
        "limit_text": limit.and_then(|l| l.limit),
        "loss_date": coverage.and_then(|c| c.loss_date()),
        "loss_reason": coverage.and_then(|c| c.loss_reason()),
    })
}

/// The object of `--json`; 記号・番号 are not in it.
pub(crate) fn to_json(qualified: &Qualified) -> Value {
    let eligibility = &qualified.eligibility;
    let primary = eligibility.primary();
    let limit = primary.and_then(|insurance| insurance.limit_category());
    let mut json = json!({
        "validity": eligibility.qualification().name(),
        "code": eligibility.qualification().code(),
        "copay_percent": primary.and_then(|insurance| insurance.copay_percent()),
        "limit_category": limit.map(|limit| limit.code),
        "limit_category_text": limit.and_then(|limit| limit.display),
        "as_of": eligibility.as_of().map(UnixMillis::to_rfc3339),
        "freshness": match eligibility.freshness(qualified.answered_at) {
            Freshness::Current => "current",
            Freshness::Dated => "dated",
            Freshness::Outdated => "outdated",
        },
        "insurances": eligibility.insurances().iter().map(insurance_json).collect::<Vec<_>>(),
        "warnings": qualified.warnings.iter().map(Warning::name).collect::<Vec<_>>(),
        "test_card": qualified.test_card,
        "pinning": if qualified.pinning == Pinning::Checked { "checked" } else { "expired" },
        "channel": {"kind": qualified.channel.kind.name(), "chip_proof": qualified.channel.chip_proof.name()},
    });
    // Said only where it was agreed on and done.
    if qualified.sealed {
        json["sealed"] = true.into();
    }
    json
}
