//! `kazasu-sandbox`: the reference backend on a port of this machine, until SIGINT or SIGTERM.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;

use clap::Parser;
use kazasu_sandbox::{LogTarget, Mode, Options, SealMode, Switch, SwitchName};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};

/// Reference backend for developers: authorization server and FHIR R4 server with ten synthetic people.
///
/// Prints one JSON line with `issuer` and `fhir_base` when it listens, one with the address of the admin page if there
/// is one, then one line for each request.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Serve an admin page on this port of 127.0.0.1, over plain HTTP; port 0 takes a free one.
    #[arg(long, value_name = "PORT")]
    admin: Option<u16>,
    /// Write a client configuration to this file, and certificates beside it.
    #[arg(long, value_name = "FILE")]
    config_out: Option<PathBuf>,
    /// Keep in this file over a restart what was written, who is suspended, used nonces and idempotency outcomes.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Backend modes that discovery offers: card, exchange, oidc.
    #[arg(long, value_name = "MODE,…", value_delimiter = ',', default_value = "card")]
    modes: Vec<Mode>,
    /// Keep the resources on this FHIR R4 server in place of the synthetic ones.
    #[arg(long, value_name = "URL")]
    fhir_base: Option<String>,
    /// Authorities, in PEM, that a FHIR server with https is trusted by.
    #[arg(long, value_name = "FILE", requires = "fhir_base")]
    fhir_root: Option<PathBuf>,
    /// Redirect URI of the client in mode oidc.
    #[arg(long, value_name = "URL", default_value = "https://app.kazasu.example/callback")]
    redirect_uri: String,
    /// Seal answers of the FHIR server (L4): off, optional or required.
    #[arg(long, value_name = "MODE", default_value = "off")]
    seal: SealMode,
    /// Write every FHIR body received and answered to this folder, one a file.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
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
    arguments.record.iter().try_for_each(std::fs::create_dir_all)?;
    let sandbox = kazasu_sandbox::start(Options {
        listen: arguments.listen,
        admin: arguments.admin,
        switches: arguments.switches,
        modes: arguments.modes,
        fhir_base: arguments.fhir_base,
        fhir_roots_der: arguments.fhir_root.as_deref().map(read_pem).transpose()?.unwrap_or_default(),
        redirect_uri: arguments.redirect_uri,
        state: arguments.state,
        seal: arguments.seal,
        record: arguments.record,
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

fn read_pem(file: &Path) -> io::Result<Vec<Vec<u8>>> {
    let read =
        |certificate: Result<CertificateDer<'_>, pem::Error>| Ok(certificate.map_err(io::Error::other)?.to_vec());
    CertificateDer::pem_file_iter(file).map_err(io::Error::other)?.map(read).collect()
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
