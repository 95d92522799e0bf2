//! The certificates a card issues at start.

use crate::{card, jpki, today, transcript};
use kazasu_card_sim::{Card, Config, Profile, SimError, Validity, authority, people};
use std::{
    fs,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};
use x509_cert::{
    Certificate,
    der::{
        Decode, Encode,
        asn1::OctetString,
        pem::{self, LineEnding},
    },
    ext::pkix::{CertificatePolicies, KeyUsage, KeyUsages, name::GeneralName},
};

fn parse(der: &[u8]) -> Certificate {
    Certificate::from_der(der).expect("a certificate")
}

fn extension(certificate: &Certificate, oid: &str) -> Option<(bool, OctetString)> {
    let extensions = certificate.tbs_certificate().extensions().expect("extensions");
    let found = extensions.iter().find(|extension| extension.extn_id.to_string() == oid);
    found.map(|extension| (extension.critical, extension.extn_value.clone()))
}

fn policy(certificate: &Certificate) -> String {
    let (critical, value) = extension(certificate, "2.5.29.32").expect("policies");
    assert!(critical);
    CertificatePolicies::from_der(value.as_bytes()).expect("policies").0[0].policy_identifier.to_string()
}

#[test]
fn every_certificate_of_every_person_parses_and_has_the_usual_size() {
    for person in people::all() {
        let card = Card::new(Config::new(Profile::Today, person.number)).expect("a card");
        let certificate = card.authentication_certificate();
        assert_eq!(parse(certificate).to_der().expect("DER"), certificate);
        assert!((1_530..=1_650).contains(&certificate.len()), "person {}: {}", person.number, certificate.len());
        assert_eq!(card.signature_certificate().is_some(), person.number != 10);
        if let Some(certificate) = card.signature_certificate() {
            assert_eq!(parse(certificate).to_der().expect("DER"), certificate);
            assert!((1_700..=1_920).contains(&certificate.len()), "person {}: {}", person.number, certificate.len());
        }
    }
}

#[test]
fn the_authentication_certificate_follows_the_profile() {
    let card = card(today());
    let (certificate, root) = (parse(card.authentication_certificate()), parse(&authority::certificates()[0]));
    let tbs = certificate.tbs_certificate();
    assert_eq!(tbs.issuer().to_der(), root.tbs_certificate().subject().to_der());
    assert_eq!(tbs.serial_number().as_bytes().len(), 4);
    assert_eq!(tbs.subject().to_string(), format!("CN={},C=JP", &tbs.subject().to_string()[3..26]));
    let (critical, usage) = extension(&certificate, "2.5.29.15").expect("key usage");
    assert_eq!((critical, usage.as_bytes()), (true, &[3, 2, 7, 0x80][..]));
    assert_eq!(KeyUsage::from_der(usage.as_bytes()).expect("key usage"), KeyUsage(KeyUsages::DigitalSignature.into()));
    assert_eq!(policy(&certificate), "1.2.392.200149.8.5.1.0.30");
    assert!(extension(&certificate, "2.5.29.17").is_none(), "no name in an authentication certificate");
    let order: Vec<String> =
        tbs.extensions().expect("extensions").iter().map(|extension| extension.extn_id.to_string()).collect();
    let expected = ["2.5.29.15", "2.5.29.37", "2.5.29.32", "2.5.29.18", "2.5.29.31", "1.3.6.1.5.5.7.1.1"];
    assert_eq!(order[..6], expected);
    assert_eq!(order[6..], ["2.5.29.35", "2.5.29.14"]);
}

#[test]
fn the_signature_certificate_names_the_holder_in_six_items() {
    let card = card(today());
    let certificate = parse(card.signature_certificate().expect("a signature certificate"));
    assert_eq!(policy(&certificate), "1.2.392.200149.8.5.1.0.20");
    let (_, value) = extension(&certificate, "2.5.29.17").expect("alternative name");
    let names = Vec::<GeneralName>::from_der(value.as_bytes()).expect("general names");
    let items: Vec<(String, String)> = names
        .iter()
        .map(|name| match name {
            GeneralName::OtherName(other) => {
                let text: String = other.value.decode_as::<String>().expect("UTF8String");
                (other.type_id.to_string().replace("1.2.392.200149.8.5.5.", ""), text)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let person = people::person(1).expect("person 1");
    let expected = [
        ("1", person.name.as_str()),
        ("4", "419900405"),
        ("3", "2"),
        ("5", &person.address),
        ("2", "00000"),
        ("6", "000000000000000"),
    ];
    assert_eq!(items, expected.map(|(item, text)| (item.to_owned(), text.to_owned())));
}

#[test]
fn certificates_are_valid_now_or_as_configured() {
    let validity = |card: &Card| {
        let validity = *parse(card.authentication_certificate()).tbs_certificate().validity();
        (validity.not_before.to_unix_duration().as_secs(), validity.not_after.to_unix_duration().as_secs())
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let (not_before, not_after) = validity(&card(today()));
    assert!((now - 2 * 86_400..=now - 86_400).contains(&not_before));
    assert!((now + 1_820 * 86_400..now + 1_828 * 86_400).contains(&not_after));
    let expired = Some(Validity { not_before: 1_000_000_000, not_after: 4_000_000_000 });
    assert_eq!(validity(&card(Config { certificate_validity: expired, ..today() })), (1_000_000_000, 4_000_000_000));
    let backwards = Some(Validity { not_before: 2, not_after: 1 });
    let error = Card::new(Config { certificate_validity: backwards, ..today() }).expect_err("backwards");
    assert!(matches!(error, SimError::Validity { .. }));
    let far = Some(Validity { not_before: 2, not_after: u64::MAX });
    assert!(Card::new(Config { certificate_validity: far, ..today() }).is_err());
}

#[test]
fn the_wrong_policy_can_be_had() {
    let card = card(Config { wrong_policy: true, ..today() });
    assert_eq!(policy(&parse(card.authentication_certificate())), "1.2.392.200149.8.5.1.0.20");
}

#[test]
fn filler_can_be_absent_or_ff() {
    let mut bare = jpki(Config { certificate_filler: None, ..today() });
    assert_eq!(bare.process(&crate::hex("00B08A00000000")).len(), bare.authentication_certificate().len() + 2);
    let mut filled = jpki(Config { certificate_filler: Some(0xFF), ..today() });
    assert!(filled.process(&crate::hex("00B08A00000000")).ends_with(&[0xFF, 0xFF, 0x90, 0x00]));
    transcript(&mut filled, &[("00A4020C020002", "9000"), ("00B0076A00", "FFFF9000")]);
}

#[test]
fn openssl_agrees() {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("skipped: there is no openssl here");
        return;
    }
    let folder = std::env::temp_dir().join(format!("kazasu-card-sim-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let people = concat!(env!("CARGO_MANIFEST_DIR"), "/../people");
    let verify = |der: &[u8], root: &str, purpose: &[&str]| {
        let file = folder.join("certificate.pem");
        fs::write(&file, pem::encode_string("CERTIFICATE", LineEnding::LF, der).expect("PEM")).expect("written");
        let arguments = ["verify", "-x509_strict", "-CAfile"];
        let result = Command::new("openssl")
            .args(arguments)
            .arg(format!("{people}/ca-{root}.pem"))
            .args(purpose)
            .arg(&file)
            .output()
            .expect("openssl runs");
        assert!(result.status.success(), "{root}: {}", String::from_utf8_lossy(&result.stderr));
    };
    for (profile, kind) in [
        (Profile::Today, "rsa2048"),
        (Profile::NextP256, "p384"),
        (Profile::NextP384, "p384"),
        (Profile::Phone, "rsa2048"),
    ] {
        let card = card(Config::new(profile, 8));
        verify(card.authentication_certificate(), &format!("authentication-{kind}"), &["-purpose", "sslclient"]);
        verify(card.signature_certificate().expect("a signature certificate"), &format!("signature-{kind}"), &[]);
    }
    fs::remove_dir_all(&folder).expect("removed");
}
