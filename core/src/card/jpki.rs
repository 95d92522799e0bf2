//! The JPKI application: certificates, tries left, VERIFY and the authentication signature.

use super::Certificate;
use super::pin::{LastAttempt, Pin, SignaturePassword, UserAuthenticationPin};
use super::profile::{self, Generation, ef};
use crate::error::{CardFault, Error, PinKind, VerifyDoubt};
use crate::iso7816::channel::{PinStatus, ReadLength, ins};
use crate::iso7816::{Channel, StatusWord};

/// Longest certificate accepted, in bytes; real ones have 1.3 to 1.8 kB.
const MAX_CERTIFICATE: usize = 4096;
/// What [`Jpki::authentication_certificate_head`] reads, in bytes: serial number, issuer and dates lie within.
pub const CERTIFICATE_HEAD: usize = 256;

/// The JPKI application while it is selected.
pub struct Jpki<'c, 't> {
    pub(super) channel: &'c mut Channel<'t>,
}

/// What the card says of itself in EF 0006.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenInfo {
    /// Token label, padding removed.
    pub label: String,
    /// What the label means.
    pub generation: Generation,
}

/// The tries left of a PIN.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PinAttempts {
    /// Which PIN.
    pub kind: PinKind,
    /// Tries left; 0 is blocked. `None` when the card only says that the PIN is verified already.
    pub attempts_left: Option<u8>,
    /// Tries after a correct entry.
    pub max_attempts: u8,
}

impl<'c, 't> Jpki<'c, 't> {
    pub(super) fn new(channel: &'c mut Channel<'t>) -> Self {
        Self { channel }
    }

    /// Reads the token label. One exchange; two or three on a card without short EF identifiers.
    ///
    /// # Errors
    /// [`Error::Card`] when the file is missing or no text.
    pub fn token_info(&mut self) -> Result<TokenInfo, Error> {
        let data = self.channel.read_ef(ef::TOKEN_INFO, ReadLength::Prefix(32))?.map_err(refused(ins::READ_BINARY))?;
        let text = std::str::from_utf8(&data).map_err(|_| CardFault::Malformed { what: "token label" })?;
        let label = text.trim_end_matches([' ', '\0']);
        if !label.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err(CardFault::Malformed { what: "token label" }.into());
        }
        Ok(TokenInfo { label: label.to_owned(), generation: Generation::of_label(label) })
    }

    /// Asks for the tries left of a PIN; costs none. One exchange; two or three on a card without short EF identifiers.
    ///
    /// # Errors
    /// [`Error::Card`] for a status word that says nothing about tries.
    pub fn attempts_left(&mut self, kind: PinKind) -> Result<PinAttempts, Error> {
        let max_attempts = profile::pin(kind).max_attempts;
        Ok(PinAttempts { kind, attempts_left: self.pin_status(kind)?.attempts_left, max_attempts })
    }

    /// Reads the 利用者証明用電子証明書; `None` when the card wants the PIN first, as phones do.
    ///
    /// # Errors
    /// [`Error::NotMyNumberCard`] on a card without this file, [`Error::Card`] for an answer not understood.
    pub fn authentication_certificate(&mut self) -> Result<Option<Certificate>, Error> {
        match self.read_certificate(ef::AUTHENTICATION_CERTIFICATE)? {
            Ok(certificate) => Ok(Some(certificate)),
            Err(StatusWord::SECURITY_STATUS) => Ok(None),
            Err(StatusWord::NOT_FOUND) => Err(Error::NotMyNumberCard),
            Err(status) => Err(refused(ins::READ_BINARY)(status)),
        }
    }

    /// Reads the first [`CERTIFICATE_HEAD`] bytes of the authentication certificate, to compare with a known one; `None`
    /// as for [`Jpki::authentication_certificate`]. One exchange; two or three on a card without short EF identifiers.
    ///
    /// # Errors
    /// As for [`Jpki::authentication_certificate`].
    pub fn authentication_certificate_head(&mut self) -> Result<Option<Vec<u8>>, Error> {
        match self.channel.read_ef(ef::AUTHENTICATION_CERTIFICATE, ReadLength::Prefix(CERTIFICATE_HEAD))? {
            Ok(head) => Ok(Some(head)),
            Err(StatusWord::SECURITY_STATUS) => Ok(None),
            Err(StatusWord::NOT_FOUND) => Err(Error::NotMyNumberCard),
            Err(status) => Err(refused(ins::READ_BINARY)(status)),
        }
    }

    /// Reads the certificate of the authority behind either certificate. Needs no PIN; proves nothing by itself.
    ///
    /// # Errors
    /// [`Error::Card`] for an answer not understood.
    pub fn authority_certificate(&mut self, of: PinKind) -> Result<Certificate, Error> {
        let file = match of {
            PinKind::UserAuthentication => ef::AUTHENTICATION_AUTHORITY,
            PinKind::Signature => ef::SIGNATURE_AUTHORITY,
        };
        self.read_certificate(file)?.map_err(refused(ins::READ_BINARY))
    }

    /// Sends the signature password once and reads the 署名用電子証明書, which carries name, address, birth date and sex.
    ///
    /// # Errors
    /// Those of the PIN, and [`Error::Card`] for a card without this certificate.
    pub fn signature_certificate(
        &mut self,
        password: SignaturePassword,
        last_attempt: LastAttempt,
    ) -> Result<Certificate, Error> {
        self.verify(&password, last_attempt, &mut false)?;
        self.read_certificate(ef::SIGNATURE_CERTIFICATE)?.map_err(refused(ins::READ_BINARY))
    }

    /// Sends the authentication PIN: asks for the tries left first, then sends VERIFY exactly once. The PIN is used up.
    ///
    /// # Errors
    /// [`Error::LastAttempt`] when one try is left and `last_attempt` does not permit it, [`Error::PinBlocked`] when
    /// none is: in both cases nothing was sent. [`Error::WrongPin`] after a failed try. [`Error::VerifyUnanswered`]
    /// when no clear answer came, so that one try may be used. [`Error::Card`], with nothing sent, when the card does
    /// not say how many tries are left.
    pub fn verify_user_authentication(
        &mut self,
        pin: UserAuthenticationPin,
        last_attempt: LastAttempt,
    ) -> Result<(), Error> {
        self.verify(&pin, last_attempt, &mut false)
    }

    /// Guarded VERIFY. `sent` becomes true just before the PIN leaves, and then that PIN is not to be sent again.
    pub(crate) fn verify<P: Pin>(&mut self, pin: &P, last_attempt: LastAttempt, sent: &mut bool) -> Result<(), Error> {
        let kind = P::KIND;
        let status = self.pin_status(kind)?;
        let before = status.attempts_left;
        match (before, last_attempt) {
            (Some(0), _) => return Err(Error::PinBlocked { kind }),
            (Some(1), LastAttempt::Refuse) => return Err(Error::LastAttempt { kind }),
            // "Verified" on a card just powered up says nothing of the tries; one left is possible.
            (None, LastAttempt::Refuse) => return Err(refused(ins::VERIFY)(StatusWord::OK)),
            _ => {}
        }
        *sent = true;
        let unanswered = |doubt| Error::VerifyUnanswered { kind, doubt };
        let answer = self.channel.verify(status, pin.bytes()).map_err(|error| match error {
            Error::Transport(cause) => unanswered(VerifyDoubt::Link(cause)),
            other => other,
        })?;
        let left = match answer {
            StatusWord::OK => return Ok(()),
            StatusWord(0x6300) => before.map(|before| before.saturating_sub(1)),
            _ => answer.attempts_left(),
        };
        Err(match left {
            Some(0) => Error::PinBlocked { kind },
            Some(attempts_left) => Error::WrongPin { kind, attempts_left },
            None => unanswered(VerifyDoubt::Status(answer.0)),
        })
    }

    fn pin_status(&mut self, kind: PinKind) -> Result<PinStatus, Error> {
        self.channel.pin_status(profile::pin(kind).ef)?.map_err(refused(ins::VERIFY))
    }

    fn read_certificate(&mut self, file: u16) -> Result<Result<Certificate, StatusWord>, Error> {
        match self.channel.read_ef(file, ReadLength::Object(MAX_CERTIFICATE))? {
            Ok(der) => Certificate::parse(&der).map(Ok).ok_or(CardFault::Malformed { what: "certificate" }.into()),
            Err(status) => Ok(Err(status)),
        }
    }
}

pub(super) fn refused(ins: u8) -> impl Fn(StatusWord) -> Error {
    move |status| CardFault::Status { ins, status: status.0 }.into()
}
