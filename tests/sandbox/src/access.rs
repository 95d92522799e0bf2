//! Who may call the resource server: a DPoP-bound access token with the right scope (RFC 9449, 7).

use crate::dpop::{self, ProofFault};
use crate::grants::{CARD_SUSPEND, Scope};
use crate::http::{Answer, Request};
use crate::outcome::Issue;
use crate::people::Person;
use crate::state::Server;

/// The caller of a FHIR interaction.
pub(crate) struct Caller {
    pub(crate) person: Person,
    /// Thumbprint of the DPoP key.
    pub(crate) jkt: String,
    scopes: Vec<Scope>,
}

impl Caller {
    /// Whether the token has a scope.
    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Whether a reference, if given, is to the patient of the token.
    pub(crate) fn owns(&self, reference: Option<&str>) -> bool {
        let own = |reference: &str| {
            let id = reference.strip_prefix("Patient/").unwrap_or(reference);
            id == self.person.patient
        };
        reference.is_none_or(own)
    }
}

/// Checks token, proof, scope and the state of the member, in this order.
pub(crate) fn authorize(server: &Server, request: &Request, scope: Scope) -> Result<Caller, Answer> {
    authorize_any(server, request, &[scope])
}

/// The same for a token with at least one of `scopes`.
///
/// Suspension does not stop a token that can do nothing but suspend: repeats of the request must be answered.
pub(crate) fn authorize_any(server: &Server, request: &Request, scopes: &[Scope]) -> Result<Caller, Answer> {
    let token = match request.header("authorization") {
        Ok(Some(value)) => value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("DPoP")),
        _ => None,
    };
    let Some((_, token)) = token else {
        return Err(challenge(Issue::LOGIN.described("no DPoP access token"), None));
    };
    let url = server.url(&request.path);
    let key = dpop::check(server, request, &url, Some(token.trim())).map_err(|fault| match fault {
        ProofFault::Invalid(description) => {
            challenge(Issue::BAD_PROOF.described(description), Some("invalid_dpop_proof"))
        }
        ProofFault::NonceNeeded => Answer {
            needs_dpop_nonce: true,
            ..challenge(Issue::BAD_PROOF.described("DPoP nonce required"), Some("use_dpop_nonce"))
        },
    })?;
    let jkt = key.thumbprint();
    let invalid = |description| challenge(Issue::LOGIN.described(description), Some("invalid_token"));
    let grant = server.grants.find(token.trim()).ok_or_else(|| invalid("access token unknown or revoked"))?;
    if grant.expires < server.clock.now() {
        return Err(invalid("access token expired"));
    }
    if grant.holder.jkt != jkt {
        return Err(challenge(
            Issue::BAD_PROOF.described("access token is bound to another key"),
            Some("invalid_dpop_proof"),
        ));
    }
    if !grant.scopes.iter().any(|scope| scopes.contains(scope)) {
        return Err(Issue::SCOPE.into());
    }
    let person = server.people.with_number(grant.holder.person).ok_or_else(|| invalid("access token of nobody"))?;
    if server.member(person.number).suspended && !grant.scopes.contains(&CARD_SUSPEND) {
        return Err(Issue::SUSPENDED.into());
    }
    Ok(Caller { person: person.clone(), jkt, scopes: grant.scopes })
}

/// A 401 with the challenge of RFC 9449, 7.1.
pub(crate) fn challenge(issue: Issue, error: Option<&str>) -> Answer {
    let error = error.map(|error| format!("error=\"{error}\", ")).unwrap_or_default();
    Answer::from(issue).with_header("www-authenticate", format!("DPoP {error}algs=\"ES256\""))
}
