//! `kazasu qualify`: the main job against a real backend.

use std::sync::Arc;

use kazasu::jose::dpop::SoftwareDeviceKey;
use kazasu::session::Member;
use kazasu::store::{CheckedBy, Contact};

use crate::access;
use crate::answer;
use crate::args::Global;
use crate::failure::Failure;
use crate::family::keeper::Keeper;
use crate::family::{self, MemberKeeper};
use crate::output::Output;
use crate::tap;

pub(crate) fn run(global: &Global, output: Output) -> Result<(), Failure> {
    let Some(nickname) = &global.member else {
        if global.keep.is_some() {
            output.note(output.say(
                "qualify は --keep に保存しません。保存するには --member をお使いください。",
                "qualify keeps nothing with --keep; --member keeps it.",
            ));
        }
        let settings = tap::settings(global)?;
        let member = Member::new(Arc::new(SoftwareDeviceKey::generate()?));
        let mut signed = tap::sign_with(&settings, member, global, output).map_err(|failed| *failed)?;
        answer::print(&tap::ask(&mut signed, output)?, output);
        return Ok(());
    };
    let mut keeper = MemberKeeper::open(global, nickname)?;
    let mut settings = tap::settings(global)?;
    access::ask_for(&mut settings, &access::ALL_SCOPES);
    keeper.prepare(&mut settings);
    access::no_stop_waits(&keeper)?;
    let mut signed = access::sign_for(&settings, &mut keeper, global, output)?;
    let answer = tap::ask(&mut signed, output);
    let check = family::check(CheckedBy::Card, &answer);
    let contact = Contact { check: Some(&check), server_time: signed.confirmed_time(), ..Contact::default() };
    let mut access = answer.is_ok().then(|| signed.into_access()).transpose()?;
    keeper.keep_contact(access.as_mut(), contact)?;
    keeper.family.close()?;
    answer::print(&answer?, output);
    Ok(())
}
