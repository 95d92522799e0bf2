//! The JPKI application: two certificates with their authorities, two keys, two PINs.

use crate::{
    SimError,
    application::{Application, Body, File, PinFile, PinFormat},
    authority::Authority,
    certificate::{self, Request},
    config::{Config, Profile},
    keys::{Algorithm, PrivateKey, Purpose},
    people::Person,
    token_info,
};

/// AID of the JPKI application.
pub(crate) const AID: &[u8] = &[0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];
/// Name of the application in state files.
pub(crate) const NAME: &str = "jpki";
/// User authentication PIN.
pub(crate) const AUTHENTICATION_PIN: u16 = 0x0018;
/// Signature password.
pub(crate) const SIGNATURE_PIN: u16 = 0x001B;

/// The application with the certificates that stand in it.
pub(crate) struct Jpki {
    pub(crate) application: Application,
    pub(crate) authentication_certificate: Vec<u8>,
    pub(crate) signature_certificate: Option<Vec<u8>>,
}

/// Issues the certificates and lays out the files:
///
/// ```text
/// 0001 signature certificate       (001B)     0017 authentication key   (0018)
/// 0002 its authority               (free)     0018 authentication PIN, 3 tries
/// 0006 token information           (free)     001A signature key        (001B)
/// 0008 which certificates exist    (free)     001B signature password, 5 tries
/// 000A authentication certificate  (free; 0018 on a phone)
/// 000B its authority               (free)
/// ```
///
/// The old resident card keeps only 0006, since nothing else of it is described. A person without signature password
/// has no 0001, and a 001B that is blocked from the start.
pub(crate) fn build(config: &Config, person: &Person) -> Result<Jpki, SimError> {
    let algorithm = Algorithm::of(config.profile);
    let authentication_key = PrivateKey::of_person(person.number, Purpose::Authentication, algorithm)?;
    let signature_key = PrivateKey::of_person(person.number, Purpose::Signature, algorithm)?;
    let validity = config.certificate_validity.unwrap_or_else(certificate::usual_validity);
    let issue = |purpose, key| {
        let wrong_policy = config.wrong_policy && purpose == Purpose::Authentication;
        certificate::issue(Request { person: person.number, purpose, algorithm, validity, wrong_policy }, person, key)
    };
    let authentication_certificate = issue(Purpose::Authentication, &authentication_key)?;
    let signature_password = person.pins.signature.as_deref();
    let signature_certificate = signature_password.map(|_| issue(Purpose::Signature, &signature_key)).transpose()?;

    let fill = |certificate: &[u8]| fill(certificate, config.certificate_filler);
    let authority = |purpose| fill(&Authority::of(purpose, algorithm).certificate_der());
    let label = match config.profile {
        Profile::Phone => "JPKIAPGPSETOKEN",
        Profile::Old => "JPKIAPICCTOKEN",
        Profile::Today | Profile::NextP256 | Profile::NextP384 | Profile::NotJpki => "JPKIAPICCTOKEN2",
    };
    let serial = format!("9{:015}", person.number);
    let certificate_opened_by: &[u16] = if config.profile == Profile::Phone { &[AUTHENTICATION_PIN] } else { &[] };
    let present = if signature_certificate.is_some() { 0x8F } else { 0x00 };

    let mut files = vec![free(0x0006, token_info::encode(label, &serial))];
    if config.profile != Profile::Old {
        if let Some(certificate) = &signature_certificate {
            files.push(binary(0x0001, fill(certificate), &[SIGNATURE_PIN]));
        }
        files.push(free(0x0002, authority(Purpose::Signature)));
        files.push(free(0x0008, vec![present, 0x8F, 0x00]));
        files.push(binary(0x000A, fill(&authentication_certificate), certificate_opened_by));
        files.push(free(0x000B, authority(Purpose::Authentication)));
        files.push(key(0x0017, authentication_key, &[AUTHENTICATION_PIN]));
        files.push(key(0x001A, signature_key, &[SIGNATURE_PIN]));
        let authentication_pin = Some(person.pins.authentication.as_str());
        files.push(pin(AUTHENTICATION_PIN, PinFile::new(PinFormat::FourDigits, authentication_pin, 3)));
        files.push(pin(SIGNATURE_PIN, PinFile::new(PinFormat::Password, signature_password, 5)));
    }
    let application = Application { name: NAME, aid: AID, files, default_key: None };
    Ok(Jpki { application, authentication_certificate, signature_certificate })
}

/// Certificate EFs have a fixed size, at least that of the largest seen, and hold filler after the certificate.
fn fill(certificate: &[u8], filler: Option<u8>) -> Vec<u8> {
    let mut content = certificate.to_vec();
    if let Some(filler) = filler {
        content.resize(content.len().next_multiple_of(100).max(CERTIFICATE_EF_SIZE), filler);
    }
    content
}

fn free(id: u16, content: Vec<u8>) -> File {
    binary(id, content, &[])
}

fn binary(id: u16, content: Vec<u8>, opened_by: &'static [u16]) -> File {
    File { id, body: Body::Binary { content, opened_by } }
}

fn key(id: u16, key: PrivateKey, opened_by: &'static [u16]) -> File {
    File { id, body: Body::Key { key, opened_by } }
}

fn pin(id: u16, pin: PinFile) -> File {
    File { id, body: Body::Pin(pin) }
}

const CERTIFICATE_EF_SIZE: usize = 1_900;
