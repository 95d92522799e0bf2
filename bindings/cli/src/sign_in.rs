//! `kazasu sign-in`: for servers with a page of their own, in the browser and without a card.

use std::io::{BufRead, Read};
use std::sync::Arc;

use kazasu::qualify::{QualifyClient, SignIn};
use serde_json::json;

use crate::access::{self, ALL_SCOPES};
use crate::args::Global;
use crate::failure::Failure;
use crate::family::keeper;
use crate::output::Output;
use crate::tap;

/// Longest address taken, in bytes.
const MAX_LINE: u64 = 16 << 10;

pub(crate) fn run(global: &Global, output: Output) -> Result<(), Failure> {
    let keeper = keeper::chosen(global)?;
    let mut keeper =
        keeper.ok_or_else(|| Failure::usage("sign-in needs --member, or --keep FILE for what it brings"))?;
    let mut settings = tap::settings(global)?;
    access::ask_for(&mut settings, &ALL_SCOPES);
    access::no_stop_waits(&*keeper)?;
    let client = Arc::new(QualifyClient::with_ring(&settings, tap::language(output))?);
    let member = keeper.member(&settings)?;
    let sign_in = SignIn::begin(client, member.device_key)?;
    output.note(output.say("このページをブラウザーで開いてください：", "Please open this page in your browser:"));
    output.note(sign_in.url());
    output.note(
        output.say("最後に移った先のアドレスを貼り付けてください：", "Then paste the address where the browser ended:"),
    );
    let mut address = String::new();
    let read = std::io::stdin().lock().take(MAX_LINE).read_line(&mut address);
    read.map_err(|_| Failure::usage("standard input cannot be read"))?;
    let mut access = sign_in.redeem(address.trim())?;
    access.check_patient(member.patient.as_deref())?;
    keeper.keep_access(&mut access, None)?;
    keeper.close()?;
    output.line(output.say("サインインしました", "Signed in"));
    output.object(&json!({"signed_in": true}));
    Ok(())
}
