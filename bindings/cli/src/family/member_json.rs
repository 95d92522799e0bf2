//! A member for machines.

use kazasu::store::{Member, Store};
use serde_json::{Value, json};

use crate::failure::Failure;

pub(super) fn to_json(member: &Member, store: &Store) -> Result<Value, Failure> {
    Ok(json!({
        "id": member.id.to_string(),
        "nickname": member.profile.nickname,
        "role": member.profile.role.name(),
        "shares_livelihood": member.profile.shares_livelihood,
        "consents": member.profile.consents,
        "registered_at": member.registered_at.to_rfc3339(),
        "unread": store.unread(member.id)?,
    }))
}
