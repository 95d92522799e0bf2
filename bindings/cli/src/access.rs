//! Access to one person's resources: with what `--keep` or the store holds, else with a tap.

use std::sync::Arc;

use kazasu::jose::dpop::SoftwareDeviceKey;
use kazasu::qualify::{Access, DEFAULT_SCOPE, QualifyClient, Settings};
use kazasu::session::{Member, Signed};
use kazasu::store::Event;

use crate::args::Global;
use crate::failure::Failure;
use crate::family::keeper::{self, Keeper};
use crate::output::Output;
use crate::tap;

/// Asks for these scopes beside those of the configuration. The server decides.
pub(crate) fn ask_for(settings: &mut Settings, scopes: &[&str]) {
    let scope = settings.scope.get_or_insert_with(|| DEFAULT_SCOPE.to_owned());
    for wanted in scopes {
        if !scope.split(' ').any(|asked| asked == *wanted) {
            *scope = format!("{scope} {wanted}");
        }
    }
}

/// Does `work` with access that has `scopes`, and keeps what is left of it.
pub(crate) fn with<T>(
    scopes: &[&str],
    global: &Global,
    output: Output,
    work: impl Fn(&mut Access) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let Some(mut keeper) = keeper::chosen(global)? else {
        let mut settings = tap::settings(global)?;
        ask_for(&mut settings, scopes);
        let member = Member::new(Arc::new(SoftwareDeviceKey::generate()?));
        let mut signed = tap::sign_with(&settings, member, global, output).map_err(|failed| *failed)?;
        signed.finish().map_err(|error| Failure::from(error).told(signed.server_text()))?;
        let mut access = signed.into_access()?;
        return work(&mut access).map_err(|failure| failure.told(access.server_text()));
    };
    let outcome = with_keeper(&mut *keeper, global, output, work)?;
    keeper.close()?;
    Ok(outcome)
}

/// [`with`] for something that the log tells: `work` answers `None` where the user then did not want it.
pub(crate) fn changing<T>(
    event: Event,
    scopes: &[&str],
    global: &Global,
    output: Output,
    work: impl Fn(&mut Access) -> Result<Option<T>, Failure>,
) -> Result<Option<T>, Failure> {
    let Some(mut keeper) = keeper::chosen(global)? else { return with(scopes, global, output, work) };
    let done = |outcome: &Option<T>| outcome.as_ref().map(|_| event);
    let outcome = with_keeper_telling(&mut *keeper, global, output, work, done);
    match &outcome {
        Ok(_) => {}
        // What could not be asked for.
        Err(failure) if failure.code() == "KZ-U01" => {}
        Err(failure) => keeper.tell(event, Err(failure.error()))?,
    }
    keeper.close()?;
    outcome
}

/// Does `work` with what is kept, else with a tap.
pub(crate) fn with_keeper<T>(
    keeper: &mut dyn Keeper,
    global: &Global,
    output: Output,
    work: impl Fn(&mut Access) -> Result<T, Failure>,
) -> Result<T, Failure> {
    with_keeper_telling(keeper, global, output, work, |_| None)
}

/// [`with_keeper`] where the log tells of what was done: it is kept together with the tokens that it was done with.
fn with_keeper_telling<T>(
    keeper: &mut dyn Keeper,
    global: &Global,
    output: Output,
    work: impl Fn(&mut Access) -> Result<T, Failure>,
    done: impl Fn(&T) -> Option<Event>,
) -> Result<T, Failure> {
    let mut settings = tap::settings(global)?;
    // So that the next command needs no tap, and so that a lost card can be stopped.
    ask_for(&mut settings, &ALL_SCOPES);
    keeper.prepare(&mut settings);
    no_stop_waits(keeper)?;
    if let Some(saved) = keeper.access()? {
        let client = Arc::new(QualifyClient::with_ring(&settings, tap::language(output))?);
        let member = keeper.member(&settings)?;
        let mut access = Access::resume(client, member.device_key, &saved)?;
        access.check_patient(member.patient.as_deref())?;
        match run(&mut access, keeper, &work, &done) {
            Err(failure) if failure.code() == "KZ-A10" => {}
            outcome => return outcome,
        }
    }
    let mut access = tapped(&settings, keeper, global, output)?;
    run(&mut access, keeper, &work, &done)
}

/// A stop that has not arrived comes before everything else.
pub(crate) fn no_stop_waits(keeper: &dyn Keeper) -> Result<(), Failure> {
    if keeper.suspension()?.is_none() {
        return Ok(());
    }
    Err(Failure::usage("a suspension is waiting: finish it with kazasu suspend").advise(
        "停止がまだ届いていません。もう一度 kazasu suspend を実行してください",
        "A stop has not arrived yet. Please run kazasu suspend again.",
    ))
}

/// Everything that the commands of this program may ask for.
pub(crate) const ALL_SCOPES: [&str; 8] = [
    "patient/ExplanationOfBenefit.rs",
    "patient/MedicationDispense.rs",
    "patient/Immunization.rs",
    "patient/Observation.rs",
    "patient/AuditEvent.rs",
    "patient/Consent.crus",
    "patient/Task.crus",
    "offline_access",
];

/// Access after a tap by whoever the keeper is for.
fn tapped(settings: &Settings, keeper: &mut dyn Keeper, global: &Global, output: Output) -> Result<Access, Failure> {
    let mut signed = sign_for(settings, keeper, global, output)?;
    signed.finish().map_err(|error| Failure::from(error).told(signed.server_text()))?;
    Ok(signed.into_access()?)
}

/// Everything up to the signature of the card that the keeper knows, or the first one for a new keeper.
pub(crate) fn sign_for(
    settings: &Settings,
    keeper: &mut dyn Keeper,
    global: &Global,
    output: Output,
) -> Result<Signed, Failure> {
    match tap::sign_with(settings, keeper.member(settings)?, global, output) {
        Ok(signed) => {
            keeper.tapped(&signed)?;
            Ok(signed)
        }
        Err(failure) => {
            keeper.failed(&failure)?;
            Err(*failure)
        }
    }
}

/// Does the work and keeps the tokens, which may have changed even if it failed.
fn run<T>(
    access: &mut Access,
    keeper: &mut dyn Keeper,
    work: impl Fn(&mut Access) -> Result<T, Failure>,
    done: impl Fn(&T) -> Option<Event>,
) -> Result<T, Failure> {
    let outcome = work(access).map_err(|failure| failure.told(access.server_text()));
    keeper.keep_access(access, outcome.as_ref().ok().and_then(done))?;
    outcome
}
