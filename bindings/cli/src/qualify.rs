//! `kazasu qualify`: the main job against a real backend.

use std::sync::Arc;

use kazasu::fhir::{Freshness, Insurance, Qualification};
use kazasu::guidance;
use kazasu::jose::dpop::SoftwareDeviceKey;
use kazasu::qualify::{Language, Pinning, QualifyClient, Settings};
use kazasu::session::{self, AwaitingTap, Member, Qualified, Signed, TapStep, Warning};
use kazasu::store::{CheckedBy, Contact};
use kazasu::time::UnixMillis;
use serde_json::{Value, json};

use crate::args::{Global, Lang};
use crate::card::look::Look;
use crate::failure::Failure;
use crate::family::keeper::Keeper;
use crate::family::{self, MemberKeeper};
use crate::output::{Output, quoted, shown};
use crate::secrets::Secrets;
use crate::{access, card, config, link, prompt};

pub(crate) fn run(global: &Global, output: Output) -> Result<(), Failure> {
    let Some(nickname) = &global.member else {
        if global.keep.is_some() {
            output.note(output.say(
                "qualify は --keep に保存しません。保存するには --member をお使いください。",
                "qualify keeps nothing with --keep; --member keeps it.",
            ));
        }
        let settings = settings(global)?;
        let member = Member::new(Arc::new(SoftwareDeviceKey::generate()?));
        let mut signed = sign_with(&settings, member, global, output).map_err(|failed| *failed)?;
        print(&ask(&mut signed, output)?, output);
        return Ok(());
    };
    let mut keeper = MemberKeeper::open(global, nickname)?;
    let mut settings = settings(global)?;
    access::ask_for(&mut settings, &access::ALL_SCOPES);
    keeper.prepare(&mut settings);
    access::no_stop_waits(&keeper)?;
    let mut signed = access::sign_for(&settings, &mut keeper, global, output)?;
    let answer = ask(&mut signed, output);
    let check = family::check(CheckedBy::Card, &answer);
    let contact = Contact { check: Some(&check), server_time: signed.confirmed_time(), ..Contact::default() };
    let mut access = answer.is_ok().then(|| signed.into_access()).transpose()?;
    keeper.keep_contact(access.as_mut(), contact)?;
    keeper.family.close()?;
    print(&answer?, output);
    Ok(())
}

/// Asks, and waits for an answer that takes its time.
pub(crate) fn ask(signed: &mut Signed, output: Output) -> Result<Qualified, Failure> {
    let answer = signed.finish();
    let qualified = answer.map_err(|error| Failure::from(error).told(signed.server_text()))?;
    if qualified.eligibility.qualification() != Qualification::Pending {
        return Ok(qualified);
    }
    output.note(output.say("処理中です。1分ほどお待ちください…", "The server is working on it: a minute at most…"));
    Ok(signed.await_answer(&qualified)?)
}

/// The settings of `--config`.
pub(crate) fn settings(global: &Global) -> Result<Settings, Failure> {
    config::read(global.config.as_deref().ok_or_else(|| Failure::usage("this command needs --config FILE"))?)
}

/// Everything up to the card's signature.
pub(crate) fn sign_with(
    settings: &Settings,
    member: Member,
    global: &Global,
    output: Output,
) -> Result<Signed, Box<Failure>> {
    let client = QualifyClient::with_ring(settings, language(output)).map_err(Failure::from)?;
    // Some servers want one. Nobody knows the one of an earlier run, so that each run has its own.
    let client_key = SoftwareDeviceKey::generate().map_err(Failure::from)?;
    let client = Arc::new(client.with_client_key(Arc::new(client_key)));
    output.notes(quoted(&settings.notice.text));
    let secrets = Secrets::new(global.pin_stdin, output);
    // What is on standard input is there already; a person types only once server and card have been looked at.
    let given = if global.pin_stdin {
        Some(secrets.user_authentication(Look::default())?)
    } else {
        prompt::can_ask()?;
        None
    };
    let mut awaiting = session::begin(client, member).map_err(Failure::from)?;
    let pin = match given {
        Some(pin) => pin,
        None => secrets.user_authentication(look(&mut awaiting, global, output)?)?,
    };
    link::wait(global, output)?;
    awaiting.renew().map_err(Failure::from)?;
    let mut transport = link::open(global, output)?;
    let tapped = awaiting.tap(&mut *transport, pin, card::last_attempt(global), &mut |step| {
        if step == TapStep::Signed && !output.json {
            output.note(output.say("カードを離してください。", "You may take the card away."));
        }
    });
    drop(transport);
    Ok(tapped.map_err(|failed| Failure::from(failed.error).shown(failed.awaiting.capabilities()))?)
}

/// Looks at the card, which nobody holds while the PIN is typed.
fn look(awaiting: &mut AwaitingTap, global: &Global, output: Output) -> Result<Look, Box<Failure>> {
    let mut transport = link::open(global, output)?;
    let attempts = awaiting.look(&mut *transport, card::last_attempt(global)).map_err(Failure::from)?;
    Ok(Look { attempts: Some(attempts), ..Look::default() })
}

/// The language asked of the server.
pub(crate) fn language(output: Output) -> Language {
    if output.lang == Lang::En { Language::English } else { Language::Japanese }
}

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
