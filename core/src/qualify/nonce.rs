//! The server's nonce: fetched before the tap, used by one assertion.

use super::connection::Connection;
use super::http::{HttpClient, MAX_ANSWER};
use super::https_url::HttpsUrl;
use super::limits::Patience;
use super::message::{Body, Method, Request};
use super::retry::{self, Retries};
use crate::error::{AuthorizationFault, Error};
use crate::json;
use crate::time::{Clock, UnixMillis};

/// Left over at the tap, or a new nonce is fetched.
const RESERVE_MS: i64 = 30_000;
/// An `expires_in` beyond this is cut to it; the wire contract names 300 s.
const LONGEST_LIFE_S: u64 = 3600;

/// A nonce of the right form.
pub(crate) struct Nonce {
    pub(crate) value: String,
    /// Local time at which it ends.
    expires_at: UnixMillis,
}

impl Nonce {
    /// Fetches one, and with it the server's time and a DPoP nonce, if one comes along (RFC 9449, 8).
    pub(crate) fn fetch_by(connection: &mut Connection) -> Result<Self, Error> {
        let clock = &*connection.client.clock;
        let (nonce, dpop_nonce) = Self::fetch(&connection.http, clock, &connection.metadata.card()?.nonce_endpoint)?;
        connection.authorization_nonce = dpop_nonce;
        Ok(nonce)
    }

    fn fetch(http: &HttpClient, clock: &dyn Clock, endpoint: &HttpsUrl) -> Result<(Self, Option<String>), Error> {
        let body = Body::form(Vec::new());
        let request = Request {
            method: Method::Post,
            uri: endpoint.as_str().to_owned(),
            body: Some(body),
            accept: "application/json",
            patience: Patience::Short,
            max_body: MAX_ANSWER,
            ..Request::default()
        };
        let reply = retry::send(http, clock, Retries { count: 2, until: None }, || Ok(request.clone()))?;
        let now = clock.now();
        if reply.status != 200 {
            return Err(super::oauth_error::error_of_reply(&reply));
        }
        let json = json::parse_object(&reply.body, "nonce")?;
        let value = json.get("nonce").and_then(|value| value.as_str()).filter(|value| has_form(value));
        let value = value.ok_or(AuthorizationFault::NonceForm)?.to_owned();
        let life_s = json.get("expires_in").and_then(|seconds| seconds.as_u64()).unwrap_or(300).min(LONGEST_LIFE_S);
        let life_ms = i64::try_from(life_s.saturating_mul(1000)).unwrap_or(0);
        let dpop_nonce = reply.header("dpop-nonce").map(str::to_owned);
        Ok((Self { value, expires_at: now.plus_ms(life_ms) }, dpop_nonce))
    }

    /// Less than 30 s are left.
    pub(crate) fn is_stale(&self, now: UnixMillis) -> bool {
        now.plus_ms(RESERVE_MS) > self.expires_at
    }
}

/// 43 to 86 characters of the base64url alphabet: at least 256 bits, and nothing that could reshape the JSON around it.
fn has_form(nonce: &str) -> bool {
    (43..=86).contains(&nonce.len()) && nonce.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_of_the_wrong_form_are_refused() {
        let good = "grsUKmVPhUi-bUjaMS5InxrVs51hSBtjkJx0yDxMWxg";
        assert!(has_form(good));
        assert!(has_form(&good.repeat(2)));
        for bad in [&good[1..], &format!("{good}="), &format!("{}a", good.repeat(2)), &good.replace('-', "+"), ""] {
            assert!(!has_form(bad), "{bad}");
        }
    }
}
