//! What the server says of itself (SMART App Launch 2; RFC 8414; RFC 9728).

use serde_json::Value;
use std::time::Duration;

use super::http::{HttpClient, MAX_ANSWER, Request};
use super::nonce;
use super::retry::{self, Retries};
use super::settings::{CheckedSettings, HttpsUrl};
use crate::crypto::Algorithm;
use crate::error::{ConnectionFault, Error, ResourceFault};
use crate::fhir;
use crate::json;
use crate::time::Clock;

const TIMEOUT: Duration = Duration::from_secs(10);
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Endpoints and abilities of the server.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    pub(crate) token_endpoint: HttpsUrl,
    pub(crate) nonce_endpoint: HttpsUrl,
    /// Where tokens are given up (RFC 7009).
    pub(crate) revocation_endpoint: Option<HttpsUrl>,
    /// Conformance levels; empty where the server states none.
    pub(crate) levels: Vec<String>,
    /// What a suspension covers, `kz_suspension_effect`.
    pub(crate) suspension_effect: Option<String>,
    /// Server clock minus local clock, in milliseconds.
    pub(crate) clock_offset_ms: i64,
    card_algorithms: Vec<String>,
}

impl Metadata {
    /// Fetches and checks the metadata: one request, three where the server has only the RFC 9728 form.
    pub(crate) fn fetch(http: &HttpClient, clock: &dyn Clock, settings: &CheckedSettings) -> Result<Self, Error> {
        let smart = get(http, clock, settings.fhir_base.join(".well-known/smart-configuration"))?;
        let (json, clock_offset_ms) = match smart {
            Some(document) => document,
            None => Self::fetch_by_rfc_9728(http, clock, settings)?,
        };
        Ok(Self { clock_offset_ms, ..Self::check(&json, settings)? })
    }

    fn fetch_by_rfc_9728(http: &HttpClient, clock: &dyn Clock, settings: &CheckedSettings) -> Result<Document, Error> {
        let missing = || Error::usage("the server has no metadata: check fhir_base");
        let resource = get(http, clock, settings.fhir_base.well_known("oauth-protected-resource"))?;
        let (resource, _) = resource.ok_or_else(missing)?;
        if resource.get("resource").and_then(Value::as_str) != Some(settings.fhir_base.as_str()) {
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
        if !strings("grant_types_supported").iter().any(|grant| grant == JWT_BEARER) {
            return Err(Error::usage("the server does not accept card assertions"));
        }
        let levels = strings("kz_conformance");
        if !levels.is_empty() && !levels.iter().any(|level| level == "L1") {
            return Err(Error::usage("the server does not offer eligibility"));
        }
        Ok(Self {
            token_endpoint: endpoint("token_endpoint")?,
            nonce_endpoint: endpoint("nonce_endpoint")?,
            revocation_endpoint: optional("revocation_endpoint"),
            levels,
            suspension_effect: json.get("kz_suspension_effect").and_then(Value::as_str).map(str::to_owned),
            clock_offset_ms: 0,
            card_algorithms: strings("card_assertion_signing_alg_values_supported"),
        })
    }

    /// Whether the server has this conformance level; one that states none is asked anyway.
    pub(crate) fn has_level(&self, level: &str) -> bool {
        self.levels.is_empty() || self.levels.iter().any(|known| known == level)
    }

    /// Whether the server takes assertions of this algorithm; one that lists none is asked anyway.
    pub(crate) fn accepts(&self, algorithm: Algorithm) -> bool {
        self.card_algorithms.is_empty() || self.card_algorithms.iter().any(|name| name == algorithm.name())
    }
}

/// A JSON object, with what its answer told about the server's clock.
type Document = (Value, i64);

/// A document, or `None` for 404.
fn get(http: &HttpClient, clock: &dyn Clock, uri: String) -> Result<Option<Document>, Error> {
    let request =
        Request { uri, accept: "application/json", timeout: TIMEOUT, max_body: MAX_ANSWER, ..Request::default() };
    let reply = retry::send(http, clock, Retries { count: 2, until: None }, || Ok(request.clone()))?;
    match reply.status {
        200 => Ok(Some((json::parse_object(&reply.body, "metadata")?, nonce::offset(&reply, clock.now())))),
        404 => Ok(None),
        300..=399 => Err(ConnectionFault::Redirect.into()),
        status => Err(fhir::error_of_reply(status, &reply.body, reply.retry_after())),
    }
}
