//! `kazasu card …`: the card alone, without a server.

mod attributes;
mod authenticate;
mod certificate;
mod doctor;
mod face;
mod field;
mod info;
pub(crate) mod look;
mod pins;
mod proof;
mod read;
mod sign;

use crate::args::{CardCommand, Global};
use crate::failure::Failure;
use crate::output::Output;

pub(crate) fn run(command: &CardCommand, global: &Global, output: Output) -> Result<(), Failure> {
    match command {
        CardCommand::Info => info::run(global, output),
        CardCommand::PinStatus => pins::status(global, output),
        CardCommand::PinChange(arguments) => pins::change(arguments, global, output),
        CardCommand::Certificate { kind, ca, issuer, output: file } => {
            certificate::run(*kind, *ca, *issuer, file.as_deref(), global, output)
        }
        CardCommand::Attributes { verify } => attributes::run(*verify, global, output),
        CardCommand::Face(arguments) => face::run(arguments, global, output),
        CardCommand::Read(arguments) => read::run(arguments, global, output),
        CardCommand::BirthDate => attributes::birth_date(global, output),
        CardCommand::Sign(arguments) => sign::run(arguments, global, output),
        CardCommand::Authenticate { challenge, cached_certificate, ca } => {
            authenticate::run(challenge, cached_certificate.as_deref(), *ca, global, output)
        }
        CardCommand::Doctor { output: file, yes } => doctor::run(file.as_deref(), *yes, global, output),
    }
}
