//! Questions to be answered with yes or no before something is done.

use std::io::IsTerminal;

use kazasu::text;

use crate::failure::Failure;
use crate::output::Output;

/// Refuses, before any work, what nobody would be there to answer.
pub(crate) fn can_ask(yes: bool) -> Result<(), Failure> {
    if yes || std::io::stdin().is_terminal() { Ok(()) } else { Err(Failure::usage("no terminal to ask on: add --yes")) }
}

/// Whether the user agrees; anything but yes is no.
pub(crate) fn agrees(question: &str, output: Output) -> Result<bool, Failure> {
    output.begin(&format!("{} [y/N] ", text::one_line(question)));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(|_| Failure::usage("standard input cannot be read"))?;
    let agreed = matches!(answer.trim(), "y" | "Y" | "yes" | "はい");
    if !agreed {
        output.note(output.say("何もしませんでした。", "Nothing was done."));
    }
    Ok(agreed)
}
