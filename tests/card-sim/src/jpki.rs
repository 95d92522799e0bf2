//! The JPKI application: two certificates with their authorities, two keys, two PINs.

use crate::{
    SimError,
    application::{Application, Change, File, PinFile, PinFormat},
    application_kind::ApplicationKind,
    authority::Authority,
    certificate::{self, Request},
    config::Config,
    keys::{Algorithm, PrivateKey, Purpose},
    people::Person,
    profile::Profile,
    token_info,
};

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
/// 0005, 0009, 0010, 0016, 0019, 001C and 001E exist too; nobody knows what is in them, and nothing opens them.
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
        let long_address = config.long_address;
        let request = Request { person: person.number, purpose, algorithm, validity, wrong_policy, long_address };
        certificate::issue(request, person, key)
    };
    let authentication_certificate = issue(Purpose::Authentication, &authentication_key)?;
    let signature_password = person.pins.signature.as_deref().filter(|_| !config.without_signature_certificate);
    let signature_certificate = signature_password.map(|_| issue(Purpose::Signature, &signature_key)).transpose()?;

    let fill = |certificate: &[u8]| fill(certificate, config.certificate_filler);
    let authority = |purpose| fill(&Authority::of(purpose, algorithm).certificate_der());
    let label = match config.profile {
        Profile::Phone => "JPKIAPGPSETOKEN",
        Profile::PhoneIos => "JPKIAPIOSTOKEN",
        Profile::Old => "JPKIAPICCTOKEN",
        _ => "JPKIAPICCTOKEN2",
    };
    let serial = format!("9{:015}", person.number);
    let certificate_opened_by: &[u16] = if config.profile.is_phone() { &[AUTHENTICATION_PIN] } else { &[] };
    let present = if signature_certificate.is_some() { 0x8F } else { 0x00 };

    let mut files = vec![File::binary(0x0006, token_info::encode(label, &serial), &[])];
    if config.profile != Profile::Old {
        if let Some(certificate) = &signature_certificate {
            files.push(File::binary(0x0001, fill(certificate), &[SIGNATURE_PIN]));
        }
        let pin = |value, format, max_attempts| PinFile::new(format, value, max_attempts, Change::ReferenceData);
        files.extend([
            File::binary(0x0002, authority(Purpose::Signature), &[]),
            File::never_readable(0x0005),
            File::binary(0x0008, vec![present, 0x8F, 0x00], &[]),
            File::never_readable(0x0009),
            File::binary(0x000A, fill(&authentication_certificate), certificate_opened_by),
            File::binary(0x000B, authority(Purpose::Authentication), &[]),
            File::key(0x0017, authentication_key, &[AUTHENTICATION_PIN]),
            File::pin(AUTHENTICATION_PIN, pin(Some(&person.pins.authentication), PinFormat::FourDigits, 3)),
            File::key(0x001A, signature_key, &[SIGNATURE_PIN]),
            File::pin(SIGNATURE_PIN, pin(signature_password, PinFormat::Password, 5)),
        ]);
        files.extend([0x0010, 0x0016, 0x0019, 0x001C, 0x001E].map(File::sealed));
    }
    let application = Application { kind: ApplicationKind::Jpki, files, default_key: None };
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

const CERTIFICATE_EF_SIZE: usize = 1_900;
