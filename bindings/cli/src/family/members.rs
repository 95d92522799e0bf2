//! `kazasu member`: who is in the family's store.

use std::sync::Arc;

use kazasu::qualify::{Access, QualifyClient};
use kazasu::store::{Erasure, Role};
use serde_json::{Value, json};

use super::keeper::{Keeper, MemberKeeper};
use super::member_json;
use super::{Family, add, confirm, expired};
use crate::args::{Global, MemberCommand, MemberEditArguments};
use crate::failure::Failure;
use crate::output::{Output, padded, shown, width};
use crate::tap;
use crate::{access, ask};

pub(crate) fn run(command: &MemberCommand, global: &Global, output: Output) -> Result<(), Failure> {
    match command {
        MemberCommand::Add(arguments) => add::run(arguments, global, output),
        MemberCommand::Confirm { nickname, yes } => confirm::run(nickname, *yes, global, output),
        MemberCommand::List => list(global, output),
        MemberCommand::Edit(arguments) => edit(arguments, global, output),
        MemberCommand::Order { nicknames } => order(nicknames, global, output),
        MemberCommand::Expired { delete, today } => expired::run(*delete, today.as_deref(), global, output),
        MemberCommand::Remove { nickname, yes, offline } => remove(nickname, *yes, *offline, global, output),
    }
}

fn list(global: &Global, output: Output) -> Result<(), Failure> {
    let family = Family::open(global)?;
    let members = family.store.members()?;
    output.line(output.say("登録した家族", "Family"));
    let columns = members.iter().map(|member| width(&shown(&member.profile.nickname))).max().unwrap_or(0).max(20) + 2;
    for member in &members {
        let unread = family.store.unread(member.id)?;
        let role = role_words(member.profile.role, output);
        let unread = match (unread, output.say("ja", "en")) {
            (0, _) => String::new(),
            (unread, "ja") => format!(" · 未読{unread}件"),
            (unread, _) => format!(" · {unread} unread"),
        };
        let apart =
            if member.profile.shares_livelihood { "" } else { output.say(" · 別生計", " · separate livelihood") };
        let nickname = padded(&shown(&member.profile.nickname), columns);
        output.line(format!("  {nickname}{role}{apart}{unread}"));
    }
    if members.is_empty() {
        output.line(output.say("  まだ誰もいません", "  nobody yet"));
    }
    let members: Result<Vec<Value>, Failure> =
        members.iter().map(|one| member_json::to_json(one, &family.store)).collect();
    output.object(&json!({"members": members?}));
    Ok(())
}

fn edit(arguments: &MemberEditArguments, global: &Global, output: Output) -> Result<(), Failure> {
    let mut family = Family::open(global)?;
    let member = family.find(&arguments.nickname)?;
    let mut profile = member.profile;
    if let Some(nickname) = &arguments.rename {
        profile.nickname.clone_from(nickname);
    }
    if let Some(role) = arguments.role {
        profile.role = role.into();
    }
    if let Some(shares) = arguments.shares_livelihood {
        profile.shares_livelihood = shares;
    }
    family.store.set_profile(member.id, profile).map_err(add::refused)?;
    let member = family.store.member(member.id)?;
    output.line(format!("{}: {}", output.say("変更しました", "Changed"), shown(&member.profile.nickname)));
    output.object(&json!({"member": member_json::to_json(&member, &family.store)?}));
    family.close()
}

fn order(nicknames: &[String], global: &Global, output: Output) -> Result<(), Failure> {
    let mut family = Family::open(global)?;
    let members = family.find_all(nicknames)?;
    family.store.set_order(&members.iter().map(|member| member.id).collect::<Vec<_>>()).map_err(|error| {
        Failure::from(error).advise("全員の名前を一度ずつ並べてください", "Please name every member once.")
    })?;
    family.close()?;
    list(global, output)
}

fn remove(nickname: &str, yes: bool, offline: bool, global: &Global, output: Output) -> Result<(), Failure> {
    ask::can_ask(yes)?;
    let mut keeper = MemberKeeper::open(global, nickname)?;
    // As it is kept: it may have been typed in another way.
    let nickname = keeper.member.profile.nickname.clone();
    if !offline {
        // It would be lost with the member.
        access::no_stop_waits(&keeper).map_err(|failure| {
            failure.advise(
                "停止がまだ届いていません。届かなくても消すときは --offline を付けてください",
                "A stop has not arrived yet. --offline removes the member all the same.",
            )
        })?;
    }
    output.note(output.say(
        "鍵・履歴・記録・支払いをすべて消します。元に戻せません。",
        "Keys, history, records and payments are deleted for good.",
    ));
    if !yes && !ask::agrees(output.say("登録を解除しますか", "Remove this member?"), output)? {
        output.object(&json!({"removed": null}));
        return Ok(());
    }
    let revoked = match revoke(&keeper, global, output) {
        Err(_) if offline => false,
        Err(failure) => {
            output.note(output.say(
                "まだ何も消していません。サーバーに届かなくても消すときは --offline を付けてください。",
                "Nothing was deleted. --offline deletes what is here though the server cannot be told.",
            ));
            return Err(failure);
        }
        Ok(revoked) => revoked,
    };
    if revoked {
        keeper.family.store.end_access(keeper.member.id)?;
    }
    let erasure = keeper.family.store.remove_member(keeper.member.id)?;
    keeper.family.close()?;
    output.line(format!("{}: {}", output.say("登録を解除しました", "Removed"), shown(&nickname)));
    if erasure == Erasure::BestEffort {
        output.note(output.say(
            "鍵は上書きして消しました。バックアップがあれば別に消してください。",
            "The key was overwritten. Delete backups of its folder, if there are any.",
        ));
    }
    output.object(&json!({
        "removed": nickname,
        "erasure": if erasure == Erasure::Complete { "complete" } else { "best_effort" },
        "tokens_revoked": revoked,
    }));
    Ok(())
}

/// Ends the access at the server; tells whether there was one.
fn revoke(keeper: &MemberKeeper, global: &Global, output: Output) -> Result<bool, Failure> {
    let Some(saved) = keeper.access()? else { return Ok(false) };
    let settings = tap::settings(global)?;
    let client = QualifyClient::with_ring(&settings, tap::language(output))?;
    Access::resume(Arc::new(client), keeper.member(&settings)?.device_key, &saved)?.revoke()?;
    Ok(true)
}

pub(super) fn role_words(role: Role, output: Output) -> &'static str {
    let (ja, en) = match role {
        Role::Own => ("本人", "self"),
        Role::LegalRepresentative => ("法定代理人として", "as legal representative"),
        Role::Proxy => ("代理人として", "as proxy"),
    };
    output.say(ja, en)
}
