//! What a card and the link to it have shown they can do, and how that is learned.

use super::{Channel, StatusWord};

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

impl Channel<'_> {
    /// Whether extended lengths are worth trying now.
    pub(super) fn takes_extended(&self) -> bool {
        self.in_tap != InTap::Avoided && self.capabilities.extended_length != Some(false)
    }

    /// Whether one has brought data in this tap.
    pub(super) fn has_carried_extended(&self) -> bool {
        self.in_tap == InTap::Carried
    }

    /// An extended length brought data.
    pub(super) fn carried_extended(&mut self) {
        self.in_tap = InTap::Carried;
        self.capabilities.extended_length = Some(true);
        self.capabilities.extended_doubt = None;
    }

    /// A short length brought data: a suspension has served its tap.
    pub(super) fn carried_short(&mut self) {
        let known = &mut self.capabilities;
        if self.in_tap == InTap::Avoided && known.extended_doubt == Some(ExtendedDoubt::Suspended) {
            known.extended_doubt = Some(ExtendedDoubt::OnTrial);
        }
    }

    /// Nothing came of an extended length, for this status word or without any, and the same in short brought data.
    pub(super) fn extended_failed(&mut self, status: Option<StatusWord>) {
        self.in_tap = InTap::Avoided;
        let known = &mut self.capabilities;
        let says_so =
            status.is_some_and(|status| status == StatusWord::WRONG_LENGTH || status.exact_length().is_some());
        let by_chance = known.extended_length == Some(true) && known.extended_doubt.is_none() && !says_so;
        if by_chance {
            known.extended_doubt = Some(ExtendedDoubt::OnTrial);
        } else {
            (known.extended_length, known.extended_doubt) = (Some(false), None);
        }
    }

    /// The link was lost in an extended length, which may be why.
    pub(super) fn lost_in_extended(&mut self) {
        self.in_tap = InTap::Avoided;
        let known = &mut self.capabilities;
        let suspended = Some(ExtendedDoubt::Suspended);
        (known.extended_length, known.extended_doubt) = match (known.extended_length, known.extended_doubt) {
            (worked, None) => (worked, suspended),
            (Some(true), Some(_)) => (None, suspended),
            (_, Some(_)) => (Some(false), None),
        };
    }
}
