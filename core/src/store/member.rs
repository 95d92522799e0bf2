//! The members: at most five, each registered by a tap and a look at whose card it was.
//!
//! Three things are called family and are kept apart: who is in this app (a member), who is 本人 or 家族 in an insurance (the
//! coverage says so), and who shares a livelihood for the tax (the user says so).

use serde_json::{Value, json};

use super::event::Event;
use super::keys::{Holder, MemberId};
use super::schema::Table;
use super::{MAX_MEMBERS, Store, text};
use crate::base64url;
use crate::error::{Error, StoreFault};
use crate::iso7816::CardCapabilities;
use crate::text::looks_alike;
use crate::time::{CalendarDate, UnixMillis};

/// Longest nickname, in characters.
const LONGEST_NICKNAME: usize = 20;
/// Largest certificate kept, in bytes.
const LARGEST_CERTIFICATE: usize = 8 << 10;

/// Whose card was read, to be shown to the caller before anything is kept.
#[derive(Clone)]
pub struct Candidate {
    /// The card's certificate, DER.
    pub certificate: Vec<u8>,
    /// What the card has shown it can do.
    pub capabilities: CardCapabilities,
    /// Name from the eligibility answer, or from the card; shown and not kept.
    pub name: Option<String>,
    /// Date of birth from the same place; shown and not kept.
    pub birth_date: Option<CalendarDate>,
}

crate::secret::opaque_debug!(Candidate, Confirmed, Member, Profile);

impl Candidate {
    /// Says that a person has looked at name and date of birth, and that this is who was meant.
    pub fn confirm(self) -> Confirmed {
        Confirmed { certificate: self.certificate, capabilities: self.capabilities }
    }
}

/// A card that was confirmed to be the right person's: the only thing that can be registered.
pub struct Confirmed {
    certificate: Vec<u8>,
    capabilities: CardCapabilities,
}

/// For whom the person with the phone acts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// 本人: the card's holder.
    Own,
    /// 法定代理人 of a child.
    LegalRepresentative,
    /// 代理人 whom the holder has appointed.
    Proxy,
}

impl Role {
    /// Stable name, as `--json` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Own => "self",
            Self::LegalRepresentative => "legal_representative",
            Self::Proxy => "proxy",
        }
    }

    /// Reads [`Role::name`].
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Own, Self::LegalRepresentative, Self::Proxy].into_iter().find(|role| role.name() == name)
    }
}

/// What the user says of a member.
#[derive(Clone, Eq, PartialEq)]
pub struct Profile {
    /// What the family calls them: 1 to 20 characters that show something and cannot be taken for those of another member
    /// ([`looks_alike`]). Kept without spaces at its ends and without format characters.
    pub nickname: String,
    /// For whom the user acts.
    pub role: Role,
    /// 生計を一にする, for the tax deduction.
    pub shares_livelihood: bool,
    /// The app asks for the device's lock before it shows this member.
    pub is_locked: bool,
    /// Consents sent with each check, by their codes; none unless the user chose so.
    pub consents: Vec<String>,
}

impl Profile {
    /// A profile with this name and nothing else said.
    pub fn new(nickname: impl Into<String>, role: Role) -> Self {
        let nickname = nickname.into();
        Self { nickname, role, shares_livelihood: true, is_locked: false, consents: Vec::new() }
    }
}

/// A registered member.
#[derive(Clone, Eq, PartialEq)]
pub struct Member {
    /// Who, in this store.
    pub id: MemberId,
    /// Place in the list, from 0.
    pub order: u32,
    /// What the user says.
    pub profile: Profile,
    /// The registered certificate, DER: another card is refused.
    pub certificate: Vec<u8>,
    /// What this card has shown it can do.
    pub capabilities: CardCapabilities,
    /// When.
    pub registered_at: UnixMillis,
}

/// What registering came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Registered {
    /// A new member.
    New(MemberId),
    /// This card is a member's already; nothing was changed.
    Known(MemberId),
}

impl Store {
    /// Whether one more member may be registered. No I/O: ask before the card and before the server.
    ///
    /// # Errors
    /// [`Error::TooManyMembers`] from the sixth on.
    pub fn check_room(&self) -> Result<(), Error> {
        if self.ring.members().count() < MAX_MEMBERS { Ok(()) } else { Err(Error::TooManyMembers) }
    }

    /// Whether a member may be registered with this profile: ask before the card and before the server.
    ///
    /// # Errors
    /// Those of [`Store::add_member`] for a nickname.
    pub fn check_profile(&self, profile: &Profile) -> Result<(), Error> {
        checked(profile.clone(), None, &self.members()?).map(drop)
    }

    /// Registers a confirmed card, with a key of its own, at the end of the list.
    ///
    /// # Errors
    /// [`Error::TooManyMembers`] before any I/O; [`Error::Usage`] for a nickname that is or looks taken, or shows nothing;
    /// [`Error::MyNumberSuspected`]; [`Error::Store`].
    pub fn add_member(&mut self, confirmed: Confirmed, profile: Profile) -> Result<Registered, Error> {
        self.check_room()?;
        let members = self.members()?;
        if let Some(known) = members.iter().find(|member| member.certificate == confirmed.certificate) {
            return Ok(Registered::Known(known.id));
        }
        if confirmed.certificate.len() > LARGEST_CERTIFICATE {
            return Err(Error::usage("the certificate is too large"));
        }
        let profile = checked(profile, None, &members)?;
        let id = MemberId::generate()?;
        let order = members.iter().map(|member| member.order).max().map_or(0, |last| last.saturating_add(1));
        let registered_at = self.context.clock.now();
        let Confirmed { certificate, capabilities } = confirmed;
        let member = Member { id, order, profile, certificate, capabilities, registered_at };
        let holder = Holder::Member(id);
        // Not with the new key in the ring: it would be kept although the member may not be.
        self.renew_when_due()?;
        self.ring.add(holder)?;
        let added = self.write_in_epoch(|tx| {
            tx.put_raw(Table::Keys, holder.bytes(), &tx.ring.wrap(holder)?)?;
            tx.put(holder, Table::Members, holder.bytes(), &to_bytes(&member))?;
            tx.log(Event::MemberAdded, Some(id), Ok(()), 0)
        });
        if let Err(error) = added {
            self.ring.remove(holder);
            return Err(error);
        }
        Ok(Registered::New(id))
    }

    /// The members in their order.
    ///
    /// # Errors
    /// [`StoreFault::Damaged`].
    pub fn members(&self) -> Result<Vec<Member>, Error> {
        let mut members = self.ring.members().map(|id| self.member(id)).collect::<Result<Vec<_>, _>>()?;
        members.sort_by_key(|member| member.order);
        Ok(members)
    }

    /// One member.
    ///
    /// # Errors
    /// [`Error::Usage`] for one who is not registered; [`StoreFault::Damaged`].
    pub fn member(&self, id: MemberId) -> Result<Member, Error> {
        let holder = Holder::Member(id);
        self.ring.card_key(holder)?;
        let value = self.read(|view| view.get(holder, Table::Members, holder.bytes()))?;
        let member = value.and_then(|value| parse(id, &value));
        member.ok_or(StoreFault::Damaged { what: Table::Members.name() }.into())
    }

    /// Changes what the user says of a member.
    ///
    /// # Errors
    /// As [`Store::add_member`].
    pub fn set_profile(&mut self, id: MemberId, profile: Profile) -> Result<(), Error> {
        let members = self.members()?;
        let profile = checked(profile, Some(id), &members)?;
        self.change_member(id, |member| member.profile = profile)
    }

    /// Keeps what a later tap has shown: a renewed certificate, and what the card can do.
    ///
    /// # Errors
    /// [`Error::Usage`] for a member who is not registered; [`Error::Store`].
    pub fn set_card(&mut self, id: MemberId, certificate: &[u8], capabilities: CardCapabilities) -> Result<(), Error> {
        if certificate.len() > LARGEST_CERTIFICATE {
            return Err(Error::usage("the certificate is too large"));
        }
        self.change_member(id, |member| {
            member.certificate = certificate.to_vec();
            member.capabilities = capabilities;
        })
    }

    /// Puts the members into this order.
    ///
    /// # Errors
    /// [`Error::Usage`] unless every member is named once; [`Error::Store`].
    pub fn set_order(&mut self, order: &[MemberId]) -> Result<(), Error> {
        let mut members = self.members()?;
        let place = |id: MemberId| order.iter().position(|one| *one == id).and_then(|at| u32::try_from(at).ok());
        if order.len() != members.len() || members.iter().any(|member| place(member.id).is_none()) {
            return Err(Error::usage("name every member once"));
        }
        members.iter_mut().for_each(|member| member.order = place(member.id).unwrap_or(member.order));
        self.write(|tx| {
            for member in &members {
                tx.put(Holder::Member(member.id), Table::Members, &member.id.0, &to_bytes(member))?;
            }
            tx.log(Event::MemberChanged, None, Ok(()), 0)
        })
    }

    fn change_member(&mut self, id: MemberId, change: impl FnOnce(&mut Member)) -> Result<(), Error> {
        let before = self.member(id)?;
        let mut member = before.clone();
        change(&mut member);
        if member == before {
            return Ok(());
        }
        self.write(|tx| {
            tx.put(Holder::Member(id), Table::Members, &id.0, &to_bytes(&member))?;
            tx.log(Event::MemberChanged, Some(id), Ok(()), 0)
        })
    }
}

/// A profile that may be kept.
fn checked(mut profile: Profile, own: Option<MemberId>, members: &[Member]) -> Result<Profile, Error> {
    // A kept one may be older than this rule.
    let is_own = |member: &&Member| Some(member.id) == own;
    if members.iter().find(is_own).is_some_and(|member| member.profile.nickname == profile.nickname) {
        return Ok(profile);
    }
    profile.nickname = text::nickname(&profile.nickname, LONGEST_NICKNAME)?;
    let mut others = members.iter().filter(|member| !is_own(member));
    if others.any(|member| looks_alike(&member.profile.nickname, &profile.nickname)) {
        return Err(Error::usage("another member has this nickname, or one that looks like it"));
    }
    Ok(profile)
}

fn to_bytes(member: &Member) -> Vec<u8> {
    let Profile { nickname, role, shares_livelihood, is_locked, consents } = &member.profile;
    let json = json!({
        "nickname": nickname,
        "role": role.name(),
        "shares_livelihood": shares_livelihood,
        "is_locked": is_locked,
        "consents": consents,
        "order": member.order,
        "certificate": base64url::encode(&member.certificate),
        "short_ef": member.capabilities.short_ef,
        "extended_length": member.capabilities.extended_length,
        "registered_at": member.registered_at.0,
    });
    json.to_string().into_bytes()
}

fn parse(id: MemberId, bytes: &[u8]) -> Option<Member> {
    let json: Value = serde_json::from_slice(bytes).ok()?;
    let text = |name: &str| json.get(name)?.as_str();
    let flag = |name: &str| json.get(name)?.as_bool();
    let consents = json.get("consents")?.as_array()?;
    Some(Member {
        id,
        order: json.get("order")?.as_u64()?.try_into().ok()?,
        profile: Profile {
            nickname: text("nickname")?.to_owned(),
            role: Role::parse(text("role")?)?,
            shares_livelihood: flag("shares_livelihood")?,
            is_locked: flag("is_locked")?,
            consents: consents.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        },
        certificate: base64url::decode(text("certificate")?)?,
        capabilities: CardCapabilities { short_ef: flag("short_ef"), extended_length: flag("extended_length") },
        registered_at: UnixMillis(json.get("registered_at")?.as_i64()?),
    })
}
