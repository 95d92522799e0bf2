//! The card's PINs as types that cannot be wrong in form and cannot be mixed up.

use crate::error::{Error, PinKind};
use crate::secret::Secret;

/// 利用者証明用パスワード: 4 digits. Wiped on drop; has neither `Debug` nor `Clone`.
pub struct UserAuthenticationPin(Secret);

impl UserAuthenticationPin {
    /// Takes a copy of 4 ASCII digits; the caller wipes its own.
    ///
    /// # Errors
    /// [`Error::PinFormat`] for anything else, full-width digits included.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() == 4 && bytes.iter().all(u8::is_ascii_digit) {
            Ok(Self(Secret::copy_of(bytes)))
        } else {
            Err(Error::PinFormat { kind: PinKind::UserAuthentication })
        }
    }
}

/// 署名用パスワード: 6 to 16 letters and digits, upper case on the card. Wiped on drop.
pub struct SignaturePassword(Secret);

impl SignaturePassword {
    /// Takes a copy of 6 to 16 ASCII letters and digits and folds `a–z` to `A–Z`, as the card stores it.
    ///
    /// # Errors
    /// [`Error::PinFormat`] for anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if (6..=16).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_alphanumeric) {
            Ok(Self(Secret::copy_of(bytes).map(|byte| byte.to_ascii_uppercase())))
        } else {
            Err(Error::PinFormat { kind: PinKind::Signature })
        }
    }
}

/// A secret of one [`PinKind`], ready for VERIFY.
pub(crate) trait Pin {
    /// Which PIN of the card this is.
    const KIND: PinKind;

    /// The bytes as VERIFY sends them.
    fn bytes(&self) -> &[u8];
}

impl Pin for UserAuthenticationPin {
    const KIND: PinKind = PinKind::UserAuthentication;

    fn bytes(&self) -> &[u8] {
        self.0.expose()
    }
}

impl Pin for SignaturePassword {
    const KIND: PinKind = PinKind::Signature;

    fn bytes(&self) -> &[u8] {
        self.0.expose()
    }
}

/// Whether the last try of a PIN may be used. Losing it means a visit to the municipal office.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LastAttempt {
    /// Refuse with [`Error::LastAttempt`].
    #[default]
    Refuse,
    /// The user was told and agreed.
    Allow,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_four_ascii_digits_make_an_authentication_pin() {
        assert!(UserAuthenticationPin::parse(b"0123").is_ok());
        for bad in ["", "123", "12345", "12a4", "１２３４", "123 ", "123\n"] {
            let kind = PinKind::UserAuthentication;
            assert_eq!(UserAuthenticationPin::parse(bad.as_bytes()).err(), Some(Error::PinFormat { kind }), "{bad}");
        }
    }

    #[test]
    fn the_signature_password_is_folded_to_upper_case() {
        let password = SignaturePassword::parse(b"abC123").unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(password.bytes(), b"ABC123");
        for bad in ["ABC12", "ABCDEFGHIJKLMNOP1", "ABC-123", "ＡＢＣ１２３"] {
            assert!(SignaturePassword::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
