//! The PINs of a card, as the outside names them.

use crate::{application_kind::ApplicationKind, common, jpki, surface, text_input};

/// A PIN of the card, or printed data that opens files like one. Each has tries of its own.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Pin {
    /// User authentication PIN, JPKI 0018: 4 digits, 3 tries.
    UserAuthentication,
    /// Signature password, JPKI 001B: 6–16 of `A–Z 0–9`, 5 tries.
    Signature,
    /// Text-input support PIN, 0011 there: 4 digits, 3 tries.
    TextInput,
    /// 照合番号A (the My Number) in the text-input support application, 0014: 10 tries.
    TextInputVerificationNumberA,
    /// 照合番号B (14 printed digits) in the text-input support application, 0015: 10 tries.
    TextInputVerificationNumberB,
    /// 照合番号A in the surface application, 0013: 10 tries.
    SurfaceVerificationNumberA,
    /// 照合番号B in the surface application, 0012: 10 tries.
    SurfaceVerificationNumberB,
    /// 生年月日 (6 digits with the era year) in the surface application, 0011: 10 tries.
    BirthDate,
    /// PIN of the resident register application, 001C: 4 digits, 3 tries.
    ResidentRegister,
    /// PIN of the common application, 001C: 4 digits, 3 tries.
    Common,
}

impl Pin {
    /// Every PIN.
    pub const ALL: [Self; 10] = [
        Self::UserAuthentication,
        Self::Signature,
        Self::TextInput,
        Self::TextInputVerificationNumberA,
        Self::TextInputVerificationNumberB,
        Self::SurfaceVerificationNumberA,
        Self::SurfaceVerificationNumberB,
        Self::BirthDate,
        Self::ResidentRegister,
        Self::Common,
    ];

    /// The application and the identifier of the internal EF.
    pub fn location(self) -> (ApplicationKind, u16) {
        match self {
            Self::UserAuthentication => (ApplicationKind::Jpki, jpki::AUTHENTICATION_PIN),
            Self::Signature => (ApplicationKind::Jpki, jpki::SIGNATURE_PIN),
            Self::TextInput => (ApplicationKind::TextInput, text_input::PIN),
            Self::TextInputVerificationNumberA => (ApplicationKind::TextInput, text_input::VERIFICATION_NUMBER_A),
            Self::TextInputVerificationNumberB => (ApplicationKind::TextInput, text_input::VERIFICATION_NUMBER_B),
            Self::SurfaceVerificationNumberA => (ApplicationKind::Surface, surface::VERIFICATION_NUMBER_A),
            Self::SurfaceVerificationNumberB => (ApplicationKind::Surface, surface::VERIFICATION_NUMBER_B),
            Self::BirthDate => (ApplicationKind::Surface, surface::BIRTH_DATE),
            Self::ResidentRegister => (ApplicationKind::ResidentRegister, common::PIN),
            Self::Common => (ApplicationKind::Common, common::PIN),
        }
    }
}
