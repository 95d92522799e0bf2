//! The issuer security domain, current after power-on: data objects for GET DATA.

use crate::{
    SimError,
    card_verifiable::{self, ISSUER, key_id},
    common::serial_number,
    config::{ATR_CONTACT, Config},
    people::Person,
};
use std::collections::BTreeMap;

/// The GlobalPlatform issuer security domain.
pub(crate) const AID: &[u8] = &[0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00];
/// The contact ATR without its first byte; the one object that answers inside applications too.
pub(crate) const CONTACT_ATR: u16 = 0x5F51;

/// The objects by tag:
///
/// ```text
/// 0042 issuer: a key identifier        00F7 identifier of the key that signs 7F21
/// 0045 card identification number      00F8 CV certificate of the municipality key
/// 0066 GlobalPlatform recognition      7F21 CV certificate of the key below it
/// 00F0 municipality, 5 digits          5F51 contact ATR without its first byte
/// 00F2 expiry, 8 digits
/// ```
pub(crate) fn data_objects(config: &Config, person: &Person) -> Result<BTreeMap<u16, Vec<u8>>, SimError> {
    let municipality = key_id(&format!("{}30", person.municipality), "002", 0x98);
    let upper = card_verifiable::data_object(ISSUER.key(), ISSUER.id(), municipality, MUNICIPALITY_KEY)?;
    let below = key_id("0000050", "001", 0x40);
    let lower = card_verifiable::data_object(MUNICIPALITY_KEY, municipality, below, "0000050")?;
    let mut objects = BTreeMap::from([
        (0x0042, ISSUER.id().to_vec()),
        (0x0045, serial_number(person).into_bytes()),
        (0x0066, RECOGNITION.to_vec()),
        (0x00F0, person.municipality.clone().into_bytes()),
        (0x00F2, person.card_expiry.clone().into_bytes()),
        (0x00F7, municipality.to_vec()),
        (0x00F8, upper),
        (0x7F21, lower),
        (CONTACT_ATR, ATR_CONTACT[1..].to_vec()),
    ]);
    for (tag, content) in &config.data_objects {
        if content.is_empty() {
            objects.remove(tag);
        } else {
            objects.insert(*tag, content.clone());
        }
    }
    Ok(objects)
}

/// The municipality key that 00F8 certifies.
const MUNICIPALITY_KEY: &str = "municipality-30";

/// Card recognition data (GlobalPlatform Card Specification 2.3, H.2): version 2.2, SCP 02 with option 15.
const RECOGNITION: &[u8] = &[
    0x73, 0x2E, 0x06, 0x07, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x01, 0x60, 0x0B, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
    0xFC, 0x6B, 0x02, 0x02, 0x02, 0x63, 0x09, 0x06, 0x07, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x03, 0x64, 0x0B, 0x06,
    0x09, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x04, 0x02, 0x15,
];
