//! The five applications of the card, as the outside names them.

use std::{fmt, str::FromStr};

/// An application (DF) of the card.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ApplicationKind {
    /// 共通カードAP, `common`: serial number and expiry date.
    Common,
    /// 住基AP, `resident-register`.
    ResidentRegister,
    /// 券面事項確認AP, `surface`: what is printed on the card.
    Surface,
    /// 券面事項入力補助AP, `text-input`: My Number and the four attributes.
    TextInput,
    /// 公的個人認証AP, `jpki`: certificates and signatures.
    Jpki,
}

impl ApplicationKind {
    /// Every application, in the order in which a right-truncated DF name is matched.
    pub const ALL: [Self; 5] = [Self::Common, Self::ResidentRegister, Self::Surface, Self::TextInput, Self::Jpki];

    /// The DF name by which the application is selected.
    pub fn aid(self) -> &'static [u8; 10] {
        match self {
            Self::Common => &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x01, 0x00],
            Self::ResidentRegister => &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x01],
            Self::Surface => &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x02],
            Self::TextInput => &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x08],
            Self::Jpki => &[0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01],
        }
    }

    /// The name on the command line and in state files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Common => "common",
            Self::ResidentRegister => "resident-register",
            Self::Surface => "surface",
            Self::TextInput => "text-input",
            Self::Jpki => "jpki",
        }
    }
}

impl fmt::Display for ApplicationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ApplicationKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("unknown application {text:?}; the applications are {names}")
        })
    }
}
