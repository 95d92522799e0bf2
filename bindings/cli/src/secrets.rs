//! PINs from a prompt without echo or from standard input; never from arguments or the environment.

use std::fs::File;
use std::io::{ErrorKind, Read};

use kazasu::card::{
    BirthDateNumber, PinAttempts, SignaturePassword, TextInputPin, UserAuthenticationPin, VerificationNumberB,
};
use zeroize::Zeroizing;

use crate::card::look::Look;
use crate::failure::Failure;
use crate::output::Output;
use crate::{interrupt, prompt};

/// Longest line taken, in bytes.
const MAX_LINE: usize = 64;

/// What a new secret must pass before it is used.
type Check<'a> = &'a dyn Fn(&[u8]) -> Result<(), Failure>;

/// Where secrets come from.
pub(crate) struct Secrets {
    from_stdin: bool,
    output: Output,
}

impl Secrets {
    pub(crate) fn new(from_stdin: bool, output: Output) -> Self {
        Self { from_stdin, output }
    }

    pub(crate) fn user_authentication(&self, look: Look) -> Result<UserAuthenticationPin, Failure> {
        let prompt = self.prompt("利用者証明用の暗証番号（数字4桁）: ", "User-authentication PIN (4 digits): ", look);
        Ok(UserAuthenticationPin::parse(&self.line(&prompt)?)?)
    }

    pub(crate) fn signature(&self, look: Look) -> Result<SignaturePassword, Failure> {
        let (ja, en) = ("署名用パスワード（英数字6〜16文字）: ", "Signature password (6 to 16 letters and digits): ");
        Ok(SignaturePassword::parse(&self.line(&self.prompt(ja, en, look))?)?)
    }

    pub(crate) fn text_input(&self, look: Look) -> Result<TextInputPin, Failure> {
        let prompt = self.prompt("券面事項入力補助用の暗証番号（数字4桁）: ", "Text-input PIN (4 digits): ", look);
        Ok(TextInputPin::parse(&self.line(&prompt)?)?)
    }

    pub(crate) fn verification_number_b(&self, look: Look) -> Result<VerificationNumberB, Failure> {
        let prompt = self.prompt(
            "照合番号B（生年月日 和暦YYMMDD＋有効期限の西暦YYYY＋セキュリティコード4桁）: ",
            "Number B (birth date YYMMDD in the Japanese era, expiry year YYYY, security code): ",
            look,
        );
        Ok(VerificationNumberB::parse(&self.line(&prompt)?)?)
    }

    pub(crate) fn birth_date(&self, look: Look) -> Result<BirthDateNumber, Failure> {
        let prompt = self.prompt("生年月日（和暦YYMMDD）: ", "Birth date (YYMMDD in the Japanese era): ", look);
        Ok(BirthDateNumber::parse(&self.line(&prompt)?)?)
    }

    pub(crate) fn new_user_authentication(&self, check: Check<'_>) -> Result<UserAuthenticationPin, Failure> {
        self.new_secret(UserAuthenticationPin::parse, check)
    }

    pub(crate) fn new_signature(&self, check: Check<'_>) -> Result<SignaturePassword, Failure> {
        self.new_secret(SignaturePassword::parse, check)
    }

    pub(crate) fn new_text_input(&self, check: Check<'_>) -> Result<TextInputPin, Failure> {
        self.new_secret(TextInputPin::parse, check)
    }

    /// A new secret: asked for twice on a terminal, one line of standard input.
    fn new_secret<T>(&self, parse: fn(&[u8]) -> Result<T, kazasu::Error>, check: Check<'_>) -> Result<T, Failure> {
        let new = self.line(self.output.say("新しい暗証番号: ", "New PIN: "))?;
        let parsed = parse(&new)?;
        check(&new)?;
        if !self.from_stdin {
            let again = self.line(self.output.say("新しい暗証番号（もう一度）: ", "New PIN again: "))?;
            if *new != *again {
                let text = "二つの入力が違います（何も送信していません）";
                return Err(Failure::usage(self.output.say(text, "the two entries differ; nothing was sent")));
            }
        }
        Ok(parsed)
    }

    /// The question, with the tries left where an earlier one was wrong.
    fn prompt(&self, ja: &str, en: &str, look: Look) -> String {
        let question = self.output.say(ja, en);
        let used = |attempts: &PinAttempts| attempts.attempts_left.filter(|left| *left < attempts.max_attempts);
        let Some(left) = look.attempts.as_ref().and_then(used) else { return question.to_owned() };
        let (end, told) = match (self.output.say("ja", "en"), left) {
            ("ja", _) => ("）: ", format!("、残り{left}回")),
            (_, 1) => ("): ", ", 1 try left".to_owned()),
            _ => ("): ", format!(", {left} tries left")),
        };
        format!("{}{told}{end}", question.trim_end_matches(end))
    }

    fn line(&self, prompt: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
        if self.from_stdin {
            return line_of_stdin();
        }
        if interrupt::is_pressed() {
            return Err(kazasu::Error::Cancelled.into());
        }
        prompt::secret(prompt, MAX_LINE).map_err(|error| match error.kind() {
            // Ctrl-D.
            ErrorKind::UnexpectedEof => kazasu::Error::Cancelled.into(),
            ErrorKind::InvalidData => Failure::usage("the line is longer than any PIN"),
            _ => Failure::usage("no terminal to ask for the PIN: use --pin-stdin"),
        })
    }
}

/// One line, byte by byte from the file behind standard input: Rust's own stdin would keep a copy in its buffer.
fn line_of_stdin() -> Result<Zeroizing<Vec<u8>>, Failure> {
    let unreadable = |_| Failure::usage("standard input cannot be read");
    let mut stdin = unbuffered_stdin().map_err(unreadable)?;
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE));
    let mut byte = Zeroizing::new([0]);
    while stdin.read(&mut *byte).map_err(unreadable)? == 1 && byte[0] != b'\n' {
        if line.len() == MAX_LINE {
            return Err(Failure::usage("a line on standard input is longer than any PIN"));
        }
        line.push(byte[0]);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(line)
}

#[cfg(unix)]
fn unbuffered_stdin() -> std::io::Result<File> {
    use std::os::fd::AsFd;
    Ok(std::io::stdin().as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
fn unbuffered_stdin() -> std::io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(std::io::stdin().as_handle().try_clone_to_owned()?.into())
}
