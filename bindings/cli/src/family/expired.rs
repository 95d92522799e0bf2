//! `kazasu member expired`: what is kept past its time, and a person's word that it may go at once.

use kazasu::store::{Aging, Expiring, Member, Retention, RetentionPolicy};
use kazasu::time::{CalendarDate, Clock, SystemClock};
use serde_json::{Value, json};

use super::{Family, cleared};
use crate::args::{Global, Lang};
use crate::ask;
use crate::failure::Failure;
use crate::output::{COLUMNS, Output, fitted, padded, width};

pub(super) fn run(delete: bool, today: Option<&str>, global: &Global, output: Output) -> Result<(), Failure> {
    let named = today.map(|text| CalendarDate::parse(text).ok_or_else(|| Failure::usage("--today: YYYY-MM-DD")));
    let named = named.transpose()?;
    if delete {
        ask::can_ask(named.is_some())?;
    }
    let mut family = Family::open(global)?;
    let members = family.store.members()?;
    let policy = RetentionPolicy::default();
    let expiring = family.store.expiring(policy)?;
    show(&expiring, &members, output);
    let now = CalendarDate::in_japan(SystemClock.now());
    let agreed = delete && !expiring.is_empty() && agrees(now, named, output)?;
    let done = if agreed { family.store.delete_expiring(policy, now)? } else { Retention::default() };
    cleared::tell(done, output);
    output.object(&json!({
        "expired": expiring.iter().map(|one| to_json(one, &members)).collect::<Vec<_>>(),
        "today": now.to_string(),
        "clock_confirmed": family.store.is_clock_confirmed(),
        "deleted": done.history + done.records,
    }));
    family.close()
}

/// Whether a person says that it is this day, and that what was shown may go.
fn agrees(now: CalendarDate, named: Option<CalendarDate>, output: Output) -> Result<bool, Failure> {
    match named {
        Some(named) if named == now => return Ok(true),
        Some(_) => {
            return Err(Failure::usage("the clock says another day").advise(
                "この端末の日付と違います。時計を合わせてください",
                "This computer's clock says another day. Please set it right.",
            ));
        }
        None => {}
    }
    output.note(format!("{} {now}", output.say("この端末の日付:", "Today, by this computer's clock:")));
    ask::agrees(
        output
            .say("日付は正しく、上のデータを消してよいですか", "Is this the right day, and may these data be deleted?"),
        output,
    )
}

fn show(expiring: &[Expiring], members: &[Member], output: Output) {
    output.line(output.say("保存期限の過ぎたデータ", "Data past their time"));
    let columns = members.iter().map(|member| width(&member.profile.nickname)).max().unwrap_or(0).min(24) + 2;
    for one in expiring {
        let who = padded(nickname(one, members), columns);
        let kind = padded(words(one.kind, output), 14);
        let due = one.due.map(|due| CalendarDate::in_japan(due).to_string());
        let line = match (output.lang, due) {
            (Lang::En, Some(due)) => format!("{}, {} to {}, goes on {due} or later", one.rows, one.oldest, one.newest),
            (Lang::En, None) => format!("{}, {} to {}", one.rows, one.oldest, one.newest),
            (_, Some(due)) => format!("{}件 {}〜{} {due}以降に消去", one.rows, one.oldest, one.newest),
            (_, None) => format!("{}件 {}〜{}", one.rows, one.oldest, one.newest),
        };
        output.line(fitted(&format!("  {who}{kind}{line}"), COLUMNS));
    }
    if expiring.is_empty() {
        output.line(output.say("  ありません", "  none"));
    }
}

fn nickname<'a>(one: &Expiring, members: &'a [Member]) -> &'a str {
    members.iter().find(|member| member.id == one.member).map_or("", |member| &member.profile.nickname)
}

fn words(kind: Aging, output: Output) -> &'static str {
    let (ja, en) = match kind {
        Aging::Check => ("資格の確認", "checks"),
        Aging::Expense => ("医療費", "expenses"),
        Aging::Medication => ("薬", "medicines"),
        Aging::Checkup => ("特定健診", "check-ups"),
        Aging::AccessLog => ("閲覧", "access log"),
    };
    output.say(ja, en)
}

fn to_json(one: &Expiring, members: &[Member]) -> Value {
    json!({
        "member": nickname(one, members),
        "kind": one.kind.name(),
        "rows": one.rows,
        "oldest": one.oldest.to_string(),
        "newest": one.newest.to_string(),
        "due": one.due.map(|due| due.to_rfc3339()),
    })
}
