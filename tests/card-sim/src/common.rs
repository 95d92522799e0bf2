//! The common card application (共通カードAP) and the resident register application (住基AP): records and one PIN each.

use crate::{
    SimError,
    application::{Application, Change, File, PinFile, PinFormat},
    application_kind::ApplicationKind,
    card_keys,
    card_verifiable::key_id,
    keys::PrivateKey,
    people::Person,
};

/// The PIN of either application.
pub(crate) const PIN: u16 = 0x001C;

/// The common card application:
///
/// ```text
/// 0001 record 1: serial number, municipality, expiry (free)    0019 key of INTERNAL AUTHENTICATE (free)
/// 0002 record 1: a key reference (free)                        001C PIN, 3 tries
/// ```
pub(crate) fn common(person: &Person) -> Result<Application, SimError> {
    let identity = format!("{}{}{}", serial_number(person), person.municipality, person.card_expiry);
    let files = vec![
        File::records(0x0001, vec![record(identity.as_bytes())]),
        key_reference(),
        File::authentication_key(0x0019, PrivateKey::Rsa(card_keys::key("common-0019")?)),
        pin(person),
    ];
    Ok(Application { kind: ApplicationKind::Common, files, default_key: None })
}

/// The resident register application: the key reference of the common one, and a PIN that opens nothing readable.
pub(crate) fn resident_register(person: &Person) -> Application {
    let files = vec![key_reference(), pin(person)];
    Application { kind: ApplicationKind::ResidentRegister, files, default_key: None }
}

/// Fifteen digits; the last thirteen are the manufacture number.
pub(crate) fn serial_number(person: &Person) -> String {
    format!("0123456789{:05}", 1_233 + u32::from(person.number))
}

/// Which key it names is not known. That it is one record in simple TLV is the simulator's choice.
fn key_reference() -> File {
    File::records(0x0002, vec![record(&key_id("9000040", "001", 0))])
}

fn pin(person: &Person) -> File {
    File::pin(PIN, PinFile::new(PinFormat::FourDigits, Some(&person.pins.resident), 3, Change::Key))
}

/// A record in JICSAP simple TLV: tag 01, one byte of length.
fn record(value: &[u8]) -> Vec<u8> {
    [&[0x01, value.len() as u8], value].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{application::Body, people, test_support::hex};

    #[test]
    fn the_first_persons_identity_record_has_the_published_bytes() {
        let application = common(people::person(1).expect("person 1")).expect("built");
        let Some(Body::Records(records)) = application.file(0x0001).map(|file| &file.body) else {
            panic!("no records")
        };
        let expected = "011C30313233343536373839303132333431333130313230333530343035";
        assert_eq!(records, &[hex(expected)]);
    }
}
