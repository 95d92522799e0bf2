//! Which card to simulate, and the switches that bend its behaviour.

use crate::{
    application_kind::ApplicationKind, end_of_file::EndOfFile, fault::FaultAt, oddity::Oddity, profile::Profile,
};
use std::collections::BTreeMap;

/// First and last valid second of a certificate, in unix seconds.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Validity {
    /// First valid second.
    pub not_before: u64,
    /// Last valid second.
    pub not_after: u64,
}

/// A card and its switches. [`Config::new`] gives the card of a profile; change fields from there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// Which kind of card.
    pub profile: Profile,
    /// Whose card, 1–10.
    pub person: u8,
    /// Short EF identifiers work. When off, commands with one answer 6A86.
    pub sfi: bool,
    /// Extended-length commands work. When off, they answer 6700.
    pub extended: bool,
    /// SELECT by the first five or more bytes of a DF name works. When off, it answers 6A82.
    pub partial_names: bool,
    /// The first command after power-on answers 6F00 and does nothing, as seen on one real card.
    pub first_command_6f00: bool,
    /// Behave like a T=0 card: 61xx with GET RESPONSE, and 6Cxx for an Le beyond the data.
    pub procedure_bytes: bool,
    /// VERIFY with a blocked PIN answers 6983 (ISO) instead of 6984 (JICSAP).
    pub blocked_as_6983: bool,
    /// Asking for the tries left of a verified PIN answers 9000 instead of 63Cx.
    pub query_after_verify_9000: bool,
    /// Asking for the tries left in five bytes, `00 20 00 xx 00`, answers 6700.
    pub query_with_length_6700: bool,
    /// Selecting the current application again clears its PIN states. Real cards keep them.
    pub strict_reselect: bool,
    /// A warm reset keeps the PIN states, as one real card does.
    pub warm_reset_keeps_pins: bool,
    /// The byte that fills the four certificate EFs up to 1,900 bytes; `None` ends them after the certificate.
    pub certificate_filler: Option<u8>,
    /// How many bytes of FF follow the four attributes (text-input 0002) and the printed face (surface 0002).
    pub record_filler: usize,
    /// Validity of the two certificates; by default from yesterday for about five years.
    pub certificate_validity: Option<Validity>,
    /// The card carries no signature certificate and no signature password, as children's cards do.
    pub without_signature_certificate: bool,
    /// The authentication certificate names the policy of signature certificates.
    pub wrong_policy: bool,
    /// Signatures are over something else than what was sent.
    pub wrong_signature: bool,
    /// A signature takes this many milliseconds longer.
    pub slow_signature_ms: u64,
    /// The address has more than 127 bytes, in the attributes and in the signature certificate; the picture stays.
    pub long_address: bool,
    /// Name and address of the attributes carry [`FORGED_TEXT`](crate::FORGED_TEXT).
    pub forged_text: bool,
    /// In what the records differ from those of other cards; of two for one field the later one.
    pub oddities: Vec<Oddity>,
    /// READ BINARY returns at most this many bytes, whatever was asked for; 0 counts as 1.
    pub read_limit: Option<usize>,
    /// What READ BINARY answers where fewer bytes are left than were asked for.
    pub end_of_file: EndOfFile,
    /// Transparent EFs never end: after their content READ BINARY returns FF, at any offset.
    pub endless_files: bool,
    /// READ RECORD with P2 = 05 (to the last one) answers 6A81, as cards may that know only single records.
    pub single_records_only: bool,
    /// Applications the card does not have.
    pub without_applications: Vec<ApplicationKind>,
    /// Contents that replace those of the card, or files that it does not have, by application and identifier.
    ///
    /// A transparent EF keeps its access condition; a record-structured one gets the bytes as its only record. Any
    /// other identifier, also that of a PIN or a key, becomes a transparent EF that is free to read.
    pub files: BTreeMap<(ApplicationKind, u16), Vec<u8>>,
    /// Data objects that replace those of the issuer security domain, by tag; an empty one is removed.
    pub data_objects: BTreeMap<u16, Vec<u8>>,
    /// The answer to reset a reader sees.
    pub atr: Vec<u8>,
    /// Faults of every tap, beside those that [`SimTransport::with_fault`](crate::SimTransport::with_fault) arms for one.
    pub faults: Vec<FaultAt>,
}

impl Config {
    /// The card of a profile. The person is checked when the card is made.
    pub fn new(profile: Profile, person: u8) -> Self {
        let strict = profile == Profile::Strict;
        Self {
            profile,
            person,
            sfi: profile != Profile::NoSfi,
            extended: profile != Profile::NoExtended,
            partial_names: !strict,
            first_command_6f00: false,
            procedure_bytes: false,
            blocked_as_6983: strict,
            query_after_verify_9000: false,
            query_with_length_6700: strict,
            strict_reselect: strict,
            warm_reset_keeps_pins: false,
            certificate_filler: Some(0x00),
            record_filler: 16,
            certificate_validity: None,
            without_signature_certificate: false,
            wrong_policy: false,
            wrong_signature: false,
            slow_signature_ms: 0,
            long_address: false,
            forged_text: false,
            oddities: Vec::new(),
            read_limit: None,
            end_of_file: EndOfFile::Remaining,
            endless_files: false,
            single_records_only: false,
            without_applications: Vec::new(),
            files: BTreeMap::new(),
            data_objects: BTreeMap::new(),
            atr: ATR_CONTACT.to_vec(),
            faults: Vec::new(),
        }
    }

    /// The card of the profile with this name, such as `no-sfi`. Behind it, each after a `+`, may stand `forged-text`
    /// ([`Config::forged_text`]), names of [`Oddity`] and [`Config::faults`]: `today+no-photo+sex-3`,
    /// `phone+exchange=1:flip-bit=9`.
    ///
    /// # Errors
    /// An unknown name or fault; the text lists the known ones.
    pub fn named(profile: &str, person: u8) -> Result<Self, String> {
        let mut names = profile.split('+');
        let mut config = Self::new(names.next().unwrap_or_default().parse()?, person);
        for name in names {
            match name {
                "forged-text" => config.forged_text = true,
                fault if fault.contains(':') => config.faults.push(fault.parse()?),
                oddity => config.oddities.push(oddity.parse()?),
            }
        }
        Ok(config)
    }

    /// Replaces or adds one file; see [`Config::files`].
    #[must_use]
    pub fn with_file(mut self, application: ApplicationKind, id: u16, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert((application, id), content.into());
        self
    }
}

/// ATR of a contact card that offers T=1 only.
pub const ATR_CONTACT: &[u8] = &[0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14];

/// ATR that a contactless reader makes up for a type B card (PC/SC part 3); it offers T=0 and T=1.
pub const ATR_CONTACTLESS: &[u8] = &[0x3B, 0x88, 0x80, 0x01, 0x00, 0x4B, 0x51, 0xFF, 0xB3, 0x81, 0xD1, 0x00, 0x0F];
