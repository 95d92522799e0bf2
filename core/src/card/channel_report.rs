//! How the link to the card was protected.

/// How the link to the card was protected: what happened, never what was hoped for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ChannelReport {
    /// The kind of channel.
    pub kind: ChannelKind,
    /// How the chip was shown to be no copy.
    pub chip_proof: ChipProof,
}

/// Kind of channel between SDK and card.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChannelKind {
    /// No encryption on the contactless interface: today's card offers none.
    Plain,
}

/// How the chip was shown to be no copy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChipProof {
    /// Not shown.
    None,
    /// It signed a fresh challenge with the key of its certificate.
    CertKeyChallenge,
    /// It signed a fresh challenge with the internal key of the application that was read, which the municipality
    /// certified.
    InternalKeyChallenge,
}

impl ChannelKind {
    /// Wire name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "Plain",
        }
    }
}

impl ChipProof {
    /// Wire name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::CertKeyChallenge => "CertKeyChallenge",
            Self::InternalKeyChallenge => "InternalKeyChallenge",
        }
    }
}
