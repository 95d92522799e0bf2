//! `kazasu suspend`: stops access with a lost card, without the card; waits in the store or
//! the file of `--keep` for the network.

use std::sync::Arc;

use kazasu::fhir::{SuspensionEffect, SuspensionReason};
use kazasu::qualify::{OFFICIAL_LINES, QualifyClient, Suspended, Suspension};
use kazasu::time::{Clock, SystemClock, UnixMillis};
use serde_json::{Value, json};

use crate::args::{Global, Lang, ReasonToStop, SuspendArguments};
use crate::ask;
use crate::failure::Failure;
use crate::family::keeper::{self, Keeper};
use crate::family::needs_member;
use crate::output::Output;
use crate::tap;

pub(crate) fn run(arguments: &SuspendArguments, global: &Global, output: Output) -> Result<(), Failure> {
    // Before anything can fail.
    show_official_lines(output);
    ask::can_ask(arguments.yes)?;
    let keeper = keeper::chosen(global)?;
    let mut keeper = keeper.ok_or_else(|| needs_member("suspend needs --member, or --keep FILE of an earlier tap"))?;
    let settings = tap::settings(global)?;
    let is_waiting = keeper.suspension()?.is_some();
    let Some(mut suspension) = waiting_or_new(&*keeper, arguments)? else {
        // Says so where it has been done.
        keeper.member(&settings)?;
        return Err(Failure::usage("nothing is kept to stop with: a tap with --member or --keep brings it").advise(
            "停止に使う情報がありません。公式窓口に電話してください",
            "Nothing is kept to stop with. Please call the official line.",
        ));
    };
    let question = output.say("このアプリでの利用を停止しますか", "Stop access with this card?");
    if !is_waiting && !arguments.yes && !ask::agrees(question, output)? {
        output.object(&json!({"suspension": null}));
        return Ok(());
    }
    // Everything but what the stop needs goes at once, network or not.
    keeper.begin_stop(&suspension.to_saved())?;
    let client = Arc::new(QualifyClient::with_ring(&settings, tap::language(output))?);
    let outcome = suspension.send(client, keeper.member(&settings)?.device_key);
    match outcome {
        Ok(suspended) => {
            if suspended.is_confirmed {
                keeper.end_stop()?;
                suspension.give_up();
            } else {
                keeper.begin_stop(&suspension.to_saved())?;
            }
            keeper.close()?;
            print(&suspended, output);
            output.object(&to_json(&suspended));
            Ok(())
        }
        Err(error) if error.code() == "KZ-A10" => {
            output.note(output.say(
                "カードがお手元に戻ったら、kazasu member add で登録し直せます。",
                "Once you hold the card again, kazasu member add registers it anew.",
            ));
            Err(Failure::from(error).advise(
                "停止に使う情報が期限切れか、使用済みです。公式窓口に電話してください",
                "The means of the stop have expired or were used. Please call the official line.",
            ))
        }
        // Who has lost the card cannot tap it to say whose it is.
        Err(error) if error.code() == "KZ-D08" => Err(Failure::from(error).advise(
            "停止は確認できていません。公式窓口に電話し、後でもう一度お試しください",
            "The stop is not confirmed. Please call the official line, and try again later.",
        )),
        Err(error) => {
            output.note(output.say(
                "停止はまだ届いていません。後でもう一度このコマンドを実行してください。",
                "The stop has not arrived. Please run this command again later.",
            ));
            Err(error.into())
        }
    }
}

fn waiting_or_new(keeper: &dyn Keeper, arguments: &SuspendArguments) -> Result<Option<Suspension>, Failure> {
    if let Some(waiting) = keeper.suspension()? {
        return Ok(Some(Suspension::restore(&waiting)?));
    }
    let last_seen = arguments.last_seen.as_deref().map(|text| {
        UnixMillis::parse_rfc3339(text).ok_or_else(|| Failure::usage("--last-seen: 2026-11-20T18:00:00+09:00"))
    });
    let last_seen = last_seen.transpose()?;
    let reason = match arguments.reason {
        ReasonToStop::Lost => SuspensionReason::Lost,
        ReasonToStop::Stolen => SuspensionReason::Stolen,
        ReasonToStop::PinLeaked => SuspensionReason::PinLeaked,
        ReasonToStop::DeviceLost => SuspensionReason::DeviceLost,
    };
    let prepare = |saved| Suspension::prepare(&saved, reason, last_seen, SystemClock.now());
    Ok(keeper.access()?.map(prepare).transpose()?)
}

/// The telephone numbers, on standard error so that `--json` shows them too.
pub(crate) fn show_official_lines(output: Output) {
    output.note(output.say(
        "カード本体の利用停止は、お電話でのみ受け付けています。まずお電話ください。",
        "Only a telephone call stops the card itself. Please call first.",
    ));
    for line in OFFICIAL_LINES {
        let what = if output.lang == Lang::En { line.english } else { line.japanese };
        output.note(format!("  {:<13} {what}", line.number));
    }
}

pub(crate) fn print(suspended: &Suspended, output: Output) {
    let state = if suspended.is_confirmed {
        output.say("停止しました", "stopped")
    } else {
        output.say("受付を確認中（KZ-S02）", "not confirmed yet (KZ-S02): run this again")
    };
    output.line(output.say("一時利用停止", "Suspension"));
    output.field(output.say("状況", "State"), state);
    let (ja, en) = match &suspended.effect {
        SuspensionEffect::AppOnly => {
            ("このアプリだけ。必ず公式窓口に電話してください", "this app only: do call the official line")
        }
        SuspensionEffect::ProviderAccount => {
            ("この事業者の利用だけ。公式窓口に電話してください", "this provider only: do call the official line")
        }
        SuspensionEffect::Official { .. } => ("公式窓口に取り次ぎました", "forwarded to the official desk"),
    };
    output.field(output.say("範囲", "Covers"), output.say(ja, en));
    if let SuspensionEffect::Official { reference: Some(reference) } = &suspended.effect {
        output.field(output.say("窓口の番号", "Its reference"), reference);
    }
}

fn to_json(suspended: &Suspended) -> Value {
    json!({"suspension": {
        "confirmed": suspended.is_confirmed,
        "effect": suspended.effect.name(),
        "official_line": OFFICIAL_LINES[0].number,
    }})
}
