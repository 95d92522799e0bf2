//! What a client learns before it talks: SMART configuration, RFC 9728, RFC 8414 and the CapabilityStatement.

use serde_json::{Value, json};

use crate::grants::{CARD_SUSPEND, SCOPES};
use crate::http::Answer;
use crate::misbehave;
use crate::modes::Mode;
use crate::outcome::Issue;
use crate::search::Kind;
use crate::state::Server;
use crate::switches::SwitchName;
use crate::time;
use crate::{authorize, consent, coverage, records, suspension, task};

/// Answers `GET /r4/.well-known/smart-configuration` (SMART App Launch 2).
pub(crate) fn smart_configuration(server: &Server) -> Answer {
    if server.switches.takes(SwitchName::DiscoveryMissing) {
        return Issue::NO_SUCH_ROUTE.into();
    }
    document(server, server_metadata(server), "SMART configuration")
}

/// Answers `GET /.well-known/oauth-authorization-server` (RFC 8414).
pub(crate) fn authorization_server(server: &Server) -> Answer {
    document(server, server_metadata(server), "authorization server metadata")
}

/// Answers `GET /.well-known/oauth-protected-resource`, with or without the path of the resource (RFC 9728).
pub(crate) fn protected_resource(server: &Server) -> Answer {
    let body = json!({
        "resource": server.fhir_base,
        "authorization_servers": [server.issuer],
        "scopes_supported": advertised(),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "dpop_bound_access_tokens_required": true,
    });
    document(server, body, "protected resource metadata")
}

/// Answers `GET /r4/metadata`.
pub(crate) fn capability_statement(server: &Server) -> Answer {
    let old = server.switches.takes(SwitchName::MetadataOldVersion);
    let operations = if server.switches.takes(SwitchName::MetadataNoSubmit) {
        json!([])
    } else {
        let definition = "http://hl7.org/fhir/OperationDefinition/CoverageEligibilityRequest-submit";
        json!([{ "name": "submit", "definition": definition }])
    };
    let mut resources = vec![
        json!({ "type": "CoverageEligibilityRequest", "operation": operations }),
        json!({
            "type": "CoverageEligibilityResponse",
            "interaction": [{ "code": "search-type" }],
            "searchParam": [{ "name": "request", "type": "reference" }],
        }),
        searchable(&coverage::KIND),
    ];
    resources.extend(records::KINDS.iter().map(searchable));
    resources.extend([&consent::KIND, &task::KIND].map(writable));
    let body = json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": time::rfc3339(server.clock.now()),
        "kind": "instance",
        "software": { "name": "kazasu-sandbox", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": "Synthetic people for developers", "url": server.fhir_base },
        "fhirVersion": if old { "3.0.2" } else { "4.0.1" },
        "format": ["application/fhir+json"],
        "rest": [{
            "mode": "server",
            "security": { "description": "OAuth 2.0 with DPoP (RFC 9449)" },
            "resource": resources,
        }],
    });
    Answer::fhir(200, &body, "capability statement").with_header("cache-control", CACHEABLE)
}

/// The scopes of assertions, and the one that only a suspension refresh token obtains.
fn advertised() -> Vec<&'static str> {
    SCOPES.iter().copied().chain([CARD_SUSPEND]).collect()
}

/// What can be done with a resource type that is written as well: created unless it exists, and withdrawn.
fn writable(kind: &Kind) -> Value {
    let mut resource = searchable(kind);
    resource["interaction"] = ["create", "read", "update", "search-type"].map(|code| json!({ "code": code })).into();
    resource["versioning"] = "versioned-update".into();
    resource["conditionalCreate"] = true.into();
    resource
}

/// What can be done with a resource type that is read and searched.
fn searchable(kind: &Kind) -> Value {
    let parameter = |kind: &'static str| move |(name, _): &(&str, &str)| json!({ "name": name, "type": kind });
    let mut parameters = vec![json!({ "name": "patient", "type": "reference" })];
    parameters.extend(kind.dates.iter().map(parameter("date")));
    parameters.extend(kind.tokens.iter().map(parameter("token")));
    parameters.push(json!({ "name": "_lastUpdated", "type": "date" }));
    json!({
        "type": kind.name,
        "interaction": [{ "code": "read" }, { "code": "search-type" }],
        "searchParam": parameters,
    })
}

fn server_metadata(server: &Server) -> Value {
    let issuer = if server.switches.takes(SwitchName::DiscoveryWrongIssuer) {
        "https://other.example"
    } else {
        server.issuer.as_str()
    };
    let mut metadata = json!({
        "issuer": issuer,
        "token_endpoint": server.url("/token"),
        "revocation_endpoint": server.url("/revoke"),
        "jwks_uri": server.url("/jwks.json"),
        "grant_types_supported": grant_types(server),
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["none"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "scopes_supported": advertised(),
        "capabilities": ["permission-patient", "permission-v2"],
        "code_challenge_methods_supported": ["S256"],
        "kz_conformance": levels(server),
        "kz_suspension_effect": suspension::effect(server),
    });
    server.modes.iter().for_each(|mode| offer(server, *mode, &mut metadata));
    if let Some(offer) = server.seals.offer() {
        metadata["kz_payload_encryption"] = offer;
    }
    metadata
}

/// The grant type of every mode that is on, and refresh, which all of them end in.
fn grant_types(server: &Server) -> Vec<&'static str> {
    let modes = Mode::ALL.into_iter().filter(|mode| server.modes.contains(mode));
    modes.map(Mode::grant_type).chain(["refresh_token"]).collect()
}

/// Adds what a client of one mode needs to know.
fn offer(server: &Server, mode: Mode, metadata: &mut Value) {
    if matches!(mode, Mode::Card | Mode::Exchange) {
        metadata["nonce_endpoint"] = server.url("/nonce").into();
        metadata["card_assertion_signing_alg_values_supported"] = json!(["RS256", "ES256", "ES384"]);
    }
    if mode == Mode::Exchange {
        metadata["token_endpoint_auth_methods_supported"] = json!(["none", "private_key_jwt"]);
    }
    if mode == Mode::Oidc {
        metadata["authorization_endpoint"] = server.url(authorize::PATH).into();
        metadata["pushed_authorization_request_endpoint"] = server.url(authorize::PUSHED_PATH).into();
        metadata["require_pushed_authorization_requests"] =
            server.switches.is_armed(SwitchName::OidcParRequired).into();
        metadata["response_types_supported"] = json!(["code"]);
        metadata["response_modes_supported"] = json!(["query"]);
        metadata["authorization_response_iss_parameter_supported"] = true.into();
        metadata["acr_values_supported"] = json!(["aal3"]);
    }
}

fn levels(server: &Server) -> Vec<String> {
    if !server.switches.is_armed(SwitchName::Levels) {
        let sealed = server.seals.offer().map(|_| "L4");
        return ["L0", "L1", "L2", "L3"].into_iter().chain(sealed).map(str::to_owned).collect();
    }
    // A condition of the server, which many look at: no use is counted.
    let value = server.switches.value(SwitchName::Levels);
    value.unwrap_or_else(|| "L0".to_owned()).split('+').map(str::to_owned).collect()
}

fn document(server: &Server, body: Value, outcome: &'static str) -> Answer {
    let answer = Answer::json(200, &body, outcome).with_header("cache-control", CACHEABLE);
    if server.switches.takes(SwitchName::DiscoveryMalformed) {
        return misbehave::malformed(answer);
    }
    if server.switches.takes(SwitchName::DiscoveryOversized) {
        return misbehave::oversized(answer);
    }
    answer
}

const CACHEABLE: &str = "max-age=3600";
