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
        digits(bytes, 4, PinKind::UserAuthentication).map(Self)
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

/// 券面事項入力補助用の暗証番号: 4 digits. Wiped on drop; has neither `Debug` nor `Clone`.
pub struct TextInputPin(Secret);

impl TextInputPin {
    /// Takes a copy of 4 ASCII digits; the caller wipes its own.
    ///
    /// # Errors
    /// [`Error::PinFormat`] for anything else, full-width digits included.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        digits(bytes, 4, PinKind::TextInput).map(Self)
    }
}

/// 照合番号B, printed on the card: birth date `YYMMDD` with the year of the Japanese era, expiry year `YYYY`, and the four
/// digits of the security code. Wiped on drop; has neither `Debug` nor `Clone`.
pub struct VerificationNumberB(Secret);

impl VerificationNumberB {
    /// Takes a copy of 14 ASCII digits; the caller wipes its own.
    ///
    /// # Errors
    /// [`Error::PinFormat`] for anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        digits(bytes, 14, PinKind::VerificationNumberB).map(Self)
    }
}

/// The birth date `YYMMDD` with the year of the Japanese era, as a key to the birth date alone. Wiped on drop; has
/// neither `Debug` nor `Clone`.
pub struct BirthDateNumber(Secret);

impl BirthDateNumber {
    /// Takes a copy of 6 ASCII digits; the caller wipes its own.
    ///
    /// # Errors
    /// [`Error::PinFormat`] for anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        digits(bytes, 6, PinKind::BirthDate).map(Self)
    }
}

fn digits(bytes: &[u8], len: usize, kind: PinKind) -> Result<Secret, Error> {
    let right = bytes.len() == len && bytes.iter().all(u8::is_ascii_digit);
    if right { Ok(Secret::copy_of(bytes)) } else { Err(Error::PinFormat { kind }) }
}

/// A secret of one [`PinKind`], ready for VERIFY.
pub(crate) trait Pin {
    /// Which PIN of the card this is.
    const KIND: PinKind;

    /// The bytes as VERIFY sends them.
    fn bytes(&self) -> &[u8];
}

macro_rules! pins {
    ($($pin:ident: $kind:ident),+) => {
        $(impl Pin for $pin {
            const KIND: PinKind = PinKind::$kind;

            fn bytes(&self) -> &[u8] {
                self.0.expose()
            }
        })+
    };
}

pins!(
    UserAuthenticationPin: UserAuthentication,
    SignaturePassword: Signature,
    TextInputPin: TextInput,
    VerificationNumberB: VerificationNumberB,
    BirthDateNumber: BirthDate
);

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
    fn each_pin_has_its_own_form() {
        assert!(TextInputPin::parse(b"0123").is_ok());
        assert!(VerificationNumberB::parse(b"02040520350123").is_ok());
        assert!(BirthDateNumber::parse(b"020405").is_ok());
        let kind = PinKind::VerificationNumberB;
        // The My Number (照合番号A) has 12 digits and is none of them.
        assert_eq!(VerificationNumberB::parse(b"123456789018").err(), Some(Error::PinFormat { kind }));
        assert!(BirthDateNumber::parse(b"19900405").is_err());
        assert!(TextInputPin::parse(b"ABC123").is_err());
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
