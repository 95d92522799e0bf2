//! Why a simulated card could not be made.

use std::path::PathBuf;

/// Every way making or saving a simulated card can fail.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// There are ten people, 1–10.
    #[error("there is no person {0}; the people are 1 to 10")]
    UnknownPerson(u8),
    /// A certificate validity that X.509 cannot express, or that ends before it starts.
    #[error("the certificate validity {not_before}..{not_after} (unix seconds) cannot be written into a certificate")]
    Validity {
        /// First valid second asked for.
        not_before: u64,
        /// Last valid second asked for.
        not_after: u64,
    },
    /// A key or certificate of the test data is unusable.
    #[error("test data: {0}")]
    TestData(String),
    /// The state file cannot be read or written.
    #[error("state file {}: {source}", path.display())]
    StateIo {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The state file is not one this crate wrote.
    #[error("state file {}: {detail}", path.display())]
    StateFormat {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The state file belongs to another card.
    #[error("state file {} belongs to person {person}, profile {profile}; reset it or name another file", path.display())]
    StateOfAnotherCard {
        /// The file.
        path: PathBuf,
        /// The person it was written for.
        person: u8,
        /// The profile it was written for.
        profile: String,
    },
}
