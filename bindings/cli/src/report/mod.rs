//! `kazasu report`: one page that needs no network, to read on a phone, to print and to show.
//!
//! [`render`] is a function of its [`ReportInput`]. The page has no scripts and loads nothing; its policy forbids both.

mod axis;
mod bars;
mod expenses;
mod html;
mod input;
mod lines;
mod stored;
mod summary;
mod words;

pub(crate) use words::{grouped, kind_words};

use std::io::Read;
use std::path::Path;

use base64ct::{Base64, Encoding};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::args::{Global, Lang, ReportArguments};
use crate::failure::Failure;
use crate::files::Destination;
use crate::output::Output;
use html::escape;
use input::ReportInput;
use words::Tongue;

/// Largest file read, in bytes.
const MAX_FILE: u64 = 16 << 20;
const STYLE: &str = include_str!("style.css");

pub(crate) fn run(arguments: &ReportArguments, global: &Global, output: Output) -> Result<(), Failure> {
    let mut input = match &arguments.from {
        Some(path) => from_file(path)?,
        None => stored::input(arguments, global, output)?,
    };
    input.japanese = output.lang != Lang::En;
    Destination::replacing(&arguments.output)?.write(render(&input).as_bytes())?;
    let shown = arguments.output.display().to_string();
    output.line(format!("{}: {shown}", output.say("保存しました", "Saved")));
    output.object(&json!({"report": shown}));
    Ok(())
}

fn from_file(path: &Path) -> Result<ReportInput, Failure> {
    let fault = |detail: &dyn std::fmt::Display| Failure::usage(format!("{}: {detail}", path.display()));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| fault(&error))?;
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(|error| fault(&error))?;
    serde_json::from_slice(&bytes).map_err(|error| fault(&error))
}

/// The page, complete.
pub(crate) fn render(input: &ReportInput) -> String {
    let tongue = Tongue { japanese: input.japanese };
    let title = tongue.say("医療費と健診のまとめ", "Health expenses and check-ups");
    let people: String = input.people.iter().map(|person| format!("<li>{}</li>", escape(&person.nickname))).collect();
    let made = format!("{} {}", tongue.say("作成", "Made"), tongue.time(input.generated_at));
    let lang = tongue.say("ja", "en");
    let hash = Base64::encode_string(&Sha256::digest(STYLE.as_bytes()));
    // The hash is that of the text between the tags of `style`.
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{hash}'; \
         base-uri 'none'; form-action 'none'\"/>\n<meta name=\"referrer\" content=\"no-referrer\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<header><h1>{title}</h1>\n<p class=\"made\">{made}</p>\n"
    );
    if !people.is_empty() {
        page += &format!("<ul class=\"people\">{people}</ul>\n");
    }
    page += "</header>\n<main>\n";
    page += &section(tongue.say("資格", "Eligibility"), &summary::coverages(input, tongue));
    if let Some(duplicates) = &input.duplicates {
        let body = summary::duplicates(duplicates, input, tongue);
        page += &section(tongue.say("お薬の重複", "Medicines that may be the same"), &body);
    }
    page += &section(tongue.say("医療費", "Expenses"), &expenses::section(input, tongue));
    page += &section(tongue.say("医療費控除（試算）", "Deduction (estimate)"), &expenses::deductions(input, tongue));
    page += &section(tongue.say("健診", "Check-ups"), &summary::checkups(input, tongue));
    let notes: String = input.notes.iter().map(|note| format!("<p>{}</p>\n", escape(note))).collect();
    page += &section(tongue.say("メモ", "Notes"), &notes);
    let foot = tongue.say(
        "健康に関する個人の情報が入っています。保管や共有にご注意ください。この印刷物は医療費通知の代わりにはなりません。",
        "This page holds personal health data: please take care where it is kept and with whom it is shared. \
         A print-out does not replace the notice of medical expenses (医療費通知).",
    );
    page + &format!("</main>\n<footer><p>{foot}</p></footer>\n</body>\n</html>\n")
}

/// A part of the page; nothing where it has no contents.
fn section(heading: &str, body: &str) -> String {
    if body.is_empty() { String::new() } else { format!("<section><h2>{heading}</h2>\n{body}</section>\n") }
}

#[cfg(test)]
mod tests;
