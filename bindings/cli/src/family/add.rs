//! `kazasu member add`: a tap, a look at whose card it was, and only then a place in the store.

use std::sync::Arc;

use kazasu::jose::dpop::SoftwareDeviceKey;
use kazasu::session::Member as SessionMember;
use kazasu::store::{CheckedBy, Profile, Registered, Registration, SecretKind, ServerPatient};
use serde_json::json;
use zeroize::Zeroizing;

use super::keeper::purpose;
use super::{Family, look};
use crate::access::{self, ALL_SCOPES};
use crate::args::{Global, MemberAddArguments};
use crate::ask;
use crate::failure::Failure;
use crate::output::{Output, shown};
use crate::tap;

pub(super) fn run(arguments: &MemberAddArguments, global: &Global, output: Output) -> Result<(), Failure> {
    ask::can_ask(arguments.yes)?;
    let profile = profile(arguments);
    let family = Family::open_if_there(global)?;
    // Before the card and the server are asked for anything.
    let is_repair = family.as_ref().map_or(Ok(false), |family| lacks_access(family, &profile.nickname))?;
    family.as_ref().filter(|_| !is_repair).map_or(Ok(()), |family| family.store.check_room())?;
    let mut settings = tap::settings(global)?;
    access::ask_for(&mut settings, &ALL_SCOPES);
    let mut family = family.map_or_else(|| Family::create(global), Ok)?;
    if !is_repair {
        family.store.check_profile(&profile).map_err(refused)?;
    }
    settings.consents.clone_from(&profile.consents);
    let (name, birth_date) = if arguments.show_name { look::read_name(global, output)? } else { (None, None) };
    let key = Arc::new(SoftwareDeviceKey::generate()?);
    let member = SessionMember { purpose: purpose(profile.role), ..SessionMember::new(Arc::clone(&key) as Arc<_>) };
    let mut signed = tap::sign_with(&settings, member, global, output).map_err(|failed| *failed)?;
    let qualified = tap::ask(&mut signed, output)?;
    let candidate = look::candidate(&signed, (name, birth_date), &qualified.eligibility);
    look::show(&candidate, &qualified.eligibility, arguments.show_name, output);
    let members = family.store.members()?;
    let known = members.iter().find(|member| member.has_card(&candidate.certificate));
    let question = match known {
        None => Some(output.say("この方を登録しますか", "Register this person?")),
        Some(known) if family.store.secret(known.id, SecretKind::Suspension)?.is_some() => Some(output.say(
            "停止がまだ届いていません。停止をやめて、また利用しますか",
            "A stop has not arrived. Give it up and use the card again?",
        )),
        Some(_) => None,
    };
    if let Some(question) = question
        && !arguments.yes
        && !ask::agrees(question, output)?
    {
        output.object(&json!({"member": null}));
        return Ok(());
    }
    let mut access = signed.into_access()?;
    let saved = access.take_unsaved()?;
    let registered = family.store.register(Registration {
        patient: Some(ServerPatient {
            issuer: settings.issuer.as_str().to_owned(),
            patient: access.patient().to_owned(),
        }),
        device_key: Some(key.to_bytes()),
        access: saved.map(|saved| Zeroizing::new(saved.as_bytes().to_vec())),
        check: Some(super::check(CheckedBy::Card, &Ok(qualified))),
        server_time: access.confirmed_time(),
        gives_up_stop: true,
        ..Registration::new(candidate.confirm(), profile)
    });
    let registered = registered.map_err(refused)?;
    report(&family, registered, output)?;
    family.close()
}

/// Whether a member of this name has no access: their own card brings it again, so that the name is not refused here.
fn lacks_access(family: &Family, nickname: &str) -> Result<bool, Failure> {
    let members = family.store.members()?;
    let Some(member) = members.iter().find(|member| member.profile.nickname == nickname.trim()) else {
        return Ok(false);
    };
    let has = |kind| family.store.secret(member.id, kind).map(|secret| secret.is_some());
    Ok(!(has(SecretKind::DeviceKey)? && has(SecretKind::Access)?))
}

/// What is wrong with a nickname.
pub(super) fn refused(error: kazasu::Error) -> Failure {
    match error {
        kazasu::Error::Usage { .. } => Failure::from(error).advise(
            "呼び名は1〜20文字で、kazasu member list の方と違うものにしてください",
            "Please choose a nickname of 1 to 20 characters unlike everybody else's (kazasu member list).",
        ),
        error => error.into(),
    }
}

fn profile(arguments: &MemberAddArguments) -> Profile {
    let consents = arguments.consent.iter().map(|kind| kazasu::fhir::ConsentKind::from(*kind).code().to_owned());
    Profile {
        shares_livelihood: !arguments.separate_livelihood,
        consents: consents.collect(),
        ..Profile::new(&*arguments.nickname, arguments.role.into())
    }
}

fn report(family: &Family, registered: Registered, output: Output) -> Result<(), Failure> {
    let (id, text) = match registered {
        Registered::New(id) => (id, output.say("登録しました", "Registered")),
        Registered::Known(id) => (id, output.say("このカードは登録済みです", "This card is registered already")),
    };
    let member = family.store.member(id)?;
    output.line(format!("{text}: {}", shown(&member.profile.nickname)));
    output.object(&json!({
        "member": super::member_json::to_json(&member, &family.store)?,
        "new": matches!(registered, Registered::New(_)),
    }));
    Ok(())
}
