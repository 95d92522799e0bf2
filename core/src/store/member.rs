//! The members: at most five, each registered by a tap and a look at whose card it was.
//!
//! Three things are called family and are kept apart: who is in this app (a member), who is 本人 or 家族 in an insurance (the
//! coverage says so), and who shares a livelihood for the tax (the user says so).

use serde_json::{Value, json};

use super::event::Event;
use super::keys::{Holder, MemberId};
use super::patient::{self, ServerPatient};
use super::schema::Table;
use super::{MAX_MEMBERS, Store, Tx, text};
use crate::base64url;
use crate::error::{Error, StoreFault};
use crate::iso7816::{CardCapabilities, ExtendedDoubt};
use crate::json as border;
use crate::text::looks_alike;
use crate::time::{CalendarDate, UnixMillis};

/// Longest nickname, in characters.
const LONGEST_NICKNAME: usize = 20;
/// Largest certificate kept, in bytes.
pub(super) const LARGEST_CERTIFICATE: usize = 8 << 10;

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

crate::secret::opaque_debug!(Candidate, Card, Confirmed, Member, Profile);

impl Candidate {
    /// Says that a person has looked at name and date of birth, and that this is who was meant.
    pub fn confirm(self) -> Confirmed {
        Confirmed { certificate: self.certificate, capabilities: self.capabilities }
    }
}

/// A card that was confirmed to be the right person's: the only thing that can be registered.
pub struct Confirmed {
    pub(super) certificate: Vec<u8>,
    pub(super) capabilities: CardCapabilities,
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
    /// The card used last: another one is refused.
    pub card: Card,
    /// Further cards of the same person.
    pub other_cards: Vec<Card>,
    /// Whom each server calls them, one id for each.
    pub patients: Vec<ServerPatient>,
    /// When.
    pub registered_at: UnixMillis,
}

impl Member {
    /// The id by which the server of this issuer knows the member; answers about another one are not theirs.
    pub fn patient_at(&self, issuer: &str) -> Option<&str> {
        self.patients.iter().find(|one| one.issuer == issuer).map(|one| &*one.patient)
    }

    /// Whether one of the member's cards has this certificate.
    pub fn has_card(&self, certificate: &[u8]) -> bool {
        std::iter::once(&self.card).chain(&self.other_cards).any(|card| card.certificate == certificate)
    }
}

/// A card of a member.
#[derive(Clone, Eq, PartialEq)]
pub struct Card {
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// What it has shown it can do.
    pub capabilities: CardCapabilities,
    /// When it was first read.
    pub first_seen: UnixMillis,
}

/// What registering came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Registered {
    /// A new member.
    New(MemberId),
    /// This card is a member's already: what they lacked was kept, and nothing they had was changed.
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
        let now = self.context.clock.now();
        self.change_member(id, |member| {
            if member.card.certificate != certificate {
                let known = member.other_cards.iter().position(|card| card.certificate == certificate);
                let renewed = || Card { certificate: certificate.to_vec(), capabilities, first_seen: now };
                let used = known.map_or_else(renewed, |at| member.other_cards.remove(at));
                let before = std::mem::replace(&mut member.card, used);
                member.other_cards.extend(known.map(|_| before));
            }
            member.card.capabilities = capabilities;
        })
    }

    /// Keeps what the member's card has shown in a tap that failed: there is no certificate then, and what was learned of
    /// the link spares the next tap the same failure.
    ///
    /// # Errors
    /// As [`Store::set_card`].
    pub fn set_capabilities(&mut self, id: MemberId, capabilities: CardCapabilities) -> Result<(), Error> {
        self.change_member(id, |member| member.card.capabilities = capabilities)
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
            members.iter().try_for_each(|member| tx.put_member(member))?;
            tx.log(Event::MemberChanged, None, Ok(()), 0)
        })
    }

    pub(super) fn change_member(&mut self, id: MemberId, change: impl FnOnce(&mut Member)) -> Result<(), Error> {
        let before = self.member(id)?;
        let mut member = before.clone();
        change(&mut member);
        if member == before {
            return Ok(());
        }
        self.write(|tx| {
            tx.put_member(&member)?;
            tx.log(Event::MemberChanged, Some(id), Ok(()), 0)
        })
    }
}

impl Tx<'_> {
    pub(super) fn put_member(&mut self, member: &Member) -> Result<(), Error> {
        self.put(Holder::Member(member.id), Table::Members, &member.id.0, &to_bytes(member))
    }
}

/// A profile that may be kept.
pub(super) fn checked(mut profile: Profile, own: Option<MemberId>, members: &[Member]) -> Result<Profile, Error> {
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
        "cards": std::iter::once(&member.card).chain(&member.other_cards).map(card_to_json).collect::<Vec<_>>(),
        "patients": member.patients.iter().map(patient::to_json).collect::<Vec<_>>(),
        "registered_at": member.registered_at.0,
    });
    json.to_string().into_bytes()
}

fn card_to_json(card: &Card) -> Value {
    json!({
        "certificate": base64url::encode(&card.certificate),
        "short_ef": card.capabilities.short_ef,
        "extended_length": card.capabilities.extended_length,
        "extended_doubt": card.capabilities.extended_doubt.map(ExtendedDoubt::name),
        "first_seen": card.first_seen.0,
    })
}

pub(super) fn parse(id: MemberId, bytes: &[u8]) -> Option<Member> {
    let json = border::parse_own(bytes)?;
    let text = |name: &str| json.get(name)?.as_str();
    let flag = |name: &str| json.get(name)?.as_bool();
    let list = |name: &str| json.get(name)?.as_array();
    let mut cards = list("cards")?.iter().map(card_of_json).collect::<Option<Vec<_>>>()?.into_iter();
    Some(Member {
        id,
        order: json.get("order")?.as_u64()?.try_into().ok()?,
        profile: Profile {
            nickname: text("nickname")?.to_owned(),
            role: Role::parse(text("role")?)?,
            shares_livelihood: flag("shares_livelihood")?,
            is_locked: flag("is_locked")?,
            consents: list("consents")?.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        },
        card: cards.next()?,
        other_cards: cards.collect(),
        patients: list("patients")?.iter().map(patient::of_json).collect::<Option<_>>()?,
        registered_at: UnixMillis(json.get("registered_at")?.as_i64()?),
    })
}

fn card_of_json(json: &Value) -> Option<Card> {
    let flag = |name: &str| json.get(name)?.as_bool();
    let text = |name: &str| json.get(name)?.as_str();
    Some(Card {
        certificate: base64url::decode(json.get("certificate")?.as_str()?)?,
        capabilities: CardCapabilities {
            short_ef: flag("short_ef"),
            extended_length: flag("extended_length"),
            // Rows written before there was a doubt have none.
            extended_doubt: ExtendedDoubt::ALL.into_iter().find(|doubt| Some(doubt.name()) == text("extended_doubt")),
        },
        first_seen: UnixMillis(json.get("first_seen")?.as_i64()?),
    })
}

/// Format 1 kept one card, in the row itself.
pub(super) fn to_format_2(tx: &mut Tx<'_>) -> Result<(), Error> {
    let members: Vec<MemberId> = tx.ring.members().collect();
    for id in members {
        let value = tx.get(Holder::Member(id), Table::Members, &id.0)?;
        let new =
            value.and_then(|value| with_cards(&value)).ok_or(StoreFault::Damaged { what: Table::Members.name() })?;
        tx.put(Holder::Member(id), Table::Members, &id.0, &new)?;
    }
    Ok(())
}

fn with_cards(row: &[u8]) -> Option<Vec<u8>> {
    let mut json: Value = border::parse_own(row)?;
    let row = json.as_object_mut()?;
    let card = json!({
        "certificate": row.remove("certificate")?,
        "short_ef": row.remove("short_ef"),
        "extended_length": row.remove("extended_length"),
        "first_seen": row.get("registered_at")?,
    });
    row.insert("cards".to_owned(), json!([card]));
    row.insert("patients".to_owned(), json!([]));
    Some(json.to_string().into_bytes())
}
