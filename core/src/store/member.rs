//! The members: at most five, each registered by a tap and a look at whose card it was.
//!
//! Three things are called family and are kept apart: who is in this app (a member), who is 本人 or 家族 in an insurance (the
//! coverage says so), and who shares a livelihood for the tax (the user says so).

use super::acts::{Contact, Registration};
use super::event::Event;
use super::keys::{Holder, MemberId};
use super::member_row::{parse, to_bytes};
use super::schema::Table;
use super::secrets::SecretKind;
use super::{MAX_MEMBERS, Store, Tx, text};
use crate::error::{Error, ResourceFault, StoreFault};
use crate::iso7816::CardCapabilities;
use crate::time::{CalendarDate, UnixMillis};

/// Longest nickname, in characters.
const LONGEST_NICKNAME: usize = 20;
/// Largest certificate kept, in bytes.
const LARGEST_CERTIFICATE: usize = 8 << 10;
/// Longest issuer or patient id, in bytes.
const LONGEST_PATIENT: usize = 512;
/// Servers that may know a member.
const MOST_SERVERS: usize = 16;

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

crate::secret::opaque_debug!(Candidate, Card, Confirmed, Member, Profile, ServerPatient);

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
    /// What the family calls them: 1 to 20 characters, unlike those of the others.
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

/// Whom a server calls a member.
#[derive(Clone, Eq, PartialEq)]
pub struct ServerPatient {
    /// Issuer of the tokens, as it stands in its metadata.
    pub issuer: String,
    /// Id of the Patient in its tokens: opaque, and of no meaning elsewhere.
    pub patient: String,
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

    /// [`Store::register`] with nothing of a server.
    ///
    /// # Errors
    /// As [`Store::register`].
    pub fn add_member(&mut self, confirmed: Confirmed, profile: Profile) -> Result<Registered, Error> {
        self.register(Registration::new(confirmed, profile))
    }

    /// Registers a confirmed card, with a key of its own, at the end of the list, in one transaction with everything that
    /// belongs to it.
    ///
    /// A card that is a member's already brings what this member lacks: a device key with its access, the patient id; and
    /// the check is kept. The profile stays as it was.
    ///
    /// # Errors
    /// [`Error::TooManyMembers`] before anything is written; [`Error::Usage`] for a nickname that is taken or no nickname;
    /// [`Error::MyNumberSuspected`]; [`ResourceFault::Foreign`] when a known card brings another patient id; [`Error::Store`].
    pub fn register(&mut self, registration: Registration) -> Result<Registered, Error> {
        let members = self.members()?;
        if let Some(known) = members.iter().find(|member| member.has_card(&registration.confirmed.certificate)) {
            return self.repair(known.clone(), &registration);
        }
        self.check_room()?;
        if registration.confirmed.certificate.len() > LARGEST_CERTIFICATE {
            return Err(Error::usage("the certificate is too large"));
        }
        let profile = checked(registration.profile.clone(), None, &members)?;
        let id = MemberId::generate()?;
        let order = members.iter().map(|member| member.order).max().map_or(0, |last| last.saturating_add(1));
        let registered_at = self.context.clock.now();
        let Confirmed { certificate, capabilities } = &registration.confirmed;
        let card = Card { certificate: certificate.clone(), capabilities: *capabilities, first_seen: registered_at };
        let (other_cards, patients) = (Vec::new(), Vec::new());
        let mut member = Member { id, order, profile, card, other_cards, patients, registered_at };
        if let Some(ServerPatient { issuer, patient }) = &registration.patient {
            pin(&mut member, issuer, patient)?;
        }
        let holder = Holder::Member(id);
        // Not with the new key in the ring: it would be kept although the member may not be.
        self.renew_when_due()?;
        self.ring.add(holder)?;
        let added = self.write_in_epoch(|tx| {
            tx.put_raw(Table::Keys, holder.bytes(), &tx.ring.wrap(holder)?)?;
            tx.put_member(&member)?;
            tx.log(Event::MemberAdded, Some(id), Ok(()), 0)?;
            if let Some(device_key) = &registration.device_key {
                tx.put_secret(id, SecretKind::DeviceKey, device_key)?;
            }
            tx.keep_contact(id, registration.contact())
        });
        if let Err(error) = added {
            self.ring.remove(holder);
            return Err(error);
        }
        Ok(Registered::New(id))
    }

    /// Gives a member who is known what they lack.
    fn repair(&mut self, mut member: Member, registration: &Registration) -> Result<Registered, Error> {
        let id = member.id;
        let is_pinned = match &registration.patient {
            Some(ServerPatient { issuer, patient }) => pin(&mut member, issuer, patient)?,
            None => false,
        };
        let needs_key = self.needs_device_key(id, registration)?;
        let device_key = registration.device_key.as_ref().filter(|_| needs_key);
        // Tokens are bound to their key.
        let contact = Contact { access: None, ..registration.contact() };
        if !is_pinned && device_key.is_none() && contact.check.is_none() && contact.server_time.is_none() {
            return Ok(Registered::Known(id));
        }
        self.write(|tx| {
            if is_pinned || device_key.is_some() {
                tx.put_member(&member)?;
                tx.log(Event::MemberChanged, Some(id), Ok(()), 0)?;
            }
            if let Some(device_key) = device_key {
                tx.put_secret(id, SecretKind::DeviceKey, device_key)?;
                tx.remove_secret(id, SecretKind::Access)?;
                return tx.keep_contact(id, registration.contact());
            }
            tx.keep_contact(id, contact)
        })?;
        Ok(Registered::Known(id))
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

    /// Keeps the id by which a server knows a member, at the first contact. Every later contact is compared with it.
    ///
    /// # Errors
    /// [`ResourceFault::Foreign`] when another id is kept for this issuer: nothing is changed, and nothing of that answer
    /// may be kept, until a person has confirmed whose it is ([`Store::confirm_patient`]). [`Error::Usage`] for a member who
    /// is not registered, and for texts that are empty or over 512 bytes; [`Error::Store`].
    pub fn pin_patient(&mut self, id: MemberId, issuer: &str, patient: &str) -> Result<(), Error> {
        let mut member = self.member(id)?;
        if pin(&mut member, issuer, patient)? {
            self.change_member(id, |kept| kept.patients = member.patients)?;
        }
        Ok(())
    }

    /// Keeps another id in place of the one there is, after a person has looked at name and date of birth and confirmed that
    /// they are this member's. The log tells of it.
    ///
    /// # Errors
    /// As [`Store::pin_patient`], without the comparison.
    pub fn confirm_patient(&mut self, id: MemberId, issuer: &str, patient: &str) -> Result<(), Error> {
        let mut member = self.member(id)?;
        member.patients.retain(|one| one.issuer != issuer);
        pin(&mut member, issuer, patient)?;
        self.write(|tx| {
            tx.put_member(&member)?;
            tx.log(Event::PatientConfirmed, Some(id), Ok(()), 0)
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
            members.iter().try_for_each(|member| tx.put_member(member))?;
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
            tx.put_member(&member)?;
            tx.log(Event::MemberChanged, Some(id), Ok(()), 0)
        })
    }
}

impl Tx<'_> {
    fn put_member(&mut self, member: &Member) -> Result<(), Error> {
        self.put(Holder::Member(member.id), Table::Members, &member.id.0, &to_bytes(member))
    }
}

/// Adds the id unless it is there; tells whether it was not.
fn pin(member: &mut Member, issuer: &str, patient: &str) -> Result<bool, Error> {
    match member.patient_at(issuer) {
        Some(kept) if kept == patient => return Ok(false),
        Some(_) => return Err(ResourceFault::Foreign { what: "patient" }.into()),
        None => {}
    }
    if [issuer, patient].iter().any(|text| text.is_empty() || text.len() > LONGEST_PATIENT) {
        return Err(Error::usage("issuer and patient have 1 to 512 bytes"));
    }
    if member.patients.len() >= MOST_SERVERS {
        return Err(Error::usage("too many servers know this member"));
    }
    member.patients.push(ServerPatient { issuer: issuer.to_owned(), patient: patient.to_owned() });
    Ok(true)
}

/// A profile that may be kept.
fn checked(mut profile: Profile, own: Option<MemberId>, members: &[Member]) -> Result<Profile, Error> {
    profile.nickname = text::checked(&profile.nickname, LONGEST_NICKNAME)?;
    let others = members.iter().filter(|member| Some(member.id) != own);
    if others.into_iter().any(|member| member.profile.nickname == profile.nickname) {
        return Err(Error::usage("another member has this nickname"));
    }
    Ok(profile)
}
