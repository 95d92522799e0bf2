//! Access to one person's resources: with what `--keep` holds, else with a tap.

use std::sync::Arc;

use kazasu::jose::dpop::{DeviceKey, SoftwareDeviceKey};
use kazasu::qualify::{Access, DEFAULT_SCOPE, QualifyClient, Settings};

use crate::args::Global;
use crate::failure::Failure;
use crate::keep::Kept;
use crate::output::Output;
use crate::qualify;

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
    let mut settings = qualify::settings(global)?;
    ask_for(&mut settings, scopes);
    let Some(path) = &global.keep else {
        let key: Arc<dyn DeviceKey> = Arc::new(SoftwareDeviceKey::generate()?);
        let mut access = tapped(&settings, key, global, output)?;
        return work(&mut access).map_err(|failure| failure.told(access.server_text()));
    };
    // So that the next command needs no tap, and so that a lost card can be stopped.
    ask_for(&mut settings, &ALL_SCOPES);
    let mut kept = Kept::open(path)?;
    if kept.suspension.is_some() {
        return Err(Failure::usage("a suspension is waiting in this file: finish it with kazasu suspend"));
    }
    let key: Arc<dyn DeviceKey> = Arc::new(kept.key()?);
    if let Some(saved) = &kept.access {
        let client = Arc::new(QualifyClient::with_ring(&settings, qualify::language(output))?);
        let mut access = Access::resume(client, Arc::clone(&key), saved)?;
        match run(&mut access, &mut kept, &work) {
            Err(failure) if failure.code() == "KZ-A10" => {}
            outcome => return outcome,
        }
    }
    let mut access = tapped(&settings, key, global, output)?;
    run(&mut access, &mut kept, &work)
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

fn tapped(settings: &Settings, key: Arc<dyn DeviceKey>, global: &Global, output: Output) -> Result<Access, Failure> {
    let mut signed = qualify::sign_with(settings, key, global, output)?;
    signed.finish().map_err(|error| Failure::from(error).told(signed.server_text()))?;
    Ok(signed.into_access()?)
}

/// Does the work and keeps the tokens, which may have changed even if it failed.
fn run<T>(
    access: &mut Access,
    kept: &mut Kept,
    work: impl Fn(&mut Access) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let outcome = work(access).map_err(|failure| failure.told(access.server_text()));
    if let Some(saved) = access.take_unsaved()? {
        kept.access = Some(saved);
        kept.write()?;
    }
    outcome
}
