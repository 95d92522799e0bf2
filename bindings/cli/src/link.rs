//! The card the command talks to: a reader or the embedded simulation, traced where asked for.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use kazasu::iso7816::{CardTransport, Exchange, ShortTransport, TracedTransport};
use serde_json::json;

use crate::args::{Global, Protocol};
use crate::failure::Failure;
use crate::files;
use crate::interrupt::HeldCard;
use crate::output::{self, Output};

/// Waits until a card is there; does not touch it yet. The simulated card always is.
pub(crate) fn wait(global: &Global, output: Output) -> Result<(), Failure> {
    if global.sim.is_some() { Ok(()) } else { wait_for_reader(global.reader.as_deref(), output) }
}

/// Opens the card named by `--sim` or `--reader`, the first reader for neither.
pub(crate) fn open(global: &Global, output: Output) -> Result<Box<dyn CardTransport>, Failure> {
    let card = match (&global.sim, &global.reader) {
        (Some(profile), _) => simulated(profile, global)?,
        (None, reader) => reader_by_name(reader.as_deref(), global.protocol, output)?,
    };
    traced(Box::new(HeldCard::new(card)), global)
}

/// The same card, kept to short APDUs and traced where `--short-apdu` and `--trace` ask for it.
pub(crate) fn traced(card: Box<dyn CardTransport>, global: &Global) -> Result<Box<dyn CardTransport>, Failure> {
    let card = if global.short_apdu { Box::new(ShortTransport(card)) } else { card };
    match &global.trace {
        Some(file) => Ok(Box::new(TracedTransport::new(card, tracer(file)?))),
        None => Ok(card),
    }
}

/// The file of `--trace`, and the exchanges in it: a second link of the same run goes on where the first ended.
static TRACE: Mutex<Option<(File, u32)>> = Mutex::new(None);

/// Writes one line per exchange.
fn tracer(path: &Path) -> Result<impl FnMut(Exchange) + 'static, Failure> {
    let mut trace = TRACE.lock().unwrap_or_else(PoisonError::into_inner);
    if trace.is_none() {
        let file = files::stream(path).map_err(|error| Failure::usage(format!("--trace: {error}")))?;
        *trace = Some((file, 0));
    }
    Ok(move |exchange: Exchange| {
        let mut trace = TRACE.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((file, number)) = &mut *trace else { return };
        *number += 1;
        let mut line = json!({
            "n": number,
            "ins": format!("{:02X}", exchange.ins),
            "command_len": exchange.command_len,
            "response_len": exchange.response_len,
            "micros": exchange.micros,
        });
        match exchange.outcome {
            Ok(status) => line["sw"] = format!("{status:04X}").into(),
            Err(error) => line["error"] = error.to_string().into(),
        }
        // In one piece: whoever follows the file sees whole lines.
        output::told("--trace", file.write_all(format!("{line}\n").as_bytes()));
    })
}

#[cfg(feature = "demo")]
fn simulated(profile: &str, global: &Global) -> Result<Box<dyn CardTransport>, Failure> {
    let card = simulated_card(profile, global.person.unwrap_or(1), global.sim_state.as_deref())?;
    Ok(Box::new(kazasu_card_sim::SimTransport::tap(card)))
}

/// A simulated card of this profile and person.
#[cfg(feature = "demo")]
pub(crate) fn simulated_card(
    profile: &str,
    person: u8,
    state: Option<&Path>,
) -> Result<std::sync::Arc<std::sync::Mutex<kazasu_card_sim::Card>>, Failure> {
    use kazasu_card_sim::{Card, Config};
    let config = Config::named(profile, person).map_err(|error| Failure::usage(format!("--sim: {error}")))?;
    let card = match state {
        Some(file) => Card::with_state(config, file),
        None => Card::new(config),
    };
    let card = card.map_err(|error| Failure::usage(format!("simulated card: {error}")))?;
    Ok(std::sync::Arc::new(std::sync::Mutex::new(card)))
}

#[cfg(not(feature = "demo"))]
fn simulated(_profile: &str, _global: &Global) -> Result<Box<dyn CardTransport>, Failure> {
    Err(Failure::usage("this build has no simulated card: build with the feature demo"))
}

#[cfg(feature = "pcsc")]
fn reader_by_name(
    name: Option<&str>,
    protocol: Option<Protocol>,
    output: Output,
) -> Result<Box<dyn CardTransport>, Failure> {
    let protocols = match protocol {
        None => pcsc::Protocols::ANY,
        Some(Protocol::T0) => pcsc::Protocols::T0,
        Some(Protocol::T1) => pcsc::Protocols::T1,
    };
    Ok(Box::new(crate::pcsc::PcscTransport::open(name, protocols, || ask_for_card(output))?))
}

#[cfg(feature = "pcsc")]
fn wait_for_reader(name: Option<&str>, output: Output) -> Result<(), Failure> {
    Ok(crate::pcsc::wait(name, || ask_for_card(output))?)
}

#[cfg(feature = "pcsc")]
fn ask_for_card(output: Output) {
    output.note(output.say("カードをリーダーに置いてください…", "Please place the card on the reader…"));
}

#[cfg(not(feature = "pcsc"))]
fn wait_for_reader(name: Option<&str>, output: Output) -> Result<(), Failure> {
    reader_by_name(name, None, output).map(drop)
}

#[cfg(not(feature = "pcsc"))]
fn reader_by_name(
    _name: Option<&str>,
    _protocol: Option<Protocol>,
    _output: Output,
) -> Result<Box<dyn CardTransport>, Failure> {
    Err(Failure::usage("this build has no PC/SC: build with --features pcsc, or use --sim today"))
}

#[cfg(feature = "pcsc")]
pub(crate) fn reader_names() -> Result<Vec<String>, Failure> {
    Ok(crate::pcsc::reader_names()?)
}

#[cfg(not(feature = "pcsc"))]
pub(crate) fn reader_names() -> Result<Vec<String>, Failure> {
    Err(Failure::usage("this build has no PC/SC: build with --features pcsc"))
}
