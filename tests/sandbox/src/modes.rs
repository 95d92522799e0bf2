//! The backend modes: who proves the person to the authorization server, as discovery tells it.

use std::fmt;
use std::str::FromStr;

/// A way to obtain the first token; all of them end in the same DPoP-bound access token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// The card signs an assertion, which is the grant itself (RFC 7523).
    Card,
    /// The same assertion is exchanged, beside a client assertion of the device (RFC 8693).
    Exchange,
    /// The person signs in on a page in the system browser: authorization code with PKCE (RFC 6749, RFC 7636).
    Oidc,
}

impl Mode {
    /// The `grant_type` by which the mode is known in discovery.
    pub(crate) fn grant_type(self) -> &'static str {
        match self {
            Self::Card => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::Exchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::Oidc => "authorization_code",
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Exchange => "exchange",
            Self::Oidc => "oidc",
        }
    }

    /// Every mode, in the order in which discovery lists their grant types.
    pub(crate) const ALL: [Self; 3] = [Self::Card, Self::Exchange, Self::Oidc];
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

/// No mode has this name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnknownMode(String);

impl fmt::Display for UnknownMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown mode {:?}; use card, exchange or oidc", self.0)
    }
}

impl std::error::Error for UnknownMode {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_others_are_refused() {
        for mode in Mode::ALL {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        for text in ["", "Card", "card,oidc"] {
            assert!(text.parse::<Mode>().is_err(), "{text}");
        }
    }
}
