//! Access and refresh tokens, grouped into families that are revoked together.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::outcome::OAuthError;
use crate::random;
use crate::sync::lock;
use crate::time::UnixSeconds;

/// A scope this server knows.
pub(crate) type Scope = &'static str;
/// Names everything issued for one assertion.
pub(crate) type FamilyId = u64;

/// The scopes that may be asked for, in the order they are advertised.
pub(crate) const SCOPES: &[Scope] = &[
    ELIGIBILITY_CREATE,
    ELIGIBILITY_READ,
    COVERAGE_READ,
    EXPENSES_READ,
    MEDICATIONS_READ,
    IMMUNIZATIONS_READ,
    CHECKUPS_READ,
    CONSENT,
    ACCESS_LOG_READ,
    TASK,
    OFFLINE_ACCESS,
];
pub(crate) const ELIGIBILITY_CREATE: Scope = "patient/CoverageEligibilityRequest.c";
pub(crate) const ELIGIBILITY_READ: Scope = "patient/CoverageEligibilityResponse.rs";
pub(crate) const COVERAGE_READ: Scope = "patient/Coverage.rs";
pub(crate) const EXPENSES_READ: Scope = "patient/ExplanationOfBenefit.rs";
pub(crate) const MEDICATIONS_READ: Scope = "patient/MedicationDispense.rs";
pub(crate) const IMMUNIZATIONS_READ: Scope = "patient/Immunization.rs";
pub(crate) const CHECKUPS_READ: Scope = "patient/Observation.rs";
pub(crate) const ACCESS_LOG_READ: Scope = "patient/AuditEvent.rs";
pub(crate) const CONSENT: Scope = "patient/Consent.crus";
pub(crate) const TASK: Scope = "patient/Task.crus";
pub(crate) const OFFLINE_ACCESS: Scope = "offline_access";
/// What a suspension refresh token obtains, and no assertion does.
pub(crate) const CARD_SUSPEND: Scope = "card.suspend";

/// The known scopes among those claimed (all when nothing is claimed), narrowed by those requested.
pub(crate) fn grantable(claimed: Option<&str>, requested: Option<&str>) -> Result<Vec<Scope>, OAuthError> {
    let asks = |list: Option<&str>, scope: &str| list.is_none_or(|list| list.split(' ').any(|one| one == scope));
    let granted: Vec<Scope> =
        SCOPES.iter().copied().filter(|scope| asks(claimed, scope) && asks(requested, scope)).collect();
    if granted.is_empty() { Err(OAuthError::INVALID_SCOPE) } else { Ok(granted) }
}

/// Whom a family of tokens belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    /// Thumbprint of the DPoP key that all tokens of the family are bound to.
    pub(crate) jkt: String,
    pub(crate) person: u8,
    pub(crate) client_id: String,
}

/// What a presented access token stands for.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) holder: Holder,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) expires: UnixSeconds,
}

/// The result of a refresh.
#[derive(Debug)]
pub(crate) struct Refreshed {
    pub(crate) holder: Holder,
    pub(crate) access_token: String,
    pub(crate) scopes: Vec<Scope>,
    /// Absent for a suspension refresh token, which does not rotate.
    pub(crate) refresh_token: Option<String>,
}

/// Every token that was issued and may still be presented.
#[derive(Default)]
pub(crate) struct Grants(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    next_family: FamilyId,
    families: HashMap<FamilyId, Family>,
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
}

struct Family {
    holder: Holder,
    scopes: Vec<Scope>,
}

struct Access {
    family: FamilyId,
    scopes: Vec<Scope>,
    expires: UnixSeconds,
}

struct Refresh {
    family: FamilyId,
    expires: UnixSeconds,
    rotates: bool,
    spent: Option<Spent>,
}

struct Spent {
    at: UnixSeconds,
    replayed: bool,
    successor: String,
}

impl Grants {
    /// Opens a family for an accepted assertion.
    pub(crate) fn open(&self, holder: Holder, scopes: Vec<Scope>) -> FamilyId {
        lock(&self.0).open(holder, scopes)
    }

    /// Opens the family of the token that survives log-out and only serves to stop a lost card.
    pub(crate) fn open_suspension(&self, holder: Holder) -> FamilyId {
        self.open(holder, vec![CARD_SUSPEND])
    }

    pub(crate) fn issue_access(&self, family: FamilyId, now: UnixSeconds) -> String {
        let mut inner = lock(&self.0);
        inner.forget_old(now);
        let scopes = inner.families.get(&family).map(|family| family.scopes.clone()).unwrap_or_default();
        inner.issue_access(family, scopes, now)
    }

    pub(crate) fn issue_refresh(&self, family: FamilyId, now: UnixSeconds) -> String {
        lock(&self.0).issue_refresh(family, now, REFRESH_LIFETIME_S, true)
    }

    pub(crate) fn issue_suspension(&self, family: FamilyId, now: UnixSeconds) -> String {
        lock(&self.0).issue_refresh(family, now, SUSPENSION_LIFETIME_S, false)
    }

    /// Takes the record scopes from what a refresh gives.
    pub(crate) fn without_records(&self, access_token: &str) -> Vec<Scope> {
        let mut inner = lock(&self.0);
        let Some(access) = inner.access.get_mut(access_token) else { return Vec::new() };
        access.scopes.retain(|scope| !RECORD_SCOPES.contains(scope));
        access.scopes.clone()
    }

    /// What a live or expired access token stands for; `None` when it is unknown or revoked.
    pub(crate) fn find(&self, token: &str) -> Option<Grant> {
        let inner = lock(&self.0);
        let access = inner.access.get(token)?;
        let family = inner.families.get(&access.family)?;
        Some(Grant { holder: family.holder.clone(), scopes: access.scopes.clone(), expires: access.expires })
    }

    /// Spends a refresh token with the key `jkt`, optionally for fewer scopes.
    ///
    /// A spent token presented again revokes its family, except once within 30 s.
    pub(crate) fn refresh(
        &self,
        token: &str,
        jkt: &str,
        client_id: &str,
        requested: Option<&str>,
        now: UnixSeconds,
    ) -> Result<Refreshed, OAuthError> {
        lock(&self.0).refresh(token, jkt, client_id, requested, now)
    }

    pub(crate) fn revoke_families(&self, families: &[FamilyId]) {
        let mut inner = lock(&self.0);
        families.iter().for_each(|family| inner.revoke_family(*family));
    }

    /// Gives up a token (RFC 7009): an access token alone, a refresh token with its family.
    pub(crate) fn revoke(&self, token: &str, client_id: &str) -> bool {
        let mut inner = lock(&self.0);
        let family = inner.refresh.get(token).map(|refresh| refresh.family);
        let Some(family) = family.or_else(|| inner.access.get(token).map(|access| access.family)) else { return false };
        if inner.families.get(&family).is_none_or(|family| family.holder.client_id != client_id) {
            return false;
        }
        if inner.access.remove(token).is_none() {
            inner.revoke_family(family);
        }
        true
    }
}

impl Inner {
    fn open(&mut self, holder: Holder, scopes: Vec<Scope>) -> FamilyId {
        self.next_family += 1;
        self.families.insert(self.next_family, Family { holder, scopes });
        self.next_family
    }

    fn issue_access(&mut self, family: FamilyId, scopes: Vec<Scope>, now: UnixSeconds) -> String {
        let token = random::token();
        self.access.insert(token.clone(), Access { family, scopes, expires: now.saturating_add(ACCESS_LIFETIME_S) });
        token
    }

    fn issue_refresh(&mut self, family: FamilyId, now: UnixSeconds, lifetime: i64, rotates: bool) -> String {
        let token = random::token();
        let refresh = Refresh { family, expires: now.saturating_add(lifetime), rotates, spent: None };
        self.refresh.insert(token.clone(), refresh);
        token
    }

    fn refresh(
        &mut self,
        token: &str,
        jkt: &str,
        client_id: &str,
        requested: Option<&str>,
        now: UnixSeconds,
    ) -> Result<Refreshed, OAuthError> {
        const REFUSED: OAuthError = OAuthError::INVALID_GRANT.described("refresh token refused");
        let refresh = self.refresh.get_mut(token).ok_or(REFUSED)?;
        let (family_id, rotates) = (refresh.family, refresh.rotates);
        let family = self.families.get(&family_id).ok_or(REFUSED)?;
        if family.holder.jkt != jkt || family.holder.client_id != client_id || refresh.expires < now {
            return Err(REFUSED);
        }
        let asked = |scope: &Scope| requested.is_none_or(|list| list.split(' ').any(|one| one == *scope));
        let scopes: Vec<Scope> = family.scopes.iter().copied().filter(asked).collect();
        if scopes.is_empty() {
            return Err(OAuthError::INVALID_SCOPE);
        }
        let holder = family.holder.clone();
        if let Some(spent) = &mut refresh.spent {
            if spent.replayed || now.saturating_sub(spent.at) > REPLAY_GRACE_S {
                self.revoke_family(family_id);
                return Err(OAuthError::INVALID_GRANT.described("refresh token reused, family revoked"));
            }
            let successor = std::mem::take(&mut spent.successor);
            self.refresh.remove(&successor);
        }
        let refresh_token = rotates.then(|| {
            let successor = self.issue_refresh(family_id, now, REFRESH_LIFETIME_S, true);
            if let Some(refresh) = self.refresh.get_mut(token) {
                let replayed = refresh.spent.is_some();
                let at = refresh.spent.as_ref().map_or(now, |spent| spent.at);
                refresh.spent = Some(Spent { at, replayed, successor: successor.clone() });
            }
            successor
        });
        let access_token = self.issue_access(family_id, scopes.clone(), now);
        Ok(Refreshed { holder, access_token, scopes, refresh_token })
    }

    fn revoke_family(&mut self, family: FamilyId) {
        self.families.remove(&family);
        self.access.retain(|_, access| access.family != family);
        self.refresh.retain(|_, refresh| refresh.family != family);
    }

    /// Expired access tokens are kept for a while, because "expired" and "unknown" read differently in the log.
    fn forget_old(&mut self, now: UnixSeconds) {
        self.access.retain(|_, access| access.expires.saturating_add(3600) >= now);
        self.refresh.retain(|_, refresh| refresh.expires >= now);
    }
}

const RECORD_SCOPES: &[Scope] = &[EXPENSES_READ, MEDICATIONS_READ, IMMUNIZATIONS_READ, CHECKUPS_READ, ACCESS_LOG_READ];
/// Seconds an access token lives.
pub(crate) const ACCESS_LIFETIME_S: i64 = 300;
/// Seconds a refresh token lives.
pub(crate) const REFRESH_LIFETIME_S: i64 = 86_400;
/// Seconds a suspension refresh token lives.
pub(crate) const SUSPENSION_LIFETIME_S: i64 = 31_536_000;
const REPLAY_GRACE_S: i64 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = 1_795_137_300;

    fn opened() -> (Grants, FamilyId, String) {
        let grants = Grants::default();
        let holder = Holder { jkt: "k".into(), person: 1, client_id: "c".into() };
        let family = grants.open(holder, SCOPES.to_vec());
        let refresh = grants.issue_refresh(family, NOW);
        (grants, family, refresh)
    }

    #[test]
    fn reuse_of_a_rotated_token_revokes_the_family() {
        let (grants, _, first) = opened();
        let second = grants.refresh(&first, "k", "c", None, NOW).unwrap();
        assert!(grants.refresh(&first, "k", "c", None, NOW + 31).is_err());
        assert!(grants.find(&second.access_token).is_none());
        assert!(grants.refresh(&second.refresh_token.unwrap(), "k", "c", None, NOW + 31).is_err());
    }

    #[test]
    fn one_replay_within_thirty_seconds_is_allowed() {
        let (grants, _, first) = opened();
        let lost = grants.refresh(&first, "k", "c", None, NOW).unwrap().refresh_token.unwrap();
        let kept = grants.refresh(&first, "k", "c", None, NOW + 30).unwrap().refresh_token.unwrap();
        assert!(grants.refresh(&lost, "k", "c", None, NOW + 30).is_err());
        assert!(grants.refresh(&kept, "k", "c", None, NOW + 31).is_ok());
        assert!(grants.refresh(&first, "k", "c", None, NOW + 30).is_err(), "a second replay");
    }

    #[test]
    fn refresh_tokens_expire_and_each_rotation_begins_anew() {
        let (grants, _, first) = opened();
        let later = NOW + REFRESH_LIFETIME_S;
        let second = grants.refresh(&first, "k", "c", None, later).unwrap().refresh_token.unwrap();
        assert!(grants.refresh(&second, "k", "c", None, later + REFRESH_LIFETIME_S).is_ok());
        let (grants, _, first) = opened();
        assert!(grants.refresh(&first, "k", "c", None, later + 1).is_err());
    }

    #[test]
    fn refresh_is_bound_to_key_client_and_scope() {
        let (grants, _, token) = opened();
        assert!(grants.refresh(&token, "other", "c", None, NOW).is_err());
        assert!(grants.refresh(&token, "k", "other", None, NOW).is_err());
        assert_eq!(grants.refresh(&token, "k", "c", Some("card.suspend"), NOW).unwrap_err(), OAuthError::INVALID_SCOPE);
        assert_eq!(grants.refresh(&token, "k", "c", Some(COVERAGE_READ), NOW).unwrap().scopes, [COVERAGE_READ]);
    }

    #[test]
    fn unknown_scopes_are_dropped_and_none_left_is_an_error() {
        assert_eq!(grantable(Some("patient/Coverage.rs patient/X.rs"), None), Ok(vec![COVERAGE_READ]));
        assert_eq!(grantable(Some("patient/X.rs"), None), Err(OAuthError::INVALID_SCOPE));
        assert_eq!(grantable(None, None).unwrap(), SCOPES);
    }
}
