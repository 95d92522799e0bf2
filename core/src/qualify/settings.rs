//! What an app must say before anything can be asked, checked once.

use std::collections::BTreeSet;

use base64ct::{Base64, Encoding};

use super::https_url::HttpsUrl;
use super::limits::TimeLimits;
use super::proxy::Proxy;
use crate::base64url;
use crate::card::CardRoots;
use crate::crypto::sha256;
use crate::error::Error;
use crate::time::{CalendarDate, UnixMillis};

/// Everything the server's operator gives to the app, unchecked.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Issuer of the authorization server: an `https` URL without query, compared byte for byte.
    pub issuer: String,
    /// Base URL of the FHIR server.
    pub fhir_base: String,
    /// The app's name at the authorization server.
    pub client_id: String,
    /// DER roots of the server's TLS certificate.
    pub tls_roots: Vec<Vec<u8>>,
    /// DER roots of the cards.
    pub card_roots: Vec<Vec<u8>>,
    /// SPKI pins, `base64(SHA-256(DER SubjectPublicKeyInfo))`, two or more.
    pub pins: Vec<String>,
    /// Last day of the pin set, `YYYY-MM-DD` in Japan or an RFC 3339 instant.
    pub pins_not_after: String,
    /// What happens after that day.
    pub on_pins_expired: OnPinsExpired,
    /// The text shown to the user before the PIN.
    pub notice: Notice,
    /// Scope to ask for; [`DEFAULT_SCOPE`] if `None`.
    pub scope: Option<String>,
    /// Types of optional information the person consented to, such as `limit-certificate`.
    pub consents: Vec<String>,
    /// Where a sign-in page sends the browser back to: an `https` URL that belongs to the app. Only for servers with one.
    pub redirect_uri: Option<String>,
    /// Whether answers have to be sealed to the request.
    pub payload_encryption: PayloadEncryption,
    /// Names (`kid`) of the keys that may sign sealed answers. One of 43 characters is taken for the key's RFC 7638
    /// thumbprint and must be it; any other name proves no more than the TLS connection does.
    pub signer_kids: Vec<String>,
    /// How long to wait for the server.
    pub limits: TimeLimits,
    /// HTTP proxy through which the server is reached, `HOST:PORT`; without user and password. The environment is not asked.
    pub proxy: Option<String>,
}

/// When answers have to be sealed. TLS protects them already; this is against whoever ends the TLS connection before the
/// server, and costs a key agreement for each request.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PayloadEncryption {
    /// Never; a server that requires it is not asked.
    Off,
    /// When the server's metadata say that it requires it. Whoever ends the TLS connection could strike that out.
    #[default]
    WhenRequired,
    /// Always; a server that cannot is not asked.
    Require,
}

/// The scope of the main job.
pub const DEFAULT_SCOPE: &str =
    "patient/CoverageEligibilityRequest.c patient/CoverageEligibilityResponse.rs patient/Coverage.rs";

/// The purpose shown to the user before the PIN; its hash is signed by the card.
#[derive(Clone, Debug, Default)]
pub struct Notice {
    /// Version, such as a date.
    pub id: String,
    /// The words the user saw.
    pub text: String,
}

impl Notice {
    /// base64url SHA-256 of the UTF-8 text.
    pub fn sha256(&self) -> String {
        base64url::encode(&sha256(self.text.as_bytes()))
    }
}

/// What to do when the pin set is past its last day.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnPinsExpired {
    /// Fail with [`crate::error::ConnectionFault::PinsExpired`].
    #[default]
    Refuse,
    /// Go on with chain and host name alone; every result then says so.
    WebPki,
}

/// SHA-256 of the SubjectPublicKeyInfos that may appear in a server's validated path.
#[derive(Clone, Debug)]
pub(crate) struct PinSet {
    pins: BTreeSet<[u8; 32]>,
    not_after: UnixMillis,
}

impl PinSet {
    fn parse(pins: &[String], not_after: &str) -> Result<Self, Error> {
        let parsed: Option<BTreeSet<[u8; 32]>> =
            pins.iter().map(|pin| Base64::decode_vec(pin).ok()?.try_into().ok()).collect();
        let pins = parsed.ok_or_else(|| Error::usage("a pin is not the base64 of a SHA-256"))?;
        if pins.len() < 2 {
            return Err(Error::usage("two different pins are needed, one of them a backup"));
        }
        let last_moment = match CalendarDate::parse(not_after) {
            Some(date) => UnixMillis::parse_rfc3339(&format!("{date}T23:59:59+09:00")),
            None => UnixMillis::parse_rfc3339(not_after),
        };
        let not_after = last_moment.ok_or_else(|| Error::usage("pins_not_after is no date"))?;
        Ok(Self { pins, not_after })
    }

    pub(crate) fn is_expired(&self, now: UnixMillis) -> bool {
        now > self.not_after
    }

    pub(crate) fn contains_spki(&self, der: &[u8]) -> bool {
        self.pins.contains(&sha256(der))
    }
}

/// Settings that were checked.
#[derive(Clone)]
pub(crate) struct CheckedSettings {
    pub(crate) issuer: HttpsUrl,
    pub(crate) fhir_base: HttpsUrl,
    pub(crate) client_id: String,
    pub(crate) card_roots: CardRoots,
    pub(crate) pins: PinSet,
    pub(crate) on_pins_expired: OnPinsExpired,
    pub(crate) notice: Notice,
    pub(crate) scope: String,
    pub(crate) consents: Vec<String>,
    pub(crate) redirect_uri: Option<HttpsUrl>,
    pub(crate) payload_encryption: PayloadEncryption,
    pub(crate) signer_kids: Vec<String>,
    pub(crate) limits: TimeLimits,
    pub(crate) proxy: Option<Proxy>,
}

impl CheckedSettings {
    pub(crate) fn check(settings: &Settings) -> Result<Self, Error> {
        let url = |text: &str, what: &str| {
            HttpsUrl::parse(text).ok_or_else(|| Error::usage(format!("{what} is no https URL without query")))
        };
        if settings.client_id.is_empty() {
            return Err(Error::usage("client_id is empty"));
        }
        if settings.notice.id.is_empty() || settings.notice.text.is_empty() {
            return Err(Error::usage("the notice needs an id and the text shown to the user"));
        }
        if settings.payload_encryption == PayloadEncryption::Require && settings.signer_kids.is_empty() {
            return Err(Error::usage("sealed answers need the names of the server's signing keys in signer_kids"));
        }
        Ok(Self {
            issuer: url(&settings.issuer, "issuer")?,
            // However it is written: what servers name is compared with it.
            fhir_base: url(&settings.fhir_base, "fhir_base")?.canonical(),
            client_id: settings.client_id.clone(),
            card_roots: CardRoots::parse(&settings.card_roots)?,
            pins: PinSet::parse(&settings.pins, &settings.pins_not_after)?,
            on_pins_expired: settings.on_pins_expired,
            notice: settings.notice.clone(),
            scope: settings.scope.clone().unwrap_or_else(|| DEFAULT_SCOPE.to_owned()),
            consents: settings.consents.clone(),
            redirect_uri: settings.redirect_uri.as_deref().map(|uri| url(uri, "redirect_uri")).transpose()?,
            payload_encryption: settings.payload_encryption,
            signer_kids: settings.signer_kids.clone(),
            limits: settings.limits.check()?,
            proxy: settings.proxy.as_deref().map(Proxy::parse).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_pin_matches_its_key() {
        // The P-256 key of RFC 9449 as SubjectPublicKeyInfo.
        let mut spki = vec![
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
            0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
        ];
        spki.extend(base64url::decode("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs").expect("x"));
        spki.extend(base64url::decode("9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA").expect("y"));
        let pins = ["e1qmMOqQnEdA7YLSREJis+yWXZRdVEMgpeGywEzifuI=".to_owned(), Base64::encode_string(&[7; 32])];
        let set = PinSet::parse(&pins, "2026-11-20").expect("a set");
        assert_eq!(spki.len(), 91);
        assert!(set.contains_spki(&spki));
        spki[90] ^= 1;
        assert!(!set.contains_spki(&spki));
    }

    #[test]
    fn a_pin_set_needs_two_pins_and_a_last_day() {
        let pin = |byte: u8| Base64::encode_string(&[byte; 32]);
        for (pins, day) in [
            (vec![pin(1)], "2026-11-20"),
            (vec![pin(1), pin(1)], "2026-11-20"),
            (vec![pin(1), pin(2)], "soon"),
            (vec![pin(1), "AAAA".to_owned()], "2026-11-20"),
        ] {
            assert_eq!(PinSet::parse(&pins, day).expect_err("refused").code(), "KZ-U01");
        }
        let set = PinSet::parse(&[pin(1), pin(2)], "2026-11-20").expect("a set");
        let at = |text| UnixMillis::parse_rfc3339(text).expect("instant");
        assert!(!set.is_expired(at("2026-11-20T23:59:59+09:00")));
        assert!(set.is_expired(at("2026-11-21T00:00:00+09:00")));
    }

    #[test]
    fn the_notice_of_the_wire_contract_has_its_published_hash() {
        let text =
            "資格情報、薬剤情報及び医療費通知情報を、本人の確認、家計管理及び医療費控除の準備のために表示します。";
        let notice = Notice { id: "2026-11-01".to_owned(), text: text.to_owned() };
        assert_eq!(notice.sha256(), "ZrAgvl6m69odGi5kOC7GnVKRodjR3s4Wbc8nu9J6WXE");
    }
}
