//! How a member stands in their row: JSON, with a list of cards of which the first is the one used last.

use serde_json::{Value, json};

use super::Tx;
use super::keys::{Holder, MemberId};
use super::member::{Card, Member, Profile, Role, ServerPatient};
use super::schema::Table;
use crate::base64url;
use crate::error::{Error, StoreFault};
use crate::iso7816::CardCapabilities;
use crate::time::UnixMillis;

pub(super) fn to_bytes(member: &Member) -> Vec<u8> {
    let Profile { nickname, role, shares_livelihood, is_locked, consents } = &member.profile;
    let json = json!({
        "nickname": nickname,
        "role": role.name(),
        "shares_livelihood": shares_livelihood,
        "is_locked": is_locked,
        "consents": consents,
        "order": member.order,
        "cards": std::iter::once(&member.card).chain(&member.other_cards).map(card_to_json).collect::<Vec<_>>(),
        "patients": member.patients.iter().map(patient_to_json).collect::<Vec<_>>(),
        "registered_at": member.registered_at.0,
    });
    json.to_string().into_bytes()
}

fn card_to_json(card: &Card) -> Value {
    json!({
        "certificate": base64url::encode(&card.certificate),
        "short_ef": card.capabilities.short_ef,
        "extended_length": card.capabilities.extended_length,
        "first_seen": card.first_seen.0,
    })
}

fn patient_to_json(one: &ServerPatient) -> Value {
    json!({"issuer": one.issuer, "patient": one.patient})
}

pub(super) fn parse(id: MemberId, bytes: &[u8]) -> Option<Member> {
    let json: Value = serde_json::from_slice(bytes).ok()?;
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
        patients: list("patients")?.iter().map(patient_of_json).collect::<Option<_>>()?,
        registered_at: UnixMillis(json.get("registered_at")?.as_i64()?),
    })
}

fn card_of_json(json: &Value) -> Option<Card> {
    let flag = |name: &str| json.get(name)?.as_bool();
    Some(Card {
        certificate: base64url::decode(json.get("certificate")?.as_str()?)?,
        capabilities: CardCapabilities { short_ef: flag("short_ef"), extended_length: flag("extended_length") },
        first_seen: UnixMillis(json.get("first_seen")?.as_i64()?),
    })
}

fn patient_of_json(json: &Value) -> Option<ServerPatient> {
    let text = |name: &str| json.get(name)?.as_str().map(str::to_owned);
    Some(ServerPatient { issuer: text("issuer")?, patient: text("patient")? })
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
    let mut json: Value = serde_json::from_slice(row).ok()?;
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
