//! `kazasu-sandbox`: the reference backend on a port of this machine, until SIGINT or SIGTERM.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;

use clap::Parser;
use kazasu_sandbox::{LogTarget, Options, SealMode, Switch, SwitchName};

/// Reference backend for developers: authorization server and FHIR R4 server with ten synthetic people.
///
/// Prints one JSON line with `issuer` and `fhir_base` when it listens, then one line for each request.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Write a client configuration to this file, and certificates beside it.
    #[arg(long, value_name = "FILE")]
    config_out: Option<PathBuf>,
    /// Keep in this file over a restart what was written, who is suspended, used nonces and idempotency outcomes.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Seal answers of the FHIR server (L4): off, optional or required.
    #[arg(long, value_name = "MODE", default_value = "off")]
    seal: SealMode,
    /// Arm a switch; may be given more than once.
    #[arg(long = "switch", value_name = "NAME[:TIMES][=VALUE]")]
    switches: Vec<Switch>,
    /// Print the name of every switch with what it does, and end.
    #[arg(long)]
    list_switches: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kazasu-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> io::Result<()> {
    if arguments.list_switches {
        for name in SwitchName::ALL {
            println!("{:<26}{}", name.as_str(), name.description());
        }
        return Ok(());
    }
    // Lines wait until the configuration is written: whoever reads the first line may read the file.
    let (sender, lines) = mpsc::channel::<String>();
    let sandbox = kazasu_sandbox::start(Options {
        listen: arguments.listen,
        switches: arguments.switches,
        state: arguments.state,
        seal: arguments.seal,
        log: LogTarget::Callback(Box::new(move |line| drop(sender.send(line.to_owned())))),
        ..Options::default()
    })?;
    if let Some(file) = arguments.config_out {
        sandbox.write_config(&file)?;
    }
    std::thread::spawn(move || {
        for line in lines {
            // A closed pipe must not stop the server.
            drop(writeln!(io::stdout().lock(), "{line}"));
        }
    });
    wait_for_signal()?;
    sandbox.stop();
    Ok(())
}

fn wait_for_signal() -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        #[cfg(unix)]
        {
            let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
            tokio::select! {
                interrupted = tokio::signal::ctrl_c() => interrupted,
                _ = terminated.recv() => Ok(()),
            }
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await
    })
}
