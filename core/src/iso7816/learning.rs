//! What is learned of extended lengths from what became of them.

use super::capabilities::{ExtendedDoubt, InTap};
use super::{Channel, StatusWord};

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
