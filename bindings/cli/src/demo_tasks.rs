//! What the demo shows after the records: a registration followed to its end, and the stop of a lost card.

use std::sync::Arc;

use kazasu::fhir::{SuspensionReason, Task};
use kazasu::jose::dpop::DeviceKey;
use kazasu::qualify::{Access, Notice, QualifyClient, Suspended, Suspension};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::Output;
use crate::{register, suspend};

/// More looks than the sandbox needs.
const MOST_LOOKS: usize = 8;

/// A registration, with every state it was seen in.
pub(crate) struct Registration {
    task: Task,
    states: Vec<&'static str>,
}

/// Asks for a registration and looks until nothing more will happen; the sandbox moves on with each look.
pub(crate) fn register(access: &mut Access) -> Result<Registration, Failure> {
    let notice = Notice { id: "demo-1".to_owned(), text: "利用登録を申し込みます。".to_owned() };
    let request = access.prepare_registration(&notice)?;
    let mut task = access.register(&request)?;
    let receipt = task.receipt().unwrap_or_default().to_owned();
    let mut states = vec![task.registration_state().name()];
    while !task.registration_state().is_final() && states.len() < MOST_LOOKS {
        task = access.registration(&receipt)?.ok_or_else(|| Failure::usage("the registration is gone"))?;
        states.push(task.registration_state().name());
    }
    Ok(Registration { task, states })
}

/// Stops access with what the tap left, as if the card were lost.
pub(crate) fn suspend(
    access: &mut Access,
    client: Arc<QualifyClient>,
    key: Arc<dyn DeviceKey>,
) -> Result<Suspended, Failure> {
    let now = access.server_time();
    let saved = access.take_unsaved()?.ok_or_else(|| Failure::usage("nothing to stop with"))?;
    let mut suspension = Suspension::prepare(&saved, SuspensionReason::Lost, Some(now), now)?;
    let suspended = suspension.send(client, key)?;
    suspension.give_up();
    Ok(suspended)
}

pub(crate) fn print(registration: &Registration, suspended: &Suspended, output: Output) {
    output.line("");
    register::print(&registration.task, output);
    output.field(output.say("経過", "Went through"), &registration.states.join("→"));
    output.line("");
    suspend::print(suspended, output);
}

pub(crate) fn to_json(registration: &Registration, suspended: &Suspended) -> (Value, Value) {
    (json!(registration.states), json!({"confirmed": suspended.is_confirmed, "effect": suspended.effect.name()}))
}
