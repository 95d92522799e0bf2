//! A secret from the terminal, without echo. The terminal's own line editing works as everywhere.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Result, Write};

use rustix::termios::{LocalModes, SpecialCodeIndex, tcgetattr};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::interrupt::Silence;

/// Refuses, before any work, what nobody would be there to answer.
pub(crate) fn can_ask() -> std::result::Result<(), Failure> {
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty");
    terminal.map(drop).map_err(|_| Failure::usage("no terminal to ask for the PIN: use --pin-stdin"))
}

/// Asks on the terminal the program was started from, whatever its input and output are.
///
/// # Errors
/// [`ErrorKind::UnexpectedEof`] for Ctrl-D in place of an answer; [`ErrorKind::InvalidData`] for a line of more than `most`
/// bytes; else there is no terminal.
pub(crate) fn secret(question: &str, most: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    let before = tcgetattr(&terminal)?;
    let mut settings = before.clone();
    settings.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL);
    settings.local_modes.insert(LocalModes::ICANON | LocalModes::ISIG);
    // A stopped program would leave the terminal without echo.
    settings.special_codes[SpecialCodeIndex::VSUSP] = DISABLED;
    // Before the question: whoever answers at once is not shown either.
    let silence = Silence::begin(&terminal, before, &settings)?;
    terminal.write_all(question.as_bytes())?;
    let line = line(&mut terminal, most);
    drop(silence);
    let _ = terminal.write_all(b"\n");
    line
}

/// `_POSIX_VDISABLE` of Linux and macOS differ; this is that of the system.
#[cfg(target_os = "linux")]
const DISABLED: u8 = 0;
#[cfg(not(target_os = "linux"))]
const DISABLED: u8 = 0xff;

/// Up to the end of the line, byte by byte into memory that is wiped.
fn line(terminal: &mut File, most: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(most));
    let mut byte = Zeroizing::new([0]);
    loop {
        if terminal.read(&mut *byte)? == 0 {
            return if line.is_empty() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(line) };
        }
        match byte[0] {
            b'\n' => return Ok(line),
            _ if line.len() == most => return Err(ErrorKind::InvalidData.into()),
            byte => line.push(byte),
        }
    }
}
