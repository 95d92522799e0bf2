//! What an app asks of mode OIDC: the parameters of an authorization request (RFC 6749, 4.1.1), checked.

use std::io;

use crate::form::Form;
use crate::grants::{self, Scope};
use crate::outcome::OAuthError;
use crate::state::Server;

/// Where the answer goes: a registered client and its redirect URI, which must be known before anything is redirected
/// (RFC 6749, 3.1.2.4).
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
}

impl Target {
    pub(crate) fn parse(server: &Server, form: &Form) -> Result<Self, OAuthError> {
        let client_id = crate::token::client(server, form)?;
        // Compared as text (RFC 9700, 4.1.3): nothing is normalised, and nothing may be left out.
        let redirect_uri = form.get("redirect_uri").filter(|uri| *uri == server.redirect_uri);
        let redirect_uri = redirect_uri.ok_or(OAuthError::INVALID_REQUEST.described("redirect_uri not registered"))?;
        Ok(Self {
            client_id: client_id.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            state: form.get("state").map(str::to_owned),
        })
    }
}

/// A request that may be put before the person.
#[derive(Clone, Debug)]
pub(crate) struct AuthorizationRequest {
    pub(crate) target: Target,
    /// Base64url SHA-256 of the code verifier.
    pub(crate) code_challenge: String,
    pub(crate) scopes: Vec<Scope>,
    /// The only DPoP key that may redeem the code (RFC 9449, 10).
    pub(crate) dpop_jkt: Option<String>,
    /// The number of the person who is expected to sign in.
    pub(crate) login_hint: Option<String>,
}

impl AuthorizationRequest {
    /// Checks everything that may be told to the redirect URI.
    pub(crate) fn parse(server: &Server, form: &Form, target: Target) -> Result<Self, OAuthError> {
        let malformed = |description| Err(OAuthError::INVALID_REQUEST.described(description));
        match form.get("response_type") {
            Some("code") => {}
            Some(_) => return Err(OAuthError::UNSUPPORTED_RESPONSE_TYPE),
            None => return malformed("response_type missing"),
        }
        if form.get("response_mode").is_some_and(|mode| mode != "query") {
            return malformed("response_mode is not query");
        }
        if form.get("request").is_some() {
            return malformed("request objects are not supported");
        }
        // A missing method means plain (RFC 7636, 4.3), which gives the verifier away.
        if form.get("code_challenge_method") != Some("S256") {
            return malformed("code_challenge_method is not S256");
        }
        let Some(code_challenge) = form.get("code_challenge").filter(|challenge| is_hash(challenge)) else {
            return malformed("code_challenge missing or no base64url SHA-256");
        };
        let dpop_jkt = form.get("dpop_jkt").map(str::to_owned);
        if dpop_jkt.as_deref().is_some_and(|jkt| !is_hash(jkt)) {
            return malformed("dpop_jkt is no thumbprint");
        }
        if form.get("resource").is_some_and(|resource| resource.trim_end_matches('/') != server.fhir_base) {
            return Err(OAuthError::INVALID_TARGET);
        }
        Ok(Self {
            target,
            code_challenge: code_challenge.to_owned(),
            scopes: grants::grantable(form.get("scope"), None)?,
            dpop_jkt,
            login_hint: form.get("login_hint").map(str::to_owned),
        })
    }
}

/// Refuses what cannot be a claimed https redirect URI (RFC 6749, 3.1.2; RFC 8252, 7.2).
pub(crate) fn check_redirect_uri(uri: &str) -> io::Result<()> {
    let host = uri.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if host && uri.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "the redirect URI is not an https URL without a fragment"))
}

/// Whether the text is the base64url form of 32 bytes.
pub(crate) fn is_hash(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
