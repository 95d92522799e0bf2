//! `kazasu card sign`: CMS with the signature key.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use kazasu::card::cms::Content;
use kazasu::card::{Card, Disclosure};
use kazasu::crypto::SignatureVerifier;
use kazasu::error::PinKind;
use kazasu::time::{Clock, SystemClock};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::certificate::issuer_text;
use super::look;
use crate::args::{Global, SignArguments};
use crate::failure::Failure;
use crate::files::Destination;
use crate::link;
use crate::output::Output;
use crate::secrets::Secrets;

/// Longest document that is put into the signature, in bytes; beside it there is no limit.
const MAX_ATTACHED: u64 = 64 << 20;

pub(super) fn run(arguments: &SignArguments, global: &Global, output: Output) -> Result<(), Failure> {
    let unreadable = |error| Failure::usage(format!("{}: {error}", arguments.document.display()));
    let document = File::open(&arguments.document).map_err(unreadable)?;
    let attached =
        if arguments.attached { Some(whole(document.take(MAX_ATTACHED + 1)).map_err(unreadable)?) } else { None };
    if attached.as_ref().is_some_and(|bytes| bytes.len() as u64 > MAX_ATTACHED) {
        return Err(Failure::usage("the document is longer than 64 MB: sign it without --attached"));
    }
    let content = match &attached {
        Some(bytes) => Content::Attached(bytes),
        None => Content::Detached(digest(&arguments.document).map_err(unreadable)?),
    };
    if global.trace.as_ref().is_some_and(|trace| is_same_file(&arguments.document, trace)) {
        return Err(Failure::usage("--trace: that is the document"));
    }
    if is_same_file(&arguments.document, &arguments.output) {
        return Err(Failure::usage(
            output.say("署名が文書を上書きします", "the signature would overwrite the document"),
        ));
    }
    let file = Destination::replacing(&arguments.output)?;
    output.note(output.say(
        "署名には氏名・住所・生年月日・性別を含む証明書が入ります。",
        "The signature will carry your name, address, birth date and sex.",
    ));
    let look = look::before(PinKind::Signature, global, output)?;
    let password = Secrets::new(global.pin_stdin, output).signature(look)?;
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, look.capabilities);
    let signed = card.select_jpki()?.sign_document(
        password,
        global.last_attempt(),
        Disclosure::NameAddressBirthDateSex,
        content,
        SystemClock.now(),
        SignatureVerifier::ring(),
    )?;
    drop(transport);
    file.write(&signed.cms)?;
    output.line(format!("{}: {}", output.say("署名しました", "Signed"), arguments.output.display()));
    output.field(output.say("発行者", "Issuer"), &issuer_text(Some(signed.issuer), "", output));
    output.object(&json!({
        "signature": arguments.output.display().to_string(),
        "attached": arguments.attached,
        "digest": "SHA-256",
        "issuer": signed.issuer.name(),
    }));
    Ok(())
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let names = one.canonicalize().ok().zip(other.canonicalize().ok());
    names.is_some_and(|(one, other)| one == other && one.is_file())
}

fn whole(mut from: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// SHA-256 of a file of any length.
fn digest(file: &Path) -> std::io::Result<[u8; 32]> {
    let (mut document, mut hasher) = (File::open(file)?, Sha256::new());
    let mut buffer = vec![0; 65_536];
    loop {
        match document.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().into()),
            read => hasher.update(&buffer[..read]),
        }
    }
}
