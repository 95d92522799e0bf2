//! Switches: every error and every misbehaviour that the server can be told to show.

use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;

use crate::sync::lock;

/// An armed misbehaviour. On the command line `NAME[:TIMES][=VALUE]`, for example `token-429:2=7`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Switch {
    /// What happens.
    pub name: SwitchName,
    /// How often; `None` is always.
    pub times: Option<u32>,
    /// A detail whose meaning depends on the name, such as the seconds of `Retry-After`.
    pub value: Option<String>,
}

impl Switch {
    /// A switch that is always on.
    pub fn always(name: SwitchName) -> Self {
        Self { name, times: None, value: None }
    }

    /// A switch that is used up after `times` uses.
    pub fn times(name: SwitchName, times: u32) -> Self {
        Self { name, times: Some(times), value: None }
    }

    /// The same switch with a value.
    #[must_use]
    pub fn with_value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if let Some(times) = self.times {
            write!(f, ":{times}")?;
        }
        self.value.iter().try_for_each(|value| write!(f, "={value}"))
    }
}

impl FromStr for Switch {
    type Err = UnknownSwitch;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (head, value) = text.split_once('=').map_or((text, None), |(head, value)| (head, Some(value.to_owned())));
        let (name, times) = head.split_once(':').map_or((head, None), |(name, times)| (name, Some(times)));
        let times = times.map(str::parse).transpose().map_err(|_| UnknownSwitch(text.to_owned()))?;
        Ok(Self { name: name.parse()?, times, value })
    }
}

/// No switch has this name, or the number after it is not one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnknownSwitch(String);

impl fmt::Display for UnknownSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown switch {:?}; use NAME[:TIMES][=VALUE]", self.0)
    }
}

impl std::error::Error for UnknownSwitch {}

macro_rules! switch_names {
    ($($variant:ident $name:literal $does:literal)*) => {
        /// The name of a switch: kebab-case in text.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum SwitchName {
            $(#[doc = $does] $variant,)*
        }

        impl SwitchName {
            /// Every switch, in the order in which they are documented.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in text.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What the switch does, in one line.
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => $does,)* }
            }
        }
    };
}

switch_names! {
    Slow "slow" "Wait before every answer; value: milliseconds, 500 if absent."
    WrongDate "wrong-date" "Answer with another Date; value: the header as it stands, 1970 if absent."
    RateLimit "rate-limit" "Answer 429 to POST requests past a number in one minute; value: that number, 60 if absent."

    TlsOtherKey "tls-other-key" "Serve a certificate of the right authority whose key is not pinned."
    TlsBackupKey "tls-backup-key" "Serve a certificate with the backup key, which is pinned."
    TlsWrongName "tls-wrong-name" "Serve a certificate for another host name, with the pinned key."
    TlsExpired "tls-expired" "Serve an expired certificate, with the pinned key."
    TlsUntrusted "tls-untrusted" "Serve a certificate of an unknown authority, with the pinned key."

    DiscoveryMalformed "discovery-malformed" "Discovery documents are broken JSON."
    DiscoveryWrongIssuer "discovery-wrong-issuer" "Discovery names another issuer."
    DiscoveryMissing "discovery-missing" "The SMART configuration is 404, so that RFC 9728 and RFC 8414 are needed."
    Levels "levels" "Discovery states other conformance levels; value: such as L0 or L0+L1+L2, L0 if absent."
    DiscoveryOversized "discovery-oversized" "Discovery documents are larger than 8 MiB."
    DiscoveryCached "discovery-cached" "Cacheable answers have lain in a cache, as their Date shows; value: seconds, 1800 if absent."
    DiscoveryAged "discovery-aged" "Cacheable answers have lain in a cache, as their Date and Age show; value: seconds, 1800 if absent."
    MetadataOldVersion "metadata-old-version" "The CapabilityStatement states FHIR 3.0.2."
    MetadataNoSubmit "metadata-no-submit" "The CapabilityStatement does not list the operation submit."

    NonceShort "nonce-short" "The card nonce has 42 characters."
    NoncePadded "nonce-padded" "The card nonce ends in `=`."
    NonceMalformed "nonce-malformed" "The nonce answer is broken JSON."
    NonceOversizedBody "nonce-oversized-body" "The nonce answer is larger than 8 MiB."
    NonceRedirect "nonce-redirect" "Redirect the nonce call to another origin; value: `STATUS`, `URL` or both, 307 if absent."
    Nonce429 "nonce-429" "429 with Retry-After; value: seconds, 1 if absent."
    Nonce503 "nonce-503" "503 with Retry-After; value: seconds, 1 if absent."

    TokenMalformed "token-malformed" "Process the token request, then answer broken JSON."
    TokenOversized "token-oversized" "Process the token request, then answer more than 8 MiB."
    TokenBearer "token-bearer" "The token answer says token_type Bearer."
    TokenDrop "token-drop" "Process the token request, then close the connection without an answer."
    TokenRedirect "token-redirect" "Redirect the token call to another origin; value as nonce-redirect."
    TokenHtml "token-html" "An HTML error page from the token endpoint; value: status, 502 if absent."
    Token429 "token-429" "429 slow_down with Retry-After; value: seconds, 1 if absent."
    Token503 "token-503" "503 temporarily_unavailable with Retry-After; value: seconds, 1 if absent."
    TokenInvalidRequest "token-invalid-request" "invalid_request."
    TokenNonceExpired "token-nonce-expired" "invalid_grant, nonce_expired."
    TokenNonceReused "token-nonce-reused" "invalid_grant, nonce_reused."
    TokenClockSkew "token-clock-skew" "invalid_grant, clock_skew."
    TokenBadSignature "token-bad-signature" "invalid_grant, bad_signature."
    TokenBadChain "token-bad-chain" "invalid_grant, bad_chain."
    TokenWrongCertificate "token-wrong-certificate" "invalid_grant, wrong_certificate."
    TokenCertificateExpired "token-certificate-expired" "invalid_grant, certificate_expired."
    TokenCertificateRevoked "token-certificate-revoked" "invalid_grant, certificate_revoked."
    Suspended "suspended" "access_denied, suspended."
    NotRegistered "not-registered" "access_denied, not_registered."
    NotLinked "not-linked" "access_denied, not_linked."
    InvalidScope "invalid-scope" "invalid_scope."
    InvalidTarget "invalid-target" "invalid_target."
    InvalidClient "invalid-client" "invalid_client."
    InvalidDpopProof "invalid-dpop-proof" "invalid_dpop_proof at the token endpoint."
    UseDpopNonce "use-dpop-nonce" "Proofs need a DPoP nonce; each refusal of a proof without one is a use."
    TokenNarrowScope "token-narrow-scope" "Grant the scopes of L0 and L1 reads only, without offline_access; value: the scopes to grant."
    Grace "grace" "Treat the certificate as expired within the grace period: Coverage scopes, card_status grace."

    ExchangeNoIssuedType "exchange-no-issued-type" "The answer to a token exchange lacks issued_token_type."

    OidcParRequired "oidc-par-required" "Discovery says that requests must be pushed, and others are refused; never used up."
    OidcPar503 "oidc-par-503" "503 with Retry-After from the endpoint for pushed requests; value: seconds, 1 if absent."
    OidcParMalformed "oidc-par-malformed" "Process the pushed request, then answer broken JSON."
    OidcError "oidc-error" "The sign-in redirects with an error at once; value: the error, server_error if absent."
    OidcWrongIss "oidc-wrong-iss" "The sign-in redirects with the iss of another server."
    OidcNoIss "oidc-no-iss" "The sign-in redirects without iss, though discovery promises it."
    OidcWrongState "oidc-wrong-state" "The sign-in redirects with another state than was sent."
    OidcNoState "oidc-no-state" "The sign-in redirects without state."
    OidcCodeReused "oidc-code-reused" "invalid_grant for a code, as when it is redeemed a second time."

    SubmitMalformed "submit-malformed" "Process the eligibility request, then answer broken JSON."
    SubmitOversized "submit-oversized" "Process the eligibility request, then answer more than 8 MiB."
    SubmitDeep "submit-deep" "Process the eligibility request, then answer deep JSON; value: depth, 200 if absent."
    SubmitDrop "submit-drop" "Process the eligibility request, then close the connection without an answer."
    SubmitSlow "submit-slow" "Take time over the eligibility request, so that a repeat meets 409; value: milliseconds, 500 if absent."
    SubmitRedirect "submit-redirect" "Redirect the eligibility request to another origin; value as nonce-redirect."
    SubmitHtml "submit-html" "An HTML error page; value: status, 502 if absent."
    Submit429 "submit-429" "429 with Retry-After, KZ-T06; value: seconds, 1 if absent."
    Submit500 "submit-500" "500 with an OperationOutcome."
    Submit502 "submit-502" "502, KZ-Q01."
    Submit503 "submit-503" "503 with Retry-After, KZ-T07; value: seconds, 1 if absent."
    Submit504 "submit-504" "504, KZ-T05."
    SubmitTokenExpired "submit-token-expired" "401, KZ-A10: the access token is treated as expired."
    SubmitOutcome "submit-outcome" "An OperationOutcome of the catalogue; value: its code, KZ-Q06 if absent."
    SubmitMyNumber "submit-my-number" "The answer carries an Identifier that claims to be an individual number."
    OutcomeHtml "outcome-html" "403, KZ-Q06, with HTML in the text of the OperationOutcome."
    RequireWrapped "require-wrapped" "400 structure for a body that is not wrapped in Parameters."
    PollPending "poll-pending" "A poll finds the request still in the queue."

    RecordsMalformed "records-malformed" "A search or read of Coverage or records answers broken JSON."
    RecordsOversized "records-oversized" "A search or read answers more than 8 MiB."
    RecordsDeep "records-deep" "A search or read answers deep JSON; value: depth, 200 if absent."
    RecordsDrop "records-drop" "A search or read closes the connection without an answer."
    RecordsRedirect "records-redirect" "A search or read redirects to another origin; value as nonce-redirect."
    RecordsHtml "records-html" "A search or read answers an HTML error page; value: status, 502 if absent."
    Records429 "records-429" "A search or read answers 429 with Retry-After, KZ-T06; value: seconds, 1 if absent."
    Records503 "records-503" "A search or read answers 503 with Retry-After, KZ-T07; value: seconds, 1 if absent."
    RecordsTokenExpired "records-token-expired" "A search or read answers 401, KZ-A10: the access token is treated as expired."
    RecordsOutcome "records-outcome" "A search or read answers an OperationOutcome of the catalogue; value: its code, KZ-D04 if absent."
    RecordsMyNumber "records-my-number" "The first resource carries an Identifier that claims to be an individual number."
    RecordsAmountMismatch "records-amount-mismatch" "The parts of the first expense do not make its total."
    RecordsUnknown "records-unknown" "The Bundle has an unknown element, code and resource type, and an OperationOutcome."
    Foreign "foreign" "The last resource of an answer is about another person; value: its type, any if absent."
    PatientsRenamed "patients-renamed" "From the start on, everybody has another patient id."
    PageSize "page-size" "Pages of a search have fewer resources than asked for; value: how many, 2 if absent."
    ForgedText "forged-text" "Every text for people in a FHIR answer carries line breaks, forged rows and unseen characters."
    NextElsewhere "next-elsewhere" "The next link of a search leads to another origin; value: its base URL."
    NextEndless "next-endless" "The next link of a search leads to the same page again."

    RefreshReused "refresh-reused" "invalid_grant for a refresh, as when a rotated token is presented again."
    RefreshNoRecords "refresh-no-records" "A refresh gives no record scopes: they need a new tap."
    RefreshOtherPatient "refresh-other-patient" "A refresh names the patient of somebody else."
    Revoke503 "revoke-503" "503 with Retry-After from the revocation endpoint; value: seconds, 1 if absent."
    WriteDrop "write-drop" "Process a write of Consent or Task, then close the connection without an answer."
    WriteMalformed "write-malformed" "Process the write, then answer broken JSON."
    WriteSlow "write-slow" "Take time over the write, so that a repeat meets 409; value: milliseconds, 500 if absent."
    Write429 "write-429" "A write answers 429 with Retry-After, KZ-T06; value: seconds, 1 if absent."
    Write503 "write-503" "A write answers 503 with Retry-After, KZ-T07; value: seconds, 1 if absent."
    WriteTokenExpired "write-token-expired" "A write answers 401, KZ-A10: the access token is treated as expired."
    WriteOutcome "write-outcome" "A write answers an OperationOutcome of the catalogue; value: its code, KZ-D02 if absent."
    WriteConflict "write-conflict" "412, KZ-D03, for a withdrawal, whatever its If-Match says."
    TaskPending "task-pending" "A look at an open task leaves it in its state."
    RegistrationReturned "registration-returned" "A registration that is being matched is returned with a reason."
    RegistrationError "registration-error" "A registration that is being matched fails."
    SuspensionUnconfirmed "suspension-unconfirmed" "202, KZ-S02, for a suspension; the first look at its Task confirms it."
    SuspensionEffect "suspension-effect" "What discovery and the suspension Task say a stop covers; value: app-only or jpki-official."

    SealPlain "seal-plain" "A plain answer although a sealed one was asked for."
    SealOtherRequest "seal-other-request" "Seal with the apv of another request."
    SealOld "seal-old" "Seal with an iat in the past; value: seconds, 120 if absent."
    SealOtherHost "seal-other-host" "Seal with the apu of another host."
    SealOffCurve "seal-off-curve" "Seal with an epk that is no point of the curve."
    SealAlg "seal-alg" "Seal with another alg in the header; value: its name, ECDH-ES+A256KW if absent."
    SealEnc "seal-enc" "Seal with another enc in the header; value: its name, A128GCM if absent."
    SealZip "seal-zip" "Seal with zip in the header."
    SealEncryptedKey "seal-encrypted-key" "Seal with an encrypted key, which direct agreement has not."
    SealTag "seal-tag" "Seal with a bit of the tag turned."
    SealOversize "seal-oversize" "Seal more than 1 MiB."
    SealUnsigned "seal-unsigned" "Seal the resource without signing it."
    SealWrongKid "seal-wrong-kid" "Sign with the key in the key set that no client has pinned."
    SealBadSignature "seal-bad-signature" "Sign with another key than the one named."
    SealForwarded "seal-forwarded" "Seal what was signed for another request."
    SealSignedBefore "seal-signed-before" "Seal what was signed earlier; value: seconds, 120 if absent."
    SealNoApv "seal-no-apv" "Seal what does not say for which request it was signed."
    SealNoIat "seal-no-iat" "Seal what does not say when it was signed."
    SealReplayed "seal-replayed" "Seal anew what was signed last, whoever asked for it."
    KeysMissing "keys-missing" "The key set lacks the key that signs."
}

impl fmt::Display for SwitchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SwitchName {
    type Err = UnknownSwitch;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|name| name.as_str() == text).ok_or_else(|| UnknownSwitch(text.to_owned()))
    }
}

/// The switches that are armed now.
#[derive(Debug, Default)]
pub(crate) struct Switches(Mutex<Vec<Switch>>);

impl Switches {
    pub(crate) fn arm(&self, switch: Switch) {
        lock(&self.0).push(switch);
    }

    pub(crate) fn disarm_all(&self) {
        lock(&self.0).clear();
    }

    /// Disarms every switch of one name.
    pub(crate) fn disarm(&self, name: SwitchName) {
        lock(&self.0).retain(|switch| switch.name != name);
    }

    /// What is armed now, in the order in which it is used up.
    pub(crate) fn armed(&self) -> Vec<Switch> {
        lock(&self.0).clone()
    }

    /// Whether a switch is armed, without using it.
    pub(crate) fn is_armed(&self, name: SwitchName) -> bool {
        lock(&self.0).iter().any(|switch| switch.name == name && switch.times != Some(0))
    }

    /// The value of an armed switch that describes the server rather than one answer, so that it is never used up.
    pub(crate) fn value(&self, name: SwitchName) -> Option<String> {
        lock(&self.0).iter().find(|switch| switch.name == name)?.value.clone()
    }

    /// Uses a switch once if it is armed.
    pub(crate) fn take(&self, name: SwitchName) -> Option<Taken> {
        let mut armed = lock(&self.0);
        let at = armed.iter().position(|switch| switch.name == name && switch.times != Some(0))?;
        let switch = &mut armed[at];
        let value = switch.value.clone();
        if let Some(times) = &mut switch.times {
            *times -= 1;
            if *times == 0 {
                armed.remove(at);
            }
        }
        Some(Taken { value })
    }

    /// Uses a switch once if it is armed, for those without a value.
    pub(crate) fn takes(&self, name: SwitchName) -> bool {
        self.take(name).is_some()
    }
}

/// A switch that was used.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) value: Option<String>,
}

impl Taken {
    pub(crate) fn number_or(&self, default: u64) -> u64 {
        self.value.as_deref().and_then(|value| value.parse().ok()).unwrap_or(default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_round_trip() {
        for text in ["token-429", "token-429:2", "token-429:2=7", "slow=500"] {
            assert_eq!(text.parse::<Switch>().unwrap().to_string(), text);
        }
        for text in ["", "nonsense", "slow:x", "slow:-1"] {
            assert!(text.parse::<Switch>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_switch_is_used_up() {
        let switches = Switches::default();
        switches.arm(Switch::times(SwitchName::Slow, 2));
        let uses = (0..4).filter(|_| switches.takes(SwitchName::Slow)).count();
        assert_eq!((uses, switches.is_armed(SwitchName::Slow)), (2, false));
    }
}
