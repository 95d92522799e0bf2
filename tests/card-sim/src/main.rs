//! Puts a simulated My Number card into a virtual PC/SC reader.

mod arguments;

use arguments::Arguments;
use clap::Parser;
use kazasu_card_sim::{Card, Ending, Event, Exchange, VpcdServer};
use serde::Serialize;
use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kazasu-card-sim: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let config = arguments.config()?;
    let (profile, person) = (config.profile.to_string(), config.person);
    let card = match &arguments.state {
        Some(path) if arguments.reset => Card::with_new_state(config, path)?,
        Some(path) => Card::with_state(config, path)?,
        None => Card::new(config)?,
    };
    let Some(address) = arguments.vpcd else { return Ok(()) };
    thread::sleep(Duration::from_millis(arguments.insert_after));
    let slot = VpcdServer::new(Arc::new(Mutex::new(card)));
    let mut slot = arguments.fault.iter().fold(slot, |slot, fault| slot.with_fault(*fault));
    loop {
        let ending = slot.run(
            address.as_str(),
            || false,
            |event| match event {
                Event::Connected(reader) => {
                    print(&Connected { connected: reader.to_string(), profile: &profile, person });
                }
                Event::Exchange(exchange) if arguments.trace => print(&describe(exchange)),
                Event::Exchange(_) => {}
            },
        )?;
        match (ending, arguments.reinsert_after) {
            (Ending::Lost, Some(milliseconds)) => thread::sleep(Duration::from_millis(milliseconds)),
            _ => return Ok(()),
        }
    }
}

fn describe(exchange: Exchange) -> Line {
    let Exchange { ins, command_len, response_len, sw } = exchange;
    Line { ins: format!("{ins:02X}"), sw: sw.map(|sw| format!("{sw:04X}")), command_len, response_len }
}

/// Told once the card lies in the reader.
#[derive(Serialize)]
struct Connected<'a> {
    connected: String,
    profile: &'a str,
    person: u8,
}

/// Told for each exchange with `--trace`; `null` stands for what was lost.
#[derive(Serialize)]
struct Line {
    ins: String,
    sw: Option<String>,
    command_len: usize,
    response_len: Option<usize>,
}

/// One line at once, also into a pipe. Whoever closed the pipe does not want the line.
fn print(line: &impl Serialize) {
    let mut out = io::stdout().lock();
    let line = serde_json::to_string(line).unwrap_or_default();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
