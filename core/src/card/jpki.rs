//! The JPKI application: certificates, tries left, VERIFY, PIN change and signatures.

use super::file::{read, refused};
use super::pin::{LastAttempt, SignaturePassword, UserAuthenticationPin};
use super::profile::ef;
use super::token_info::TOKEN_INFO_LEN;
use super::unfinished::{CERTIFICATE_HEAD, UnfinishedRead};
use super::verify::{self, PinAttempts};
use super::{Certificate, CertificateAvailability, TokenInfo};
use crate::error::{CardFault, Error, PinKind};
use crate::iso7816::channel::ins;
use crate::iso7816::read::ReadLength;
use crate::iso7816::{Channel, StatusWord};

/// Longest certificate accepted is 4096 bytes; real ones have 1.3 to 1.8 kB.
const CERTIFICATE: ReadLength = ReadLength::Object { usual: 2048, max: 4096 };
/// A shorter head does not tell one card from another.
const SHORTEST_HEAD: usize = 200;

/// Which of the two certified keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyKind {
    /// 利用者証明用: proves who is there.
    UserAuthentication,
    /// 署名用: signs documents, and its certificate carries name, address, birth date and sex.
    Signature,
}

/// What the caller states before the signature certificate leaves the SDK.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Disclosure {
    /// The user was told that name, address, birth date and sex are in it, and agreed.
    NameAddressBirthDateSex,
}

/// The JPKI application while it is selected.
pub struct Jpki<'c, 't> {
    pub(super) channel: &'c mut Channel<'t>,
    unfinished: &'c mut Option<UnfinishedRead>,
}

impl<'c, 't> Jpki<'c, 't> {
    pub(super) fn new(channel: &'c mut Channel<'t>, unfinished: &'c mut Option<UnfinishedRead>) -> Self {
        Self { channel, unfinished }
    }

    /// Reads what the token says of itself. One exchange; two or three on a card without short EF identifiers.
    ///
    /// # Errors
    /// [`Error::Card`] when the file is missing.
    pub fn token_info(&mut self) -> Result<TokenInfo, Error> {
        Ok(TokenInfo::parse(&read(self.channel, ef::TOKEN_INFO, ReadLength::Prefix(TOKEN_INFO_LEN))?))
    }

    /// Reads which certificates are on the card. One exchange; two or three on a card without short EF identifiers.
    ///
    /// # Errors
    /// [`Error::Card`] when the file is missing or too short.
    pub fn certificate_availability(&mut self) -> Result<CertificateAvailability, Error> {
        CertificateAvailability::parse(&read(self.channel, ef::AVAILABILITY, ReadLength::Prefix(3))?)
    }

    /// [`Jpki::certificate_availability`]; `None` on a card that does not say, as old ones do.
    ///
    /// # Errors
    /// [`Error::Transport`] when the link broke, which says nothing about the card.
    pub fn certificates_if_told(&mut self) -> Result<Option<CertificateAvailability>, Error> {
        match self.certificate_availability() {
            Err(Error::Card(_)) => Ok(None),
            told => told.map(Some),
        }
    }

    /// Asks for the tries left of a PIN; costs none. One exchange; two or three on a card without short EF identifiers.
    ///
    /// # Errors
    /// [`Error::Card`] for a status word that says nothing about tries.
    pub fn attempts_left(&mut self, key: KeyKind) -> Result<PinAttempts, Error> {
        let kind = match key {
            KeyKind::UserAuthentication => PinKind::UserAuthentication,
            KeyKind::Signature => PinKind::Signature,
        };
        verify::attempts_left(self.channel, kind)
    }

    /// Looks at a PIN before it is asked for: what would be refused when it is sent is told before anybody types. Sends no PIN
    /// and costs no try; exchanges as [`Jpki::attempts_left`].
    ///
    /// # Errors
    /// [`Error::PinBlocked`], [`Error::LastAttempt`], [`CardFault::NoSignatureCertificate`]; otherwise as
    /// [`Jpki::attempts_left`].
    pub fn look(&mut self, key: KeyKind, last_attempt: LastAttempt) -> Result<PinAttempts, Error> {
        let permitted = self.attempts_left(key)?.permit(last_attempt);
        permitted.map_err(|error| if key == KeyKind::Signature { self.without_signature(error) } else { error })
    }

    /// Reads the 利用者証明用電子証明書; `None` when the card wants the PIN first, as phones do.
    ///
    /// When the link is lost in it, [`super::Card::take_unfinished`] has what was read.
    ///
    /// # Errors
    /// [`Error::NotMyNumberCard`] on a card without this file, [`Error::Card`] for an answer not understood.
    pub fn authentication_certificate(&mut self) -> Result<Option<Certificate>, Error> {
        let file = self.authentication_certificate_file();
        // Behind a PIN, as on a phone, nothing is kept.
        if let Some(cut_off) = self.channel.cut_off.take().filter(|_| !self.channel.pin_verified) {
            *self.unfinished = UnfinishedRead::of_authentication_certificate(cut_off);
        }
        match file? {
            Ok(der) => parse(&der).map(Some),
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
        match self.head()? {
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
    pub fn authority_certificate(&mut self, of: KeyKind) -> Result<Certificate, Error> {
        let file = match of {
            KeyKind::UserAuthentication => ef::AUTHENTICATION_AUTHORITY,
            KeyKind::Signature => ef::SIGNATURE_AUTHORITY,
        };
        parse(&read(self.channel, file, CERTIFICATE)?)
    }

    /// Sends the signature password once and reads the 署名用電子証明書. The caller states by `disclosure` that whoever
    /// gets it learns name, address, birth date and sex.
    ///
    /// # Errors
    /// Those of the PIN; [`CardFault::NoSignatureCertificate`] for a card without one, and no try is used.
    pub fn signature_certificate(
        &mut self,
        password: SignaturePassword,
        last_attempt: LastAttempt,
        disclosure: Disclosure,
    ) -> Result<Certificate, Error> {
        let Disclosure::NameAddressBirthDateSex = disclosure;
        let verified = verify::verify(self.channel, &password, last_attempt, &mut false);
        verified.map_err(|error| self.without_signature(error))?;
        parse(&read(self.channel, ef::SIGNATURE_CERTIFICATE, CERTIFICATE)?)
    }

    /// Sends the authentication PIN: asks for the tries left first, then sends VERIFY exactly once. The PIN is used up.
    ///
    /// # Errors
    /// [`Error::LastAttempt`] when one try is left and `last_attempt` does not permit it, [`Error::PinBlocked`] when
    /// none is: in both cases nothing was sent. [`Error::WrongPin`] after a failed try. [`Error::VerifyUnanswered`]
    /// when no clear answer came, so that one try may be used. [`Error::Transport`] when the link was over before.
    /// [`Error::Card`], with nothing sent, when the card does not say how many tries are left.
    pub fn verify_user_authentication(
        &mut self,
        pin: UserAuthenticationPin,
        last_attempt: LastAttempt,
    ) -> Result<(), Error> {
        verify::verify(self.channel, &pin, last_attempt, &mut false)
    }

    /// As [`Jpki::verify_user_authentication`]; `sent` becomes true just before the PIN leaves.
    #[cfg(feature = "net")]
    pub(crate) fn verify(
        &mut self,
        pin: &UserAuthenticationPin,
        last_attempt: LastAttempt,
        sent: &mut bool,
    ) -> Result<(), Error> {
        verify::verify(self.channel, pin, last_attempt, sent)
    }

    /// Replaces the authentication PIN. Sends each of the two once; look at the new one with
    /// [`crate::safety::is_guessable_pin`] first.
    ///
    /// # Errors
    /// Those of [`Jpki::verify_user_authentication`] for the current PIN. [`Error::NewPinRefused`] when the card refused the
    /// new one: the current one holds, as it does after [`Error::Transport`]. [`Error::ChangeInDoubt`] when no clear answer
    /// came, so that either may hold: ask for the tries left, then try the new one first.
    pub fn change_user_authentication(
        &mut self,
        current: UserAuthenticationPin,
        new: UserAuthenticationPin,
        last_attempt: LastAttempt,
    ) -> Result<(), Error> {
        verify::change(self.channel, &current, &new, last_attempt)
    }

    /// Replaces the signature password, as [`Jpki::change_user_authentication`].
    ///
    /// # Errors
    /// As there, and [`CardFault::NoSignatureCertificate`].
    pub fn change_signature_password(
        &mut self,
        current: SignaturePassword,
        new: SignaturePassword,
        last_attempt: LastAttempt,
    ) -> Result<(), Error> {
        let changed = verify::change(self.channel, &current, &new, last_attempt);
        changed.map_err(|error| self.without_signature(error))
    }

    /// A card without signature certificate, such as a child's, tells of a locked password that nobody ever had.
    fn without_signature(&mut self, error: Error) -> Error {
        let locked = matches!(error, Error::PinBlocked { .. });
        let without = locked && self.certificate_availability().is_ok_and(|available| !available.signature);
        if without { CardFault::NoSignatureCertificate.into() } else { error }
    }

    /// From the start, or from where a lost link cut it off if the head is that of the same card.
    fn authentication_certificate_file(&mut self) -> Result<Result<Vec<u8>, StatusWord>, Error> {
        let Some(unfinished) = self.unfinished.take() else {
            return self.channel.read_ef(ef::AUTHENTICATION_CERTIFICATE, CERTIFICATE);
        };
        let head = match self.head() {
            Ok(Ok(head)) => head,
            Ok(Err(status)) => return Ok(Err(status)),
            Err(error) => {
                *self.unfinished = Some(unfinished);
                return Err(error);
            }
        };
        let known = if is_head_of(&head, &unfinished.head) { unfinished.file.data } else { head };
        self.channel.read_rest(ef::AUTHENTICATION_CERTIFICATE, known, CERTIFICATE)
    }

    fn head(&mut self) -> Result<Result<Vec<u8>, StatusWord>, Error> {
        self.channel.read_ef(ef::AUTHENTICATION_CERTIFICATE, ReadLength::Prefix(CERTIFICATE_HEAD))
    }
}

/// Whether `head`, as [`Jpki::authentication_certificate_head`] gave it, is that of a known certificate. A link of short
/// answers brings less than [`CERTIFICATE_HEAD`].
pub(crate) fn is_head_of(head: &[u8], certificate: &[u8]) -> bool {
    head.len() >= SHORTEST_HEAD && certificate.starts_with(head)
}

fn parse(der: &[u8]) -> Result<Certificate, Error> {
    Certificate::parse(der).ok_or(CardFault::Malformed { what: "certificate" }.into())
}
