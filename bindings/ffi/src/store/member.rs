//! The members of the family.

use kazasu::store as core;

use super::patient::ServerPatient;
use super::{Store, member_id, mirror};
use crate::card::CardCapabilities;
use crate::error::KazasuError;
use crate::session::TapResult;

mirror! {
    /// For whom the person with the phone acts.
    Role of kazasu::store::Role {
        /// 本人: the card's holder.
        Own,
        /// 法定代理人 of a child.
        LegalRepresentative,
        /// 代理人 whom the holder has appointed.
        Proxy,
    }
}

mirror! {
    /// What the removal of a member is worth.
    Erasure of kazasu::store::Erasure {
        /// The key is gone for good, in hardware.
        Complete,
        /// The key was overwritten in a file: what a flash controller or a backup keeps is beyond reach.
        BestEffort,
    }
}

/// What the user says of a member.
#[derive(Clone, uniffi::Record)]
pub struct Profile {
    /// What the family calls them: 1 to 20 characters that show something and look like those of nobody else.
    pub nickname: String,
    /// For whom the user acts.
    pub role: Role,
    /// 生計を一にする, for the tax deduction.
    #[uniffi(default = true)]
    pub shares_livelihood: bool,
    /// The app asks for the device's lock before it shows this member.
    #[uniffi(default = false)]
    pub is_locked: bool,
    /// Consents sent with each check, by their codes; none unless the user chose so.
    #[uniffi(default = [])]
    pub consents: Vec<String>,
}

/// A registered member.
#[derive(Clone, uniffi::Record)]
pub struct StoredMember {
    /// Who, in this store.
    pub id: String,
    /// What the user says.
    pub profile: Profile,
    /// The registered certificate: hand it to the session, and another card is refused.
    pub certificate: Vec<u8>,
    /// What this card has shown it can do.
    pub capabilities: CardCapabilities,
    /// Whom each server calls them: hand the one of the server at hand to the session, and answers about others are refused.
    pub patients: Vec<ServerPatient>,
    /// When, milliseconds since 1970.
    pub registered_at_unix_ms: i64,
}

/// What registering came to.
#[derive(Clone, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum Registered {
    /// A new member.
    New {
        /// Who.
        id: String,
    },
    /// This card is a member's already: what they lacked was kept, and nothing they had was changed.
    Known {
        /// Whose.
        id: String,
    },
}

#[uniffi::export]
impl Store {
    /// Fails with `TooManyMembers` when there is no place for another one. No I/O: ask before the card and the server.
    pub fn check_room(&self) -> Result<(), KazasuError> {
        self.with(|store| store.check_room())
    }

    /// Registers the card of a tap, as `register` does, with nothing of a server. By calling it you say that a person has looked at name and date of birth of that card's
    /// holder and confirmed who it is. Fails with `TooManyMembers` for the sixth, before any I/O; with `Usage` for a nickname
    /// that is taken or looks like one that is, shows nothing or is too long; with `MyNumberSuspected`.
    pub fn confirm_and_add(&self, candidate: TapResult, profile: Profile) -> Result<Registered, KazasuError> {
        let candidate = core::Candidate {
            certificate: candidate.certificate,
            capabilities: candidate.capabilities.into(),
            name: None, // shown by the app
            birth_date: None,
        };
        self.with(|store| store.add_member(candidate.confirm(), profile.into())).map(Into::into)
    }

    /// The members in their order.
    pub fn members(&self) -> Result<Vec<StoredMember>, KazasuError> {
        Ok(self.with(|store| store.members())?.into_iter().map(Into::into).collect())
    }

    /// One member; fails with `Usage` for one who is not registered.
    pub fn member(&self, id: String) -> Result<StoredMember, KazasuError> {
        let id = member_id(&id)?;
        self.with(|store| store.member(id)).map(Into::into)
    }

    /// Changes what the user says of a member. Fails as `confirm_and_add`.
    pub fn set_profile(&self, id: String, profile: Profile) -> Result<(), KazasuError> {
        let id = member_id(&id)?;
        self.with(|store| store.set_profile(id, profile.into()))
    }

    /// Keeps what a later tap of this member has shown: a renewed certificate, and what the card can do.
    pub fn set_card(&self, id: String, tap: TapResult) -> Result<(), KazasuError> {
        let id = member_id(&id)?;
        self.with(|store| store.set_card(id, &tap.certificate, tap.capabilities.into()))
    }

    /// Keeps what `Session.capabilities` says after a tap that failed; nothing else of the member changes.
    pub fn set_capabilities(&self, id: String, capabilities: CardCapabilities) -> Result<(), KazasuError> {
        let id = member_id(&id)?;
        self.with(|store| store.set_capabilities(id, capabilities.into()))
    }

    /// Puts the members into this order, which names each of them once.
    pub fn set_order(&self, ids: Vec<String>) -> Result<(), KazasuError> {
        let ids = ids.iter().map(|id| member_id(id)).collect::<Result<Vec<_>, _>>()?;
        self.with(|store| store.set_order(&ids))
    }

    /// Removes a member with everything of theirs, so that old copies of the file tell nothing either. Revoke the tokens at
    /// the server first. After a failure the rest is done when the store is opened again.
    pub fn remove_member(&self, id: String) -> Result<Erasure, KazasuError> {
        let id = member_id(&id)?;
        self.with(|store| store.remove_member(id)).map(Into::into)
    }
}

impl From<Profile> for core::Profile {
    fn from(ffi: Profile) -> Self {
        Self {
            nickname: ffi.nickname,
            role: ffi.role.into(),
            shares_livelihood: ffi.shares_livelihood,
            is_locked: ffi.is_locked,
            consents: ffi.consents,
        }
    }
}

impl From<core::Profile> for Profile {
    fn from(core: core::Profile) -> Self {
        Self {
            nickname: core.nickname,
            role: core.role.into(),
            shares_livelihood: core.shares_livelihood,
            is_locked: core.is_locked,
            consents: core.consents,
        }
    }
}

impl From<core::Member> for StoredMember {
    fn from(core: core::Member) -> Self {
        Self {
            id: core.id.to_string(),
            profile: core.profile.into(),
            certificate: core.card.certificate,
            capabilities: core.card.capabilities.into(),
            patients: core.patients.into_iter().map(Into::into).collect(),
            registered_at_unix_ms: core.registered_at.0,
        }
    }
}
