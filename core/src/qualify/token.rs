//! Grants → DPoP-bound tokens (RFC 6749, RFC 7523, RFC 9449).

use std::sync::Arc;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::QualifyClient;
use super::connection::Connection;
use super::discovery::CardGrant;
use super::message::Failure;
use super::oauth_error::{error_of_reply, is_grant_over, member};
use super::proofs::Proofs;
use super::retry::Retries;
use crate::error::{AuthorizationFault, Error, ResourceFault};
use crate::fhir::is_id;
use crate::jose::client_assertion::client_assertion;
use crate::json as border;
use crate::time::UnixMillis;

const JWT_BEARER: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
const TOKEN_EXCHANGE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
const JWT_TYPE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt";
const CLIENT_ASSERTION: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
/// The same assertion may be sent again this long after it was signed.
pub(crate) const RESEND_MS: i64 = 60_000;
/// What an access token lives when the server does not say; the wire contract allows no more.
const LONGEST_ACCESS_S: u64 = 300;
/// The longest life that is believed of a refresh token: ten years.
const LONGEST_REFRESH_S: u64 = 315_360_000;

/// What a token is asked for with.
pub(crate) enum Grant<'a> {
    /// An assertion that the card signed, and the server's nonce in it.
    Card { assertion: &'a str, nonce: &'a str, signed_at: UnixMillis },
    /// A refresh token of this device key.
    Refresh(&'a str),
    /// The code that a sign-in page gave (RFC 6749, 4.1.3; RFC 7636, 4.5).
    Code { code: &'a str, verifier: &'a str, redirect_uri: &'a str },
}

impl Grant<'_> {
    /// The form for one attempt: what the device signs into it must be fresh.
    fn form(&self, asked: &Asked<'_>, proofs: &Proofs<'_>) -> Result<Zeroizing<String>, Error> {
        let client_id = percent_encode(&asked.client_id);
        Ok(Zeroizing::new(match (self, asked.card) {
            (Self::Card { assertion, .. }, Some(CardGrant::TokenExchange)) => {
                let key = asked.client.client_key(proofs.key)?;
                let device = client_assertion(key, &asked.client_id, &asked.issuer, proofs.server_time())?;
                format!(
                    "grant_type={TOKEN_EXCHANGE}&client_id={client_id}&subject_token={assertion}\
                     &subject_token_type={JWT_TYPE}&client_assertion_type={CLIENT_ASSERTION}&client_assertion={device}"
                )
            }
            (Self::Card { assertion, .. }, _) => {
                format!("grant_type={JWT_BEARER}&client_id={client_id}&assertion={assertion}")
            }
            (Self::Refresh(token), _) => {
                format!("grant_type=refresh_token&client_id={client_id}&refresh_token={}", percent_encode(token))
            }
            (Self::Code { code, verifier, redirect_uri }, _) => format!(
                "grant_type=authorization_code&client_id={client_id}&code={}&code_verifier={verifier}&redirect_uri={}",
                percent_encode(code),
                percent_encode(redirect_uri)
            ),
        }))
    }

    /// What a sealed answer is bound to, if not to the proof of its request (wire contract §13.2).
    fn nonce(&self) -> Option<&str> {
        match self {
            Self::Card { nonce, .. } => Some(nonce),
            Self::Refresh(_) | Self::Code { .. } => None,
        }
    }

    fn retries(&self) -> Retries {
        match self {
            Self::Card { signed_at, .. } => Retries { count: 2, until: Some(signed_at.plus_ms(RESEND_MS)) },
            Self::Refresh(_) => Retries { count: 1, until: None },
            // A code counts once.
            Self::Code { .. } => Retries { count: 0, until: None },
        }
    }
}

/// Who asks whom.
struct Asked<'a> {
    client: &'a QualifyClient,
    client_id: String,
    issuer: String,
    card: Option<CardGrant>,
}

/// Whether something that ended at `expires_at` by the device's clock, then, is over by what it says `now`. A clock that is
/// wrong, or was, says nothing of it: the server will. What was given up ended at 0.
pub(super) fn is_over(expires_at: UnixMillis, now: UnixMillis) -> bool {
    expires_at.0 == 0 || (expires_at.is_plausible() && now.is_plausible() && expires_at <= now)
}

/// A token that outlives the access token.
#[derive(Clone)]
pub(crate) struct LongLived {
    pub(crate) token: Zeroizing<String>,
    /// Local time at which it ends.
    pub(crate) expires_at: UnixMillis,
}

/// An access token bound to the device key, with what came along.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) access_token: Zeroizing<String>,
    /// Local time at which it ends.
    pub(crate) expires_at: UnixMillis,
    pub(crate) patient: String,
    /// Scope granted, where it differs from what was asked for.
    pub(crate) scope: Option<String>,
    pub(crate) refresh: Option<LongLived>,
    /// Obtains the scope `card.suspend` and nothing else.
    pub(crate) suspension: Option<LongLived>,
}

impl Token {
    /// Asks for a token. An assertion is sent again, with a new proof, when the answer is lost within a minute of signing.
    /// The failure tells whether the server may have seen the request.
    pub(crate) fn request(connection: &mut Connection, grant: &Grant<'_>) -> Result<Self, Failure> {
        let client = Arc::clone(&connection.client);
        let settings = &client.settings;
        let asked = Asked {
            client: &client,
            client_id: settings.client_id.clone(),
            issuer: settings.issuer.as_str().to_owned(),
            card: connection.metadata.card().ok().map(|card| card.grant),
        };
        let reply = connection.ask_for_token(grant.retries(), grant.nonce(), |proofs| grant.form(&asked, proofs))?;
        let answered = |error| Failure { error, is_reset: false, may_have_arrived: true };
        if reply.status == 200 {
            return Self::parse(&reply.body, connection.client.clock.now()).map_err(answered);
        }
        let over = matches!(grant, Grant::Refresh(_)) && is_grant_over(&reply);
        Err(answered(if over { AuthorizationFault::TokenExpired.into() } else { error_of_reply(&reply) }))
    }

    fn parse(body: &[u8], now: UnixMillis) -> Result<Self, Error> {
        let json = border::parse_object(body, "token")?;
        if !member(&json, "token_type").eq_ignore_ascii_case("DPoP") {
            return Err(AuthorizationFault::TokenType.into());
        }
        let malformed = ResourceFault::Malformed { what: "token" };
        let access_token = member(&json, "access_token");
        let patient = member(&json, "patient");
        if !is_token68(access_token) || !is_id(patient) {
            return Err(malformed.into());
        }
        Ok(Self {
            access_token: Zeroizing::new(access_token.to_owned()),
            expires_at: after(now, &json, "expires_in", LONGEST_ACCESS_S),
            patient: patient.to_owned(),
            scope: json.get("scope").and_then(Value::as_str).map(str::to_owned),
            refresh: long_lived(&json, "refresh_token", now),
            suspension: long_lived(&json, "suspension_refresh_token", now),
        })
    }

    /// Scopes asked for and not granted.
    pub(crate) fn missing_scopes(&self, asked: &str) -> Vec<String> {
        let granted: Vec<&str> = self.scope.as_deref().unwrap_or(asked).split(' ').collect();
        asked.split(' ').filter(|scope| !granted.contains(scope)).map(str::to_owned).collect()
    }

    /// What of it is kept beyond this process, as JSON.
    pub(crate) fn to_json(&self) -> Value {
        let kept = |long: &Option<LongLived>| {
            long.as_ref().map(|long| json!({"token": long.token.as_str(), "expires_at": long.expires_at.0}))
        };
        json!({
            "access_token": self.access_token.as_str(),
            "expires_at": self.expires_at.0,
            "patient": self.patient,
            "scope": self.scope,
            "refresh": kept(&self.refresh),
            "suspension": kept(&self.suspension),
        })
    }

    /// What [`Token::to_json`] made.
    pub(crate) fn from_json(json: &Value) -> Option<Self> {
        let instant = |json: &Value| json.get("expires_at").and_then(Value::as_i64).map(UnixMillis);
        let long_lived = |name: &str| {
            let json = json.get(name)?;
            let token = Zeroizing::new(member(json, "token").to_owned());
            Some(LongLived { token, expires_at: instant(json)? })
        };
        let patient = member(json, "patient");
        let access_token = member(json, "access_token");
        (is_id(patient) && is_token68(access_token)).then_some(())?;
        Some(Self {
            access_token: Zeroizing::new(access_token.to_owned()),
            expires_at: instant(json)?,
            patient: patient.to_owned(),
            scope: json.get("scope").and_then(Value::as_str).map(str::to_owned),
            refresh: long_lived("refresh"),
            suspension: long_lived("suspension"),
        })
    }
}

fn long_lived(json: &Value, name: &str, now: UnixMillis) -> Option<LongLived> {
    let token = json.get(name)?.as_str().filter(|token| !token.is_empty())?;
    let expires_at = after(now, json, &format!("{name}_expires_in"), LONGEST_REFRESH_S);
    Some(LongLived { token: Zeroizing::new(token.to_owned()), expires_at })
}

fn after(now: UnixMillis, json: &Value, name: &str, longest_s: u64) -> UnixMillis {
    let seconds = json.get(name).and_then(Value::as_u64).unwrap_or(longest_s).min(longest_s);
    now.plus_ms(i64::try_from(seconds.saturating_mul(1000)).unwrap_or(0))
}

/// Characters a token may have in an `Authorization` header (RFC 9110, 11.2).
fn is_token68(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b))
}

/// Everything but unreserved characters as `%XX` (RFC 3986, 2.1).
pub(crate) fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bound_tokens_with_a_harmless_patient_pass() {
        let parse = |kind: &str, token: &str, patient: &str| {
            Token::parse(
                format!(r#"{{"token_type":"{kind}","access_token":"{token}","patient":"{patient}"}}"#).as_bytes(),
                UnixMillis(0),
            )
            .err()
            .map(|error| error.code())
        };
        assert_eq!(parse("DPoP", "mF_9.B5f-4.1JqM", "p-7f3a91"), None);
        assert_eq!(parse("Bearer", "mF_9.B5f-4.1JqM", "p-7f3a91"), Some("KZ-A07"));
        assert_eq!(parse("DPoP", "a b", "p-7f3a91"), Some("KZ-D01"));
        assert_eq!(parse("DPoP", "a", "../Patient"), Some("KZ-D01"));
    }

    #[test]
    fn a_clock_that_is_years_off_ends_no_token() {
        let now = UnixMillis(1_795_137_300_000);
        let (before, after) = (now.plus_ms(-1000), now.plus_ms(1000));
        let years = 20 * 365 * 86_400_000;
        assert!(is_over(before, now) && is_over(now, now) && !is_over(after, now));
        assert!(!is_over(after, now.plus_ms(years)), "the clock is ahead");
        assert!(!is_over(before.plus_ms(-years), now), "it was behind when the token came");
        assert!(is_over(UnixMillis(0), now) && is_over(UnixMillis(0), now.plus_ms(years)), "given up");
    }
}
