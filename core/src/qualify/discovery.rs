//! What the server says of itself (SMART App Launch 2; RFC 8414; RFC 9728).

use serde_json::Value;

use super::document::get;
use super::http::HttpClient;
use super::https_url::HttpsUrl;
use super::sealing_offer::Offer;
use super::settings::CheckedSettings;
use crate::crypto::Algorithm;
use crate::error::{Error, ResourceFault};
use crate::time::Clock;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const AUTHORIZATION_CODE: &str = "authorization_code";

/// How a card's assertion becomes a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CardGrant {
    /// Mode CARD: it is the grant (RFC 7523, 2.1).
    JwtBearer,
    /// Mode EXCHANGE: it is exchanged, and the device signs in beside it (RFC 8693).
    TokenExchange,
}

/// What a server that takes cards says.
#[derive(Clone, Debug)]
pub(crate) struct CardMode {
    pub(crate) nonce_endpoint: HttpsUrl,
    pub(crate) grant: CardGrant,
    algorithms: Vec<String>,
}

impl CardMode {
    /// Whether the server takes assertions of this algorithm; one that lists none is asked anyway.
    pub(crate) fn accepts(&self, algorithm: Algorithm) -> bool {
        self.algorithms.is_empty() || self.algorithms.iter().any(|name| name == algorithm.name())
    }
}

/// What a server with a sign-in page says (mode OIDC).
#[derive(Clone, Debug)]
pub(crate) struct SignInMode {
    pub(crate) authorization_endpoint: HttpsUrl,
    /// Where the request is pushed to (RFC 9126).
    pub(crate) pushed_request_endpoint: Option<HttpsUrl>,
    /// Its answers name the issuer (RFC 9207).
    pub(crate) names_issuer: bool,
}

/// Endpoints and abilities of the server.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    pub(crate) token_endpoint: HttpsUrl,
    card: Option<CardMode>,
    sign_in: Option<SignInMode>,
    /// Where tokens are given up (RFC 7009).
    pub(crate) revocation_endpoint: Option<HttpsUrl>,
    /// Conformance levels; empty where the server states none.
    pub(crate) levels: Vec<String>,
    /// What a suspension covers, `kz_suspension_effect`.
    pub(crate) suspension_effect: Option<String>,
    /// The server's signing keys (RFC 7517, 5).
    pub(crate) jwks_uri: Option<HttpsUrl>,
    /// What the server says of sealed answers.
    pub(crate) sealing: Option<Offer>,
}

impl Metadata {
    /// Fetches and checks the metadata: one request, three where the server has only the RFC 9728 form.
    pub(crate) fn fetch(http: &HttpClient, clock: &dyn Clock, settings: &CheckedSettings) -> Result<Self, Error> {
        let smart = get(http, clock, settings.fhir_base.join(".well-known/smart-configuration"))?;
        let json = match smart {
            Some(document) => document,
            None => Self::fetch_by_rfc_9728(http, clock, settings)?,
        };
        Self::check(&json, settings)
    }

    fn fetch_by_rfc_9728(http: &HttpClient, clock: &dyn Clock, settings: &CheckedSettings) -> Result<Value, Error> {
        let missing = || Error::usage("the server has no metadata: check fhir_base");
        let resource = get(http, clock, settings.fhir_base.well_known("oauth-protected-resource"))?;
        let resource = resource.ok_or_else(missing)?;
        let named = resource.get("resource").and_then(Value::as_str).and_then(HttpsUrl::parse);
        if !named.is_some_and(|named| named.leads_to(&settings.fhir_base)) {
            return Err(Error::usage("the server describes another resource than fhir_base"));
        }
        let servers = resource.get("authorization_servers").and_then(Value::as_array);
        let names_issuer =
            servers.is_some_and(|list| list.iter().any(|s| s.as_str() == Some(settings.issuer.as_str())));
        if !names_issuer {
            return Err(Error::usage("the FHIR server names another authorization server than the configured issuer"));
        }
        get(http, clock, settings.issuer.well_known("oauth-authorization-server"))?.ok_or_else(missing)
    }

    fn check(json: &Value, settings: &CheckedSettings) -> Result<Self, Error> {
        if json.get("issuer").and_then(Value::as_str) != Some(settings.issuer.as_str()) {
            return Err(Error::usage("the server's issuer differs from the configured one"));
        }
        // Pins cover the two configured hosts and no others.
        let url = |name: &str| json.get(name).and_then(Value::as_str).and_then(HttpsUrl::parse);
        let optional = |name: &str| url(name).filter(|url| url.has_origin_of(&settings.issuer));
        let endpoint = |name: &str| optional(name).ok_or(ResourceFault::Malformed { what: "metadata" });
        let strings = |name: &str| -> Vec<String> {
            let list = json.get(name).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let grants = strings("grant_types_supported");
        let has = |grant: &str| grants.iter().any(|known| known == grant);
        let card_grant = match (has(JWT_BEARER), has(TOKEN_EXCHANGE)) {
            (true, _) => Some(CardGrant::JwtBearer),
            (false, true) => Some(CardGrant::TokenExchange),
            (false, false) => None,
        };
        let card = |grant| -> Result<CardMode, Error> {
            let algorithms = strings("card_assertion_signing_alg_values_supported");
            Ok(CardMode { nonce_endpoint: endpoint("nonce_endpoint")?, grant, algorithms })
        };
        let sign_in = || -> Result<SignInMode, Error> {
            let names = json.get("authorization_response_iss_parameter_supported").and_then(Value::as_bool);
            Ok(SignInMode {
                authorization_endpoint: endpoint("authorization_endpoint")?,
                pushed_request_endpoint: optional("pushed_authorization_request_endpoint"),
                names_issuer: names == Some(true),
            })
        };
        let levels = strings("kz_conformance");
        Ok(Self {
            token_endpoint: endpoint("token_endpoint")?,
            card: card_grant.map(card).transpose()?,
            sign_in: has(AUTHORIZATION_CODE).then(sign_in).transpose()?,
            revocation_endpoint: optional("revocation_endpoint"),
            levels,
            suspension_effect: json.get("kz_suspension_effect").and_then(Value::as_str).map(str::to_owned),
            jwks_uri: optional("jwks_uri"),
            sealing: Offer::parse(json),
        })
    }

    /// Whether the server has this conformance level; one that states none is asked anyway.
    pub(crate) fn has_level(&self, level: &str) -> bool {
        self.levels.is_empty() || self.levels.iter().any(|known| known == level)
    }

    /// What a tap needs.
    pub(crate) fn card(&self) -> Result<&CardMode, Error> {
        self.card.as_ref().ok_or_else(|| Error::usage("the server does not accept card assertions"))
    }

    /// What a sign-in page needs.
    pub(crate) fn sign_in(&self) -> Result<&SignInMode, Error> {
        self.sign_in.as_ref().ok_or_else(|| Error::usage("the server has no sign-in page"))
    }
}
