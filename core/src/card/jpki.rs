//! The JPKI application: certificates, tries left, VERIFY and the authentication signature.

use super::pin::{LastAttempt, Pin, SignaturePassword, UserAuthenticationPin};
use super::profile::{self, Generation, ef};
use super::{Certificate, pin};
use crate::crypto::{Algorithm, EcdsaSignature, PublicKey, SignatureVerifier};
use crate::error::{CardFault, Error, PinKind};
use crate::iso7816::channel::{PinStatus, ReadLength, ins, short_ef};
use crate::iso7816::{Channel, Command, StatusWord};

/// Longest certificate accepted, in bytes; real ones have 1.3 to 1.8 kB.
const MAX_CERTIFICATE: usize = 4096;
/// What [`Jpki::authentication_certificate_head`] reads, in bytes: serial number, issuer and dates lie within.
pub const CERTIFICATE_HEAD: usize = 256;
/// DER DigestInfo of SHA-256 up to the digest (RFC 8017, 9.2, note 1).
const SHA256_DIGEST_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

/// The JPKI application while it is selected.
pub struct Jpki<'c, 't> {
    channel: &'c mut Channel<'t>,
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
    /// Tries left; 0 is blocked.
    pub attempts_left: u8,
    /// Tries after a correct entry.
    pub max_attempts: u8,
}

impl<'c, 't> Jpki<'c, 't> {
    pub(super) fn new(channel: &'c mut Channel<'t>) -> Self {
        Self { channel }
    }

    /// Reads the token label. One exchange.
    ///
    /// # Errors
    /// [`Error::Card`] when the file is missing or no text.
    pub fn token_info(&mut self) -> Result<TokenInfo, Error> {
        let data = self.channel.read_ef(ef::TOKEN_INFO, ReadLength::Prefix(32))?.map_err(refused(ins::READ_BINARY))?;
        let text = std::str::from_utf8(&data).ok().filter(|text| text.is_ascii());
        let label = text.ok_or(CardFault::Malformed { what: "token label" })?.trim_end_matches([' ', '\0']);
        Ok(TokenInfo { label: label.to_owned(), generation: Generation::of_label(label) })
    }

    /// Asks for the tries left of a PIN. One exchange, costs no try.
    ///
    /// # Errors
    /// [`Error::Card`] for a status word that says nothing about tries.
    pub fn attempts_left(&mut self, kind: PinKind) -> Result<PinAttempts, Error> {
        let max_attempts = profile::pin(kind).max_attempts;
        let attempts_left = self.pin_status(kind)?.attempts_left.unwrap_or(max_attempts);
        Ok(PinAttempts { kind, attempts_left, max_attempts })
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
    /// as for [`Jpki::authentication_certificate`]. One exchange.
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
        password: &SignaturePassword,
        last_attempt: LastAttempt,
    ) -> Result<Certificate, Error> {
        self.verify(password, last_attempt)?;
        self.read_certificate(ef::SIGNATURE_CERTIFICATE)?.map_err(refused(ins::READ_BINARY))
    }

    /// Sends the authentication PIN: asks for the tries left first, then sends VERIFY exactly once.
    ///
    /// # Errors
    /// [`Error::LastAttempt`] when one try is left and `last_attempt` does not permit it, [`Error::PinBlocked`] when
    /// none is: in both cases nothing was sent. [`Error::WrongPin`] after a failed try. [`Error::VerifyUnanswered`]
    /// when the link broke in between, so that one try may be used.
    pub fn verify_user_authentication(
        &mut self,
        pin: &UserAuthenticationPin,
        last_attempt: LastAttempt,
    ) -> Result<(), Error> {
        self.verify(pin, last_attempt)
    }

    /// Signs `message` with the authentication key, in the JOSE form of the key's algorithm, and checks the result with
    /// `key` before it is returned. The PIN must be verified.
    ///
    /// Today's card takes a DigestInfo and pads it; EC cards take the bare hash and answer DER or `r ‖ s`.
    #[cfg(any(feature = "net", feature = "diagnostics"))]
    pub(crate) fn sign(
        &mut self,
        key: &PublicKey,
        message: &[u8],
        verifier: SignatureVerifier,
    ) -> Result<Vec<u8>, Error> {
        let digest = key.algorithm().digest(message);
        let input = match key.algorithm() {
            Algorithm::Rs256 => [&SHA256_DIGEST_INFO[..], &digest].concat(),
            Algorithm::Es256 | Algorithm::Es384 => digest,
        };
        let answer = self.compute_signature(&input)?;
        let candidates = match key.curve() {
            None => vec![answer],
            Some(curve) => [EcdsaSignature::from_der(curve, &answer), EcdsaSignature::from_fixed(curve, &answer)]
                .into_iter()
                .flatten()
                .map(|signature| signature.as_fixed().to_vec())
                .collect(),
        };
        candidates
            .into_iter()
            .find(|signature| verifier.verify_jose(key, message, signature))
            .ok_or_else(|| CardFault::BadSignature.into())
    }

    /// Signs SHA-256 (SHA-384 on a P-384 card) of a short challenge with the authentication key: a diagnostic.
    ///
    /// # Errors
    /// [`Error::Usage`] unless `challenge` has 8 to 64 bytes; otherwise as the card answers.
    #[cfg(feature = "diagnostics")]
    pub fn sign_challenge(
        &mut self,
        key: &PublicKey,
        challenge: &[u8],
        verifier: SignatureVerifier,
    ) -> Result<Vec<u8>, Error> {
        if !(8..=64).contains(&challenge.len()) {
            return Err(Error::usage("a challenge has 8 to 64 bytes"));
        }
        self.sign(key, challenge, verifier)
    }

    fn verify<P: Pin>(&mut self, pin: &P, last_attempt: LastAttempt) -> Result<(), Error> {
        let kind = P::KIND;
        let status = self.pin_status(kind)?;
        let before = status.attempts_left.unwrap_or(profile::pin(kind).max_attempts);
        match (before, last_attempt) {
            (0, _) => return Err(Error::PinBlocked { kind }),
            (1, LastAttempt::Refuse) => return Err(Error::LastAttempt { kind }),
            _ => {}
        }
        let answer = self.channel.verify(status, pin::sealed::Sealed::bytes(pin)).map_err(|error| match error {
            Error::Transport(cause) => Error::VerifyUnanswered { kind, cause },
            other => other,
        })?;
        match answer.attempts_left() {
            None if answer.is_ok() => Ok(()),
            Some(0) => Err(Error::PinBlocked { kind }),
            Some(attempts_left) => Err(Error::WrongPin { kind, attempts_left }),
            None if answer == StatusWord(0x6300) => match before.saturating_sub(1) {
                0 => Err(Error::PinBlocked { kind }),
                attempts_left => Err(Error::WrongPin { kind, attempts_left }),
            },
            None => Err(refused(ins::VERIFY)(answer)),
        }
    }

    fn pin_status(&mut self, kind: PinKind) -> Result<PinStatus, Error> {
        self.channel.pin_status(profile::pin(kind).ef)?.map_err(refused(ins::VERIFY))
    }

    /// Sends the input to the key by its short identifier, or selects the key first where the card wants that.
    #[cfg(any(feature = "net", feature = "diagnostics"))]
    fn compute_signature(&mut self, input: &[u8]) -> Result<Vec<u8>, Error> {
        let command = |reference| {
            Command::new(profile::CLA_PROPRIETARY, profile::INS_SIGN, 0x00, reference).with_data(input).with_le(256)
        };
        if self.channel.capabilities.short_ef != Some(false) {
            let response = self.channel.transmit(&command(0x80 | short_ef(ef::AUTHENTICATION_KEY)))?;
            if response.status.is_ok() {
                return Ok(response.data);
            }
            if !response.status.is_unsupported_form() {
                return Err(refused(profile::INS_SIGN)(response.status));
            }
        }
        let status = self.channel.select_ef(ef::AUTHENTICATION_KEY)?;
        if !status.is_ok() {
            return Err(refused(ins::SELECT)(status));
        }
        let response = self.channel.transmit(&command(0x80))?;
        if response.status.is_ok() { Ok(response.data) } else { Err(refused(profile::INS_SIGN)(response.status)) }
    }

    fn read_certificate(&mut self, file: u16) -> Result<Result<Certificate, StatusWord>, Error> {
        match self.channel.read_ef(file, ReadLength::Object(MAX_CERTIFICATE))? {
            Ok(der) => Certificate::parse(&der).map(Ok).ok_or(CardFault::Malformed { what: "certificate" }.into()),
            Err(status) => Ok(Err(status)),
        }
    }
}

fn refused(ins: u8) -> impl Fn(StatusWord) -> Error {
    move |status| CardFault::Status { ins, status: status.0 }.into()
}
