//! Puts a simulated My Number card into a virtual PC/SC reader.

use clap::Parser;
use kazasu_card_sim::{
    ATR_CONTACT, ATR_CONTACTLESS, Card, Config, Ending, Event, Exchange, FaultAt, Profile, Validity, VpcdServer,
};
use serde::Serialize;
use std::{
    error::Error,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// A simulated My Number card with a synthetic holder.
///
/// Connects to a virtual reader (vpcd), which inserts the card, and answers until the reader closes. Prints one JSON line
/// when inserted.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Address of the virtual reader, such as 127.0.0.1:35963
    #[arg(long, value_name = "HOST:PORT", required_unless_present = "reset")]
    vpcd: Option<String>,
    /// today, next-p256, next-p384, phone, old or not-jpki
    #[arg(long, default_value = "today")]
    profile: Profile,
    /// Whose card, 1 to 10
    #[arg(long, value_name = "N", default_value_t = 1)]
    person: u8,
    /// File that keeps PINs and tries from run to run
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Begin with the PINs and tries of a new card; without --vpcd, only do that
    #[arg(long, requires = "state")]
    reset: bool,
    /// Insert the card this many milliseconds after starting
    #[arg(long, value_name = "MS", default_value_t = 0)]
    insert_after: u64,
    /// After a fault took the card away, insert it again this many milliseconds later instead of ending
    #[arg(long, value_name = "MS")]
    reinsert_after: Option<u64>,
    /// Print a JSON line for each exchange: INS, status word and lengths
    #[arg(long)]
    trace: bool,
    /// A fault such as ins=20:drop-after, exchange=4:status=6F00, ins=2A:delay=3000, exchange=2:truncate=1,
    /// exchange=2:flip-bit=9 or exchange=3:drop; may be given several times
    #[arg(long, value_name = "SPEC")]
    fault: Vec<FaultAt>,
    /// Answer to reset: hex, or `contact` or `contactless`
    #[arg(long, value_name = "HEX", default_value = "contact", value_parser = parse_atr)]
    atr: Atr,
    /// Refuse short EF identifiers
    #[arg(long)]
    no_sfi: bool,
    /// Refuse extended-length commands
    #[arg(long)]
    no_extended: bool,
    /// Answer the first command after power-on with 6F00
    #[arg(long = "first-command-6f00")]
    first_command_6f00: bool,
    /// Answer with 61xx and 6Cxx like a T=0 card
    #[arg(long)]
    procedure_bytes: bool,
    /// Answer 6983 instead of 6984 to VERIFY with a blocked PIN
    #[arg(long)]
    blocked_as_6983: bool,
    /// Answer 9000 to the query for tries left of a verified PIN
    #[arg(long)]
    query_after_verify_9000: bool,
    /// Close PINs when the current application is selected again
    #[arg(long)]
    strict_reselect: bool,
    /// Keep PINs open over a warm reset
    #[arg(long)]
    warm_reset_keeps_pins: bool,
    /// What fills the certificate files after the certificate: 00, FF or none
    #[arg(long, default_value = "00", value_parser = parse_filler)]
    certificate_filler: Filler,
    /// First valid second of the certificates, in unix seconds
    #[arg(long, value_name = "SECONDS", requires = "not_after")]
    not_before: Option<u64>,
    /// Last valid second of the certificates, in unix seconds
    #[arg(long, value_name = "SECONDS", requires = "not_before")]
    not_after: Option<u64>,
    /// Put the policy of signature certificates into the authentication certificate
    #[arg(long)]
    wrong_policy: bool,
    /// Sign something else than what was sent
    #[arg(long)]
    wrong_signature: bool,
}

#[derive(Clone, Debug)]
struct Atr(Vec<u8>);

#[derive(Clone, Copy, Debug)]
struct Filler(Option<u8>);

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
    let config = arguments.config();
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

impl Arguments {
    fn config(&self) -> Config {
        Config {
            sfi: !self.no_sfi,
            extended: !self.no_extended,
            first_command_6f00: self.first_command_6f00,
            procedure_bytes: self.procedure_bytes,
            blocked_as_6983: self.blocked_as_6983,
            query_after_verify_9000: self.query_after_verify_9000,
            strict_reselect: self.strict_reselect,
            warm_reset_keeps_pins: self.warm_reset_keeps_pins,
            certificate_filler: self.certificate_filler.0,
            certificate_validity: self
                .not_before
                .zip(self.not_after)
                .map(|(not_before, not_after)| Validity { not_before, not_after }),
            wrong_policy: self.wrong_policy,
            wrong_signature: self.wrong_signature,
            atr: self.atr.0.clone(),
            ..Config::new(self.profile, self.person)
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

fn parse_atr(text: &str) -> Result<Atr, String> {
    match text {
        "contact" => return Ok(Atr(ATR_CONTACT.to_vec())),
        "contactless" => return Ok(Atr(ATR_CONTACTLESS.to_vec())),
        _ => {}
    }
    let digits: Vec<u32> =
        text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>().ok_or("an ATR is hex digits")?;
    let bytes: Vec<u8> =
        digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | *digit as u8)).collect();
    let fits = digits.len().is_multiple_of(2) && (2..=33).contains(&bytes.len());
    if fits { Ok(Atr(bytes)) } else { Err("an ATR is 2 to 33 bytes (ISO/IEC 7816-3, 8.2.1)".to_owned()) }
}

fn parse_filler(text: &str) -> Result<Filler, String> {
    match text {
        "none" => Ok(Filler(None)),
        "00" => Ok(Filler(Some(0x00))),
        "FF" | "ff" => Ok(Filler(Some(0xFF))),
        _ => Err("the filler is 00, FF or none".to_owned()),
    }
}
