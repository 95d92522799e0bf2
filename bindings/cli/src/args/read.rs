//! Reading the arguments with as little of clap as they need.
//!
//! clap copies every global option into every command and clears it all again: two thirds of what a command of the card
//! costs this program. So commands that the arguments do not name are left out first. What is then read without an error is
//! what the whole tree would read: a word in the place of a command is one's name, or an error. Errors, help and the version
//! come from the whole tree, which has the words for them.

use std::ffi::OsString;
use std::mem::{self, ManuallyDrop};

use clap::{Args, CommandFactory, FromArgMatches, Parser};

use super::{Arguments, Global};

/// Reads the arguments, the program's name first.
pub(crate) fn read(arguments: &[OsString]) -> Result<Arguments, clap::Error> {
    // Trees stay until the program ends: to free them is to clear them, and there is no secret in them.
    let mut whole = ManuallyDrop::new(Arguments::command());
    let few = narrowed(&mut whole, arguments.get(1..).unwrap_or_default());
    match few.map(|few| read_by(&mut ManuallyDrop::new(few), arguments)) {
        None => read_by(&mut whole, arguments),
        Some(Ok(read)) => Ok(read),
        Some(Err(_)) => Arguments::try_parse_from(arguments),
    }
}

fn read_by(tree: &mut clap::Command, arguments: &[OsString]) -> Result<Arguments, clap::Error> {
    Arguments::from_arg_matches_mut(&mut tree.try_get_matches_from_mut(arguments)?).map_err(|error| error.format(tree))
}

/// The global options with the command that the words name; nothing where they name none or ask for help. The command is
/// gone from the whole tree then.
fn narrowed(whole: &mut clap::Command, words: &[OsString]) -> Option<clap::Command> {
    if words.iter().any(|word| word == "--help" || word == "-h") {
        return None;
    }
    let command = named(whole, words)?;
    Some(Global::augment_args(alone(whole)).subcommand(command))
}

/// The command below `parent` that the words name first, taken out, without the commands below it that they do not name.
fn named(parent: &mut clap::Command, words: &[OsString]) -> Option<clap::Command> {
    let mut words = words.iter();
    let found = words.by_ref().find_map(|word| parent.find_subcommand(word).map(|_| word))?;
    let mut command = mem::take(parent.find_subcommand_mut(found)?);
    // A group of commands has no options of its own.
    if command.get_arguments().next().is_none()
        && let Some(below) = named(&mut command, words.as_slice())
    {
        let group = ManuallyDrop::new(command);
        return Some(alone(&group).subcommand(below));
    }
    Some(command)
}

/// A command of this name without anything below it.
fn alone(command: &clap::Command) -> clap::Command {
    clap::Command::new(&*command.get_name().to_owned().leak())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    /// Every command without others below it, as the words that name it.
    fn leaves(command: &clap::Command, before: &str) -> Vec<String> {
        let below =
            command.get_subcommands().flat_map(|below| leaves(below, &format!("{before} {}", below.get_name())));
        let mut all: Vec<_> = below.collect();
        if all.is_empty() {
            all.push(before.trim_start().to_owned());
        }
        all
    }

    /// All that clap knows of the command that the words name, and the number of commands in the tree.
    fn known(mut tree: clap::Command, line: &str) -> (Vec<String>, usize) {
        let size = leaves(&tree, "").len();
        tree.build();
        let command = words(line).iter().fold(&tree, |at, word| at.find_subcommand(word).expect("a command"));
        let mut options: Vec<_> = command.get_arguments().map(|argument| format!("{argument:?}")).collect();
        options.extend(command.get_groups().map(|group| format!("{group:?}")));
        options.sort();
        (options, size)
    }

    #[test]
    fn a_named_command_stands_alone_and_as_in_the_whole_tree() {
        let all = leaves(&Arguments::command(), "");
        assert!(all.len() > 30, "{all:?}");
        for line in &all {
            let few = narrowed(&mut Arguments::command(), &words(line)).expect("a command");
            let (options, size) = known(few, line);
            assert_eq!((options, size), (known(Arguments::command(), line).0, 1), "{line}");
        }
    }

    #[test]
    fn a_value_that_is_a_command_s_name_misleads_nobody() {
        for line in
            ["kazasu --reader card qualify", "kazasu --member log card info", "kazasu --store card card card info"]
        {
            let (read, whole) = (read(&words(line)), Arguments::try_parse_from(words(line)));
            match (read, whole) {
                (Ok(read), Ok(whole)) => {
                    assert_eq!(mem::discriminant(&read.command), mem::discriminant(&whole.command), "{line}");
                    assert_eq!((read.global.reader, read.global.member), (whole.global.reader, whole.global.member));
                }
                (read, whole) => {
                    assert_eq!(read.err().map(|e| e.to_string()), whole.err().map(|e| e.to_string()), "{line}")
                }
            }
        }
    }

    #[test]
    fn errors_and_help_are_those_of_the_whole_tree() {
        for line in [
            "kazasu",
            "kazasu --help",
            "kazasu card",
            "kazasu card --help",
            "kazasu card inf",
            "kazasu crad info",
            "kazasu help card",
            "kazasu card info --persn 1",
            "kazasu --version",
            "kazasu card info --person 11",
        ] {
            let (read, whole) = (read(&words(line)).err(), Arguments::try_parse_from(words(line)).err());
            assert_eq!(read.map(|e| e.to_string()), whole.map(|e| e.to_string()), "{line}");
        }
    }
}
