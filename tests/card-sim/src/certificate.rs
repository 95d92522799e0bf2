//! Issues the two end-entity certificates of a card, shaped like those of JPKI (RFC 5280; the published JPKI profile).

use crate::{
    SimError,
    authority::{Authority, Issuer},
    config::Validity,
    der_writer::{
        COMMON_NAME, LOCALITY, ORGANIZATION, UNIT, bit_string, directory_name, extension, name, oid, sequence, tag,
        time, tlv, utf8,
    },
    keys::{Algorithm, PrivateKey, Purpose},
    people::Person,
};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

/// Everything that decides the bytes of a certificate.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Request {
    pub(crate) person: u8,
    pub(crate) purpose: Purpose,
    pub(crate) algorithm: Algorithm,
    pub(crate) validity: Validity,
    pub(crate) wrong_policy: bool,
    pub(crate) long_address: bool,
}

/// Returns the certificate as DER. Certificates already issued in this process are remembered: signing is slow.
pub(crate) fn issue(request: Request, person: &Person, key: &PrivateKey) -> Result<Vec<u8>, SimError> {
    static ISSUED: OnceLock<Mutex<HashMap<Request, Vec<u8>>>> = OnceLock::new();
    let issued = ISSUED.get_or_init(Mutex::default);
    if let Some(certificate) = issued.lock().unwrap_or_else(PoisonError::into_inner).get(&request) {
        return Ok(certificate.clone());
    }
    let issuer = Authority::of(request.purpose, request.algorithm).issuer()?;
    let tbs = to_be_signed(request, person, key, &issuer)?;
    let signature = issuer.key.sign_certificate(&tbs)?;
    let certificate = sequence(&[tbs, issuer.key.certificate_algorithm(), bit_string(&signature)]);
    issued.lock().unwrap_or_else(PoisonError::into_inner).insert(request, certificate.clone());
    Ok(certificate)
}

/// From yesterday 00:00 to the end of the same day five years on, in Japan's time, as if issued the day before.
pub(crate) fn usual_validity() -> Validity {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let yesterday = ((now + JAPAN_AHEAD) / DAY).saturating_sub(1) * DAY;
    Validity {
        not_before: yesterday.saturating_sub(JAPAN_AHEAD),
        not_after: yesterday + FIVE_YEARS + DAY - 1 - JAPAN_AHEAD,
    }
}

fn to_be_signed(request: Request, person: &Person, key: &PrivateKey, issuer: &Issuer) -> Result<Vec<u8>, SimError> {
    let Validity { not_before, not_after } = request.validity;
    let wrong = || SimError::Validity { not_before, not_after };
    if not_after < not_before {
        return Err(wrong());
    }
    let validity = sequence(&[time(not_before).ok_or_else(wrong)?, time(not_after).ok_or_else(wrong)?]);
    let public_key = key.public_key_info()?;
    Ok(sequence(&[
        tlv(tag::context_constructed(0), &tlv(tag::INTEGER, &[2])),
        tlv(tag::INTEGER, &serial(request)),
        issuer.key.certificate_algorithm(),
        issuer.name.clone(),
        validity,
        subject(request, person),
        public_key.clone(),
        tlv(tag::context_constructed(3), &sequence(&extensions(request, person, issuer, &public_key))),
    ]))
}

/// Four bytes, positive, the same for the same certificate.
fn serial(request: Request) -> [u8; 4] {
    let hash = Sha256::digest(format!("{request:?}"));
    [hash[0] & 0x3F | 0x40, hash[1], hash[2], hash[3]]
}

/// Authentication: a 23-character CN. Signature: place names and a 28-character CN. Neither tells who it is.
fn subject(request: Request, person: &Person) -> Vec<u8> {
    let Person { number, municipality, .. } = person;
    match request.purpose {
        Purpose::Authentication => {
            name(&[(COMMON_NAME, &format!("SIM{:011}{municipality}{number:04}", request.validity.not_before))])
        }
        Purpose::Signature => name(&[
            (LOCALITY, &person.prefecture_romaji),
            (LOCALITY, &person.city_romaji),
            (COMMON_NAME, &format!("9{:013}{number:05}{municipality}{number:04}", request.validity.not_before)),
        ]),
    }
}

fn extensions(request: Request, person: &Person, issuer: &Issuer, public_key: &[u8]) -> Vec<Vec<u8>> {
    let authentication = request.purpose == Purpose::Authentication;
    let policy = if authentication && !request.wrong_policy { POLICY_AUTHENTICATION } else { POLICY_SIGNATURE };
    let mut out = vec![extension(KEY_USAGE, true, if authentication { &[3, 2, 7, 0x80] } else { &[3, 2, 6, 0xC0] })];
    if authentication {
        out.push(extension(EXTENDED_KEY_USAGE, false, &sequence(&[oid("1.3.6.1.5.5.7.3.2")])));
    } else {
        out.push(extension(SUBJECT_ALT_NAME, false, &subject_alt_name(person)));
    }
    out.push(extension(CERTIFICATE_POLICIES, true, &policies(policy)));
    let unit = if authentication {
        "公的個人認証サービス利用者証明用（模擬）"
    } else {
        "公的個人認証サービス署名用（模擬）"
    };
    let native = name(&[(ORGANIZATION, "公的個人認証サービス（模擬）"), (UNIT, unit), (UNIT, NATIVE_AGENCY)]);
    out.push(extension(ISSUER_ALT_NAME, false, &tlv(tag::SEQUENCE, &directory_name(&native))));
    out.push(extension(CRL_DISTRIBUTION_POINTS, false, &distribution_points(request.purpose, person)));
    if authentication {
        let location = tlv(tag::context(6), OCSP_URL.as_bytes());
        let access = sequence(&[oid("1.3.6.1.5.5.7.48.1"), location]);
        out.push(extension(AUTHORITY_INFO_ACCESS, false, &sequence(&[access])));
    }
    let authority_key = sequence(&[
        tlv(tag::context(0), &issuer.key_id),
        tlv(tag::context_constructed(1), &directory_name(&issuer.name)),
        tlv(tag::context(2), &issuer.serial),
    ]);
    out.push(extension(AUTHORITY_KEY_IDENTIFIER, false, &authority_key));
    out.push(extension(SUBJECT_KEY_IDENTIFIER, false, &tlv(tag::OCTET_STRING, &key_identifier(public_key))));
    out
}

/// One policy with the address of its practice statement.
fn policies(policy: &str) -> Vec<u8> {
    let statement = sequence(&[oid("1.3.6.1.5.5.7.2.1"), tlv(tag::IA5_STRING, CPS_URL.as_bytes())]);
    sequence(&[sequence(&[oid(policy), sequence(&[statement])])])
}

/// C=JP, O=JPKI-SIM, OU=<purpose>, OU=CRL Distribution Points, OU=<prefecture>, CN=<city> CRLDP.
fn distribution_points(purpose: Purpose, person: &Person) -> Vec<u8> {
    let unit = match purpose {
        Purpose::Authentication => "JPKI for user authentication",
        Purpose::Signature => "JPKI for digital signature",
    };
    let point = name(&[
        (ORGANIZATION, "JPKI-SIM"),
        (UNIT, unit),
        (UNIT, "CRL Distribution Points"),
        (UNIT, &person.prefecture_romaji),
        (COMMON_NAME, &format!("{} CRLDP", person.city_romaji)),
    ]);
    let full_name = tlv(tag::context_constructed(0), &directory_name(&point));
    sequence(&[sequence(&[tlv(tag::context_constructed(0), &full_name)])])
}

/// The six otherNames of a signature certificate, in the order of real cards.
fn subject_alt_name(person: &Person) -> Vec<u8> {
    let no_substitutes = |text: &str| "0".repeat(text.chars().count());
    let birth = format!("{}{}", era_digit(&person.birth_date), person.birth_date);
    sequence(&[
        other_name(1, &person.name),
        other_name(4, &birth),
        other_name(3, &person.sex),
        other_name(5, &person.address),
        other_name(2, &no_substitutes(&person.name)),
        other_name(6, &no_substitutes(&person.address)),
    ])
}

fn other_name(item: u8, text: &str) -> Vec<u8> {
    let value = tlv(tag::context_constructed(0), &utf8(text));
    tlv(tag::context_constructed(0), &[oid(&format!("1.2.392.200149.8.5.5.{item}")), value].concat())
}

/// 1 明治, 2 大正, 3 昭和, 4 平成, 5 令和; the date itself stays Gregorian.
fn era_digit(date: &str) -> char {
    let eras = [("20190501", '5'), ("19890108", '4'), ("19261225", '3'), ("19120730", '2')];
    eras.into_iter().find(|(first_day, _)| date >= *first_day).map_or('1', |(_, digit)| digit)
}

/// SHA-1 of the key bits (RFC 5280, 4.2.1.2, method 1).
fn key_identifier(public_key_info: &[u8]) -> [u8; 20] {
    use der::Decode;
    let info = x509_cert::spki::SubjectPublicKeyInfoRef::from_der(public_key_info).expect("encoded above");
    Sha1::digest(info.subject_public_key.raw_bytes()).into()
}

const DAY: u64 = 86_400;
const JAPAN_AHEAD: u64 = 9 * 3_600;
const FIVE_YEARS: u64 = 1_826 * DAY;

const POLICY_AUTHENTICATION: &str = "1.2.392.200149.8.5.1.0.30";
const POLICY_SIGNATURE: &str = "1.2.392.200149.8.5.1.0.20";
const CPS_URL: &str = "http://jpki-sim.example/cps.html";
const OCSP_URL: &str = "http://ocsp.auth.jpki-sim.example";
const NATIVE_AGENCY: &str = "試験用模擬認証局（実在の機関ではありません）";

const KEY_USAGE: &str = "2.5.29.15";
const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
const SUBJECT_ALT_NAME: &str = "2.5.29.17";
const CERTIFICATE_POLICIES: &str = "2.5.29.32";
const ISSUER_ALT_NAME: &str = "2.5.29.18";
const CRL_DISTRIBUTION_POINTS: &str = "2.5.29.31";
const AUTHORITY_INFO_ACCESS: &str = "1.3.6.1.5.5.7.1.1";
const AUTHORITY_KEY_IDENTIFIER: &str = "2.5.29.35";
const SUBJECT_KEY_IDENTIFIER: &str = "2.5.29.14";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::hex;

    #[test]
    fn an_alternative_name_item_has_the_published_bytes() {
        let mut expected = hex("A019060A2A83088C9B5508050504A00B0C09");
        expected.extend_from_slice(b"419900405");
        assert_eq!(other_name(4, "419900405"), expected);
    }

    #[test]
    fn eras_change_on_their_first_day() {
        let digits = ["18680125", "19120729", "19120730", "19261225", "19890107", "19890108", "20190430", "20190501"];
        assert_eq!(digits.map(era_digit), ['1', '1', '2', '3', '3', '4', '4', '5']);
    }
}
