//! What a qualification comes to.

use crate::card::ChannelReport;
use crate::fhir::Eligibility;
use crate::qualify::Pinning;
use crate::time::UnixMillis;

/// The answer to a qualification.
#[derive(Clone, Debug)]
pub struct Qualified {
    /// What the insurer's data say.
    pub eligibility: Eligibility,
    /// Now, by the server's clock: what ages are reckoned from.
    pub answered_at: UnixMillis,
    /// What the user or the developer should know besides.
    pub warnings: Vec<Warning>,
    /// The card was issued by a root that is not one of JPKI's.
    pub test_card: bool,
    /// How the server's key was checked.
    pub pinning: Pinning,
    /// The answer was sealed to this request and signed by a pinned key, beside TLS.
    pub sealed: bool,
    /// How the link to the card was protected.
    pub channel: ChannelReport,
}

/// Something that does not stop a qualification.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Warning {
    /// The card's certificate has expired; eligibility can be asked for until the end of the third month after.
    CertificateExpired,
    /// The device's clock is more than a day off.
    DeviceClock,
    /// The server granted less than was asked for.
    ScopeNarrowed {
        /// Scopes not granted.
        missing_scopes: Vec<String>,
    },
    /// The check digit of an insurer number does not fit.
    InsurerNumber,
}

impl Warning {
    /// Stable name, as `--json` prints it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CertificateExpired => "certificate_expired",
            Self::DeviceClock => "device_clock",
            Self::ScopeNarrowed { .. } => "scope_narrowed",
            Self::InsurerNumber => "insurer_number",
        }
    }
}
