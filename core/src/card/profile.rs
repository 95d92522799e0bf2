//! What differs between card generations, in one table and nowhere else.
//!
//! File identifiers and formats were gathered from public readers and published dumps of a JPKI test card; there is no
//! official interface document.

use crate::crypto::Algorithm;
use crate::error::PinKind;

/// The applications of the card.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Application {
    /// 公的個人認証AP.
    Jpki,
    /// 券面事項入力補助AP.
    TextInput,
    /// 券面事項確認AP.
    Surface,
    /// 住基AP.
    ResidentRegister,
    /// 共通カードAP.
    Common,
}

impl Application {
    /// Every application; JPKI last, so that a probe ends in it.
    pub const ALL: [Self; 5] = [Self::Common, Self::ResidentRegister, Self::Surface, Self::TextInput, Self::Jpki];

    /// Application identifier.
    pub(crate) const fn aid(self) -> [u8; 10] {
        match self {
            Self::Jpki => [0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01],
            Self::TextInput => [0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x08],
            Self::Surface => [0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x02],
            Self::ResidentRegister => [0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x01],
            Self::Common => [0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x01, 0x00],
        }
    }

    /// Stable name, as `kazasu card info --json` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpki => "jpki",
            Self::TextInput => "text_input",
            Self::Surface => "surface",
            Self::ResidentRegister => "resident_register",
            Self::Common => "common",
        }
    }
}

/// Class byte of the card's own commands.
pub(crate) const CLA_PROPRIETARY: u8 = 0x80;
/// The card's own signature command; not PERFORM SECURITY OPERATION of ISO/IEC 7816-8.
pub(crate) const INS_SIGN: u8 = 0x2A;
/// P1 of [`INS_SIGN`]: pad what is given as PKCS #1 v1.5 does, the one form every reader uses.
pub(crate) const SIGN_PADDED: u8 = 0x00;
/// P2 of [`INS_SIGN`]: the key an application uses where none is named.
pub(crate) const DEFAULT_KEY: u8 = 0x00;

/// DER DigestInfo of SHA-256 up to the digest (RFC 8017, 9.2, note 1).
const SHA256_DIGEST_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

/// What a key of this algorithm wants before the digest it signs: today's RSA keys a DigestInfo, which the card pads; EC
/// keys of the next generation nothing.
pub(crate) const fn signature_prefix(algorithm: Algorithm) -> &'static [u8] {
    match algorithm {
        Algorithm::Rs256 => &SHA256_DIGEST_INFO,
        Algorithm::Es256 | Algorithm::Es384 => &[],
    }
}

/// The longest record accepted, in bytes. READ BINARY addresses 32,768; file and parsed copy together stay below 64 kB.
pub(crate) const MAX_RECORD: usize = 32_000;

/// Elementary files of the JPKI application.
pub(crate) mod ef {
    /// 署名用電子証明書; readable after its password.
    pub(crate) const SIGNATURE_CERTIFICATE: u16 = 0x0001;
    /// The authority of the signature certificate; free.
    pub(crate) const SIGNATURE_AUTHORITY: u16 = 0x0002;
    /// Token information, a PKCS#11 `CK_TOKEN_INFO`; free.
    pub(crate) const TOKEN_INFO: u16 = 0x0006;
    /// Which certificates are on the card; free.
    pub(crate) const AVAILABILITY: u16 = 0x0008;
    /// 利用者証明用電子証明書; free on plastic, after the PIN on a phone.
    pub(crate) const AUTHENTICATION_CERTIFICATE: u16 = 0x000A;
    /// The authority of the authentication certificate; free.
    pub(crate) const AUTHENTICATION_AUTHORITY: u16 = 0x000B;
    /// The authentication private key.
    #[cfg(any(feature = "net", feature = "diagnostics"))]
    pub(crate) const AUTHENTICATION_KEY: u16 = 0x0017;
    /// The signature private key.
    #[cfg(feature = "diagnostics")]
    pub(crate) const SIGNATURE_KEY: u16 = 0x001A;

    /// Elementary files of the text-input application. EF 0001 holds the My Number and is not among them.
    pub(crate) mod text_input {
        /// The four attributes; after the PIN.
        pub(crate) const ATTRIBUTES: u16 = 0x0002;
        /// Digests of the records, signed; after the PIN.
        pub(crate) const SIGNED_DIGESTS: u16 = 0x0003;
        /// CV certificate of the key that signs records; free.
        pub(crate) const CV_CERTIFICATE: u16 = 0x0004;
        /// Public half of the chip's own key, signed; after the PIN.
        pub(crate) const CHIP_KEY: u16 = 0x0007;
    }

    /// Elementary files of the surface application. EF 0005 shows the My Number and is not among them.
    pub(crate) mod surface {
        /// Birth date alone, signed; after the birth-date number.
        pub(crate) const BIRTH_DATE: u16 = 0x0001;
        /// The printed face, signed; after 照合番号B.
        pub(crate) const FACE: u16 = 0x0002;
        /// CV certificate of the key that signs records; free.
        pub(crate) const CV_CERTIFICATE: u16 = 0x0004;
    }
}

/// Where a PIN lives and how often it may be tried.
pub(crate) struct PinProfile {
    pub(crate) application: Application,
    pub(crate) ef: u16,
    pub(crate) max_attempts: u8,
}

/// The PIN table, equal on every generation known. 照合番号A is the My Number itself and is not in it.
pub(crate) const fn pin(kind: PinKind) -> PinProfile {
    let (application, ef, max_attempts) = match kind {
        PinKind::UserAuthentication => (Application::Jpki, 0x0018, 3),
        PinKind::Signature => (Application::Jpki, 0x001B, 5),
        PinKind::TextInput => (Application::TextInput, 0x0011, 3),
        PinKind::VerificationNumberB => (Application::Surface, 0x0012, 10),
        PinKind::BirthDate => (Application::Surface, 0x0011, 10),
    };
    PinProfile { application, ef, max_attempts }
}

/// Kind of token, told by the label in EF 0006.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Generation {
    /// A My Number card of plastic.
    MyNumberCard,
    /// スマホ用電子証明書 on Android.
    AndroidPhone,
    /// スマホ用電子証明書 on iPhone.
    IPhone,
    /// 住民基本台帳カード: not a My Number card.
    ResidentRegisterCard,
    /// A label not seen before.
    Unknown,
}

impl Generation {
    /// Tells the generation by the token label, padding removed.
    pub(crate) fn of_label(label: &str) -> Self {
        match label {
            "JPKIAPICCTOKEN2" => Self::MyNumberCard,
            "JPKIAPGPSETOKEN" => Self::AndroidPhone,
            "JPKIAPIOSTOKEN" => Self::IPhone,
            "JPKIAPICCTOKEN" => Self::ResidentRegisterCard,
            _ => Self::Unknown,
        }
    }

    /// The applications of this kind of token that this SDK reads; phones carry certificates only.
    pub const fn applications(self) -> &'static [Application] {
        match self {
            Self::MyNumberCard | Self::Unknown => &[Application::Jpki, Application::TextInput, Application::Surface],
            Self::AndroidPhone | Self::IPhone | Self::ResidentRegisterCard => &[Application::Jpki],
        }
    }

    /// Stable name, as `kazasu card info --json` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MyNumberCard => "my_number_card",
            Self::AndroidPhone => "android_phone",
            Self::IPhone => "iphone",
            Self::ResidentRegisterCard => "resident_register_card",
            Self::Unknown => "unknown",
        }
    }
}
