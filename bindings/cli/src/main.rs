//! `kazasu`: arguments → core.

mod access;
mod answer;
mod args;
mod ask;
mod card;
mod columns;
mod config;
mod consent;
#[cfg(feature = "demo")]
mod demo;
#[cfg(feature = "demo")]
mod demo_family;
#[cfg(feature = "demo")]
mod demo_tasks;
mod duplicates;
mod export;
mod failure;
mod family;
mod files;
mod interrupt;
mod keep;
mod link;
mod log;
mod output;
mod payment;
#[cfg(feature = "pcsc")]
mod pcsc;
mod pem;
mod process;
mod prompt;
mod qualify;
mod records;
mod register;
mod report;
mod safety;
mod secrets;
mod sign_in;
mod suspend;
mod tap;

use std::process::ExitCode;

use kazasu::iso7816::TransportError;
use serde_json::json;

use args::{Command, Global, Lang};
use failure::Failure;
use output::Output;

/// Wipes every block when it is freed: copies that libraries made of a PIN or a token do not outlive their use.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    process::close_to_others();
    let arguments = match args::read(&with_list_command(std::env::args_os())) {
        Ok(arguments) => arguments,
        Err(error) => return misuse(&error),
    };
    let global = &arguments.global;
    let output = Output::of(global);
    interrupt::heed(output);
    let done = process::guarded(|| run(&arguments.command, global, output)).unwrap_or_else(|place| {
        output.note(format!("panic: {place}"));
        Err(kazasu::Error::Internal { detail: "a bug of this program" }.into())
    });
    let failure = match done {
        Ok(()) => output::take_untold(),
        Err(failure) => Some(failure),
    };
    let Some(failure) = failure else { return ExitCode::SUCCESS };
    output::tell(&failure, output);
    if let (kazasu::Error::Transport(TransportError::TagLost), false) = (failure.error(), global.short_apdu) {
        output.note(output.say(
            "  カードを動かしていないのに続く場合は、--short-apdu をお試しください",
            "  If the card was not moved and it happens again, please try --short-apdu.",
        ));
    }
    if failure.is_cancelled() { ExitCode::from(interrupt::exit_code()) } else { ExitCode::FAILURE }
}

/// Help and version as they are; anything else is a wrong argument, with the exit code shells expect of one.
fn misuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        output::told("standard output", error.print());
        let Some(failure) = output::take_untold() else { return ExitCode::SUCCESS };
        output::tell(&failure, Output { json: false, lang: output::locale_lang() });
        return ExitCode::FAILURE;
    }
    let arguments: Vec<_> = std::env::args_os().collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    let asks_for = |lang: &str| {
        arguments.windows(2).any(|pair| pair[0] == "--lang" && pair[1] == lang)
            || arguments.iter().any(|argument| *argument == *format!("--lang={lang}"))
    };
    let named = [("ja", Lang::Ja), ("en", Lang::En), ("easy", Lang::Easy)].into_iter().find(|(name, _)| asks_for(name));
    let lang = named.map_or_else(output::locale_lang, |(_, lang)| lang);
    // The explanation quotes arguments, which a script may have from anywhere.
    let flat = arguments.iter().map(|argument| output::shown(&argument.to_string_lossy()).into_owned().into());
    let text = match args::read(&with_list_command(flat)) {
        Err(error) => error.to_string(),
        Ok(_) => "an argument holds line breaks or characters that are not seen".to_owned(),
    };
    output::tell(&Failure::misuse(text.trim_start_matches("error: ").trim_end()), Output { json, lang });
    ExitCode::from(2)
}

fn run(command: &Command, global: &Global, output: Output) -> Result<(), Failure> {
    if global.reader.as_deref() == Some("list") {
        return list_readers(output);
    }
    // clap sees only what stands on one side of the command.
    if global.reader.is_some() && global.sim.is_some() {
        return Err(Failure::usage("--reader and --sim exclude each other"));
    }
    if global.member.is_some() && global.keep.is_some() {
        return Err(Failure::usage("--member and --keep exclude each other"));
    }
    // Whose card it is, is not looked at there: a PIN would go to whichever card lies on the reader.
    if global.member.is_some() && matches!(command, Command::Card(_)) {
        return Err(Failure::usage("card commands take the card that is there: --member is for the others"));
    }
    match command {
        #[cfg(feature = "demo")]
        Command::Demo => demo::run(global, output),
        Command::Card(command) => card::run(command, global, output),
        Command::Qualify => qualify::run(global, output),
        Command::Records(arguments) => records::run(arguments, global, output),
        Command::Consent(command) => consent::run(command, global, output),
        Command::Register(arguments) => register::run(arguments, global, output),
        Command::Report(arguments) => report::run(arguments, global, output),
        Command::Safety(arguments) => safety::run(arguments, global, output),
        Command::SignIn => sign_in::run(global, output),
        Command::Suspend(arguments) => suspend::run(arguments, global, output),
        Command::Member(command) => family::run(command, global, output),
        Command::Log(command) => log::run(command, global, output),
        Command::Payment(command) => payment::run(command, global, output),
        Command::Export(arguments) => export::run(arguments, global, output),
    }
}

fn list_readers(output: Output) -> Result<(), Failure> {
    let names = link::reader_names()?;
    for name in &names {
        output.line(name);
    }
    output.object(&json!({"readers": names}));
    Ok(())
}

/// `kazasu --reader list` names no command; `card info` stands in, and is not run.
fn with_list_command(arguments: impl Iterator<Item = std::ffi::OsString>) -> Vec<std::ffi::OsString> {
    let mut arguments: Vec<_> = arguments.collect();
    let lists = arguments.windows(2).any(|pair| pair[0] == "--reader" && pair[1] == "list")
        || arguments.iter().any(|argument| argument == "--reader=list");
    const COMMANDS: [&str; 14] = [
        "card", "qualify", "records", "consent", "register", "suspend", "sign-in", "member", "log", "safety", "report",
        "export", "payment", "demo",
    ];
    let names_command = arguments.iter().any(|argument| COMMANDS.iter().any(|name| argument == name));
    if lists && !names_command {
        arguments.extend(["card".into(), "info".into()]);
    }
    arguments
}
