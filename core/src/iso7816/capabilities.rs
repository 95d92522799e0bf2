//! What a card and the link to it have shown they can do.

/// What a card has shown it can do over the links of this device; worth storing per card, after failures too, as it saves
/// exchanges and, on links that break, taps.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CardCapabilities {
    /// Files answer to short EF identifiers; `None` while unknown.
    pub short_ef: Option<bool>,
    /// READ BINARY takes extended lengths; `None` while unknown.
    pub extended_length: Option<bool>,
    /// Whether extended lengths have failed since in a way that chance explains; `None` while they have not.
    pub extended_doubt: Option<ExtendedDoubt>,
}

/// What follows from an extended length that failed, perhaps by chance.
///
/// ```text
///            lost                  a tap in short             lost or refused
/// no doubt ───────▶ Suspended ──────────────────▶ OnTrial ───────────────────▶ extended_length = Some(false)
///                                                    └── worked ──▶ no doubt
/// ```
///
/// One lost card thus costs one slow tap; a link that breaks at every extended length costs two, ever. Where extended
/// lengths have worked before, the second failure only makes them unknown again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExtendedDoubt {
    /// The link was lost in one: the next tap does without.
    Suspended,
    /// The next tap tries again.
    OnTrial,
}

impl ExtendedDoubt {
    /// Both, in the order they come.
    pub const ALL: [Self; 2] = [Self::Suspended, Self::OnTrial];

    /// Stable name, as it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Suspended => "suspended",
            Self::OnTrial => "on_trial",
        }
    }
}

/// What became of extended lengths in this tap.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum InTap {
    Untried,
    Carried,
    Avoided,
}

impl CardCapabilities {
    pub(super) fn at_tap(self) -> InTap {
        if self.extended_doubt == Some(ExtendedDoubt::Suspended) { InTap::Avoided } else { InTap::Untried }
    }
}
