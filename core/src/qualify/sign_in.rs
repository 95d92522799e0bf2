//! Mode OIDC: the person signs in on the operator's page, in the system browser, and no card is read.
//!
//! Authorization code with PKCE S256 (RFC 6749, 4.1; RFC 7636), pushed where the server takes that (RFC 9126), bound to the
//! device key (RFC 9449, 10), the answer checked for its issuer (RFC 9207). The app opens the browser; this builds the URL
//! and redeems what comes back.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::QualifyClient;
use super::access::Access;
use super::connection::Connection;
use super::http::MAX_ANSWER;
use super::https_url::HttpsUrl;
use super::limits::Patience;
use super::message::{Body, Method, Request};
use super::oauth_error::{error_of_names, error_of_reply, member};
use super::retry::Retries;
use super::token::{Grant, Token, percent_encode};
use crate::base64url;
use crate::crypto::sha256;
use crate::error::{AuthorizationFault, Error, ResourceFault};
use crate::jose::dpop::{DeviceKey, device_thumbprint};
use crate::json;
use crate::random;
use crate::secret::opaque_debug;

/// A longer redirect is none of a server that means well.
const MAX_REDIRECT: usize = 8192;

/// A sign-in that has begun. One answer is taken; another one needs another sign-in.
pub struct SignIn {
    connection: Connection,
    url: String,
    redirect_uri: HttpsUrl,
    state: String,
    verifier: Zeroizing<String>,
    names_issuer: bool,
}

opaque_debug!(SignIn);

impl SignIn {
    /// Fetches the metadata and pushes the request where the server takes that: two round trips at most; blocks.
    ///
    /// # Errors
    /// [`Error::Usage`] for a server without a sign-in page and for settings without `redirect_uri`; otherwise as
    /// [`begin`](crate::session::begin).
    pub fn begin(client: Arc<QualifyClient>, device_key: Arc<dyn DeviceKey>) -> Result<Self, Error> {
        let redirect_uri = client.settings.redirect_uri.clone();
        let redirect_uri = redirect_uri.ok_or_else(|| Error::usage("a sign-in needs redirect_uri"))?;
        let thumbprint = device_thumbprint(&*device_key)?;
        let mut connection = Connection::open(client, device_key)?;
        let mode = connection.metadata.sign_in()?.clone();
        // 256 bits each: nobody guesses them, and neither says who signs in.
        let state = base64url::encode(&random::generate_bytes::<32>()?);
        let verifier = Zeroizing::new(base64url::encode(&random::generate_bytes::<32>()?));
        let settings = &connection.client.settings;
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &settings.client_id),
            ("redirect_uri", redirect_uri.as_str()),
            ("scope", &settings.scope),
            ("state", &state),
            ("code_challenge", &base64url::encode(&sha256(verifier.as_bytes()))),
            ("code_challenge_method", "S256"),
            ("dpop_jkt", &thumbprint),
            ("acr_values", "aal3"),
        ]);
        let client_id = settings.client_id.clone();
        let query = match &mode.pushed_request_endpoint {
            None => query,
            Some(endpoint) => {
                let request_uri = push(&mut connection, endpoint, &query)?;
                form(&[("client_id", &client_id), ("request_uri", &request_uri)])
            }
        };
        let url = format!("{}?{query}", mode.authorization_endpoint.as_str());
        Ok(Self { connection, url, redirect_uri, state, verifier, names_issuer: mode.names_issuer })
    }

    /// What the app opens in the system browser: never in a view of its own, which could read what is typed.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes the URL that the browser was sent back to, checks that it answers this request, and redeems its code. One round
    /// trip; blocks.
    ///
    /// # Errors
    /// [`Error::Resource`] with `KZ-D01` for a URL that is no answer of this server to this request: forget it and begin
    /// again; [`Error::Authorization`] with `KZ-A11` when the person refused and `KZ-S01` when their use is stopped; otherwise
    /// as the server answers. A code counts once, so that a lost answer needs another sign-in.
    pub fn redeem(mut self, redirected: &str) -> Result<Access, Error> {
        let code = self.code(redirected)?;
        let grant = Grant::Code { code: &code, verifier: &self.verifier, redirect_uri: self.redirect_uri.as_str() };
        let token = Token::request(&mut self.connection, &grant)?;
        Ok(Access::new(self.connection, token))
    }

    /// The code in an answer that is meant for this request (RFC 6749, 4.1.2; RFC 9207, 2.4).
    fn code(&self, redirected: &str) -> Result<Zeroizing<String>, Error> {
        let foreign = || Error::from(ResourceFault::Malformed { what: "sign-in answer" });
        // Browsers write a host in lower case, no port 443 and at least one slash.
        let query = redirected.split_once('?').and_then(|(place, query)| {
            HttpsUrl::parse(place).is_some_and(|place| place.leads_to(&self.redirect_uri)).then_some(query)
        });
        let query = query.filter(|_| redirected.len() <= MAX_REDIRECT).ok_or_else(foreign)?;
        let answer = pairs(query).ok_or_else(foreign)?;
        let value = |name: &str| -> Result<Option<&str>, Error> {
            let mut values = answer.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
            let value = values.next();
            if values.next().is_none() { Ok(value) } else { Err(foreign()) }
        };
        let issuer = self.connection.client.settings.issuer.as_str();
        let is_named = match value("iss")? {
            Some(named) => named == issuer,
            None => !self.names_issuer,
        };
        if !is_named || value("state")? != Some(&self.state) {
            return Err(foreign());
        }
        if let Some(error) = value("error")? {
            let known = error_of_names(error, value("card_error")?.unwrap_or_default(), None);
            return Err(known.unwrap_or(AuthorizationFault::InvalidRequest.into()));
        }
        let code = value("code")?.filter(|code| !code.is_empty()).ok_or_else(foreign)?;
        Ok(Zeroizing::new(code.to_owned()))
    }
}

/// Pushes the request; the name under which the page knows it (RFC 9126, 2.2).
fn push(connection: &mut Connection, endpoint: &HttpsUrl, query: &str) -> Result<String, Error> {
    let uri = endpoint.as_str().to_owned();
    let reply = connection.authorize(Retries { count: 2, until: None }, |proofs| {
        Ok(Request {
            method: Method::Post,
            uri: uri.clone(),
            body: Some(Body::form(query.as_bytes().to_vec())),
            accept: "application/json",
            headers: vec![("dpop", proofs.prove(Method::Post, &uri, None)?)],
            patience: Patience::Usual,
            max_body: MAX_ANSWER,
        })
    })?;
    if !matches!(reply.status, 200 | 201) {
        return Err(error_of_reply(&reply));
    }
    let answer = json::parse_object(&reply.body, "pushed request")?;
    let request_uri = member(&answer, "request_uri");
    if request_uri.is_empty() || request_uri.len() > MAX_REDIRECT {
        return Err(ResourceFault::Malformed { what: "pushed request" }.into());
    }
    Ok(request_uri.to_owned())
}

fn form(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", percent_encode(value))).collect();
    pairs.join("&")
}

/// Names and values of a query; `None` for what is not well formed. A fragment belongs to no answer by query.
fn pairs(query: &str) -> Option<Vec<(String, String)>> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        Some((percent_decode(name)?, percent_decode(value)?))
    };
    (!query.contains('#')).then(|| query.split('&').map(pair).collect())?
}

/// `application/x-www-form-urlencoded` back to text.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high.checked_mul(16)?.checked_add(low)?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_as_they_were_written() {
        let text = "https://a.example/?x=1&y=é +%";
        assert_eq!(percent_decode(&percent_encode(text)).as_deref(), Some(text));
        assert_eq!(percent_decode("a+b%20c").as_deref(), Some("a b c"));
        for bad in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(percent_decode(bad), None, "{bad}");
        }
        let read = pairs("code=1&state=a%3Db").expect("well formed");
        assert_eq!(read, [("code".to_owned(), "1".to_owned()), ("state".to_owned(), "a=b".to_owned())]);
        assert_eq!(pairs("code"), None);
        assert_eq!(pairs("code=1#state=2"), None);
    }

    #[test]
    fn the_challenge_of_rfc_7636() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(base64url::encode(&sha256(verifier.as_bytes())), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
