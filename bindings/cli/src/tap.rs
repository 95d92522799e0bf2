//! From the settings to the card's signature and the answer.

use std::sync::Arc;

use kazasu::fhir::Qualification;
use kazasu::jose::dpop::SoftwareDeviceKey;
use kazasu::qualify::{Language, QualifyClient, Settings};
use kazasu::session::{self, AwaitingTap, Member, Qualified, Signed, TapStep};

use crate::args::{Global, Lang};
use crate::card::look::Look;
use crate::failure::Failure;
use crate::output::{Output, quoted};
use crate::secrets::Secrets;
use crate::{config, link, prompt};

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

/// The settings of `--config`, and of the command line where it says something else.
pub(crate) fn settings(global: &Global) -> Result<Settings, Failure> {
    let file = global.config.as_deref().ok_or_else(|| Failure::usage("this command needs --config FILE"))?;
    let mut settings = config::read(file)?;
    settings.proxy = global.proxy.clone().or(settings.proxy);
    Ok(settings)
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
    let tapped = awaiting.tap(&mut *transport, pin, global.last_attempt(), &mut |step| {
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
    let attempts = awaiting.look(&mut *transport, global.last_attempt()).map_err(Failure::from)?;
    Ok(Look { attempts: Some(attempts), ..Look::default() })
}

/// The language asked of the server.
pub(crate) fn language(output: Output) -> Language {
    if output.lang == Lang::En { Language::English } else { Language::Japanese }
}
