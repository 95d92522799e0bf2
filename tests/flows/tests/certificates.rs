//! Certificates: the published dumps of a JPKI test card, the six roots, and cards that must be refused.

use kazasu::card::certificate::is_jpki_root;
use kazasu::card::{CardRoots, Certificate, CertificateState};
use kazasu::crypto::{Algorithm, SignatureVerifier};
use kazasu::error::CertificateFault;
use kazasu::session::Warning;
use kazasu::time::{Clock, SystemClock, UnixMillis};
use kazasu_card_sim::{Config, Pin, Profile, Validity};
use kazasu_flows::{Stage, card_of, dumps};

fn read(name: &str) -> Vec<u8> {
    std::fs::read(dumps::package().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn parse(name: &str) -> Certificate {
    Certificate::parse(&read(name)).unwrap_or_else(|| panic!("{name} does not parse"))
}

fn production_roots() -> CardRoots {
    let names = ["authca01", "authca02", "authca03", "signca01", "signca02", "signca03"];
    CardRoots::parse(names.map(|name| read(&format!("certs/{name}.cer")))).expect("six roots")
}

fn test_roots() -> CardRoots {
    let names = ["authca-test-2019", "authca-test-2023", "signca-test-2019", "signca-test-2024"];
    CardRoots::parse(names.map(|name| read(&format!("certs/test/{name}.cer")))).expect("test roots")
}

#[test]
fn the_six_jpki_roots_are_known_by_fingerprint() {
    for name in ["authca01", "authca02", "authca03", "signca01", "signca02", "signca03"] {
        let der = read(&format!("certs/{name}.cer"));
        assert!(is_jpki_root(&der), "{name}");
        let mut flipped = der;
        flipped[300] ^= 1;
        assert!(!is_jpki_root(&flipped), "{name} with a flipped bit");
    }
}

#[test]
fn the_published_test_card_chains_to_its_roots_and_not_to_production() {
    let verifier = SignatureVerifier::ring();
    for name in ["jpki-auth-cert", "jpki-sign-cert", "jpki-auth-ca-cert", "jpki-sign-ca-cert"] {
        let certificate = parse(&format!("tests/fixtures/{name}.der"));
        assert_eq!(certificate.key().algorithm(), Algorithm::Rs256, "{name}");
        assert!(test_roots().contains_issuer_of(&certificate, verifier), "{name}: its own roots");
        assert!(!production_roots().contains_issuer_of(&certificate, verifier), "{name}: production roots");
        assert!(!is_jpki_root(certificate.der()), "{name}");
    }
}

#[test]
fn the_published_authentication_certificate_may_authenticate_and_the_signature_one_may_not() {
    let verifier = SignatureVerifier::ring();
    let check = |name: &str, roots: &CardRoots| {
        let certificate = parse(name);
        certificate.check_authentication(roots, verifier, certificate.not_before().plus_ms(1))
    };
    let auth = check("tests/fixtures/jpki-auth-cert.der", &test_roots()).expect("may authenticate");
    assert!(auth.test_card);
    assert_eq!(auth.state, CertificateState::Valid);
    let sign = check("tests/fixtures/jpki-sign-cert.der", &test_roots());
    assert_eq!(sign, Err(CertificateFault::WrongPolicy));
    let production = check("tests/fixtures/jpki-auth-cert.der", &production_roots());
    assert_eq!(production, Err(CertificateFault::UnknownIssuer));
}

#[test]
fn a_flipped_bit_anywhere_in_the_published_certificate_is_noticed() {
    let der = read("tests/fixtures/jpki-auth-cert.der");
    let verifier = SignatureVerifier::ring();
    let roots = test_roots();
    for at in 0..der.len() {
        let mut flipped = der.clone();
        flipped[at] ^= 1 << (at % 8);
        let accepted = Certificate::parse(&flipped).is_some_and(|c| roots.contains_issuer_of(&c, verifier));
        assert!(!accepted, "byte {at}");
    }
}

#[test]
fn grace_lasts_to_the_end_of_the_third_month_in_japan() {
    let certificate = parse("tests/fixtures/jpki-auth-cert.der");
    let last_day = kazasu::time::CalendarDate::in_japan(certificate.not_after()).end_of_month_after(3);
    let last = UnixMillis::parse_rfc3339(&format!("{last_day}T23:59:59+09:00")).expect("instant");
    assert_eq!(certificate.state(certificate.not_after()), Ok(CertificateState::Valid));
    assert_eq!(certificate.state(certificate.not_after().plus_ms(1)), Ok(CertificateState::Grace));
    assert_eq!(certificate.state(last), Ok(CertificateState::Grace));
    assert_eq!(certificate.state(last.plus_ms(1000)), Err(CertificateFault::Expired));
    assert_eq!(certificate.state(certificate.not_before().plus_ms(-1)), Err(CertificateFault::NotYetValid));
}

fn validity(from_days: i64, to_days: i64) -> Option<Validity> {
    let at = |days: i64| u64::try_from(SystemClock.now().seconds() + days * 86_400).expect("after 1970");
    Some(Validity { not_before: at(from_days), not_after: at(to_days) })
}

#[test]
fn unusable_certificates_are_refused_before_the_pin_is_sent() {
    let stage = Stage::new();
    let today = Config::new(Profile::Today, 1);
    let cases = [
        ("expired long ago", Config { certificate_validity: validity(-900, -200), ..today.clone() }, "KZ-C06"),
        ("not valid yet", Config { certificate_validity: validity(2, 900), ..today.clone() }, "KZ-A05"),
        ("signing policy", Config { wrong_policy: true, ..today }, "KZ-A05"),
    ];
    for (name, config, code) in cases {
        let card = card_of(config);
        let error = stage.qualify(&card, 1).expect_err(name);
        assert_eq!(error.code(), code, "{name}");
        let card = card.lock().expect("card");
        assert_eq!(card.counters().verify_with_data, 0, "{name}: no try was used");
        assert_eq!(card.attempts_left(Pin::UserAuthentication), 3, "{name}");
    }
}

#[test]
fn a_certificate_in_grace_is_asked_for_with_a_warning() {
    let stage = Stage::new();
    let config = Config { certificate_validity: validity(-900, -2), ..Config::new(Profile::Today, 1) };
    let result = stage.qualify(&card_of(config), 1);
    eprintln!("{result:?}");
    assert!(result.expect("in grace").warnings.contains(&Warning::CertificateExpired));
}

#[test]
fn a_card_of_another_authority_is_refused_before_the_pin_is_sent() {
    let sandbox = kazasu_flows::start_sandbox(0);
    let stage = Stage::of(sandbox, |settings| settings.card_roots = vec![read("certs/authca03.cer")]);
    let card = card_of(Config::new(Profile::Today, 1));
    let error = stage.qualify(&card, 1).expect_err("unknown authority");
    assert_eq!(error, CertificateFault::UnknownIssuer.into());
    assert_eq!(card.lock().expect("card").counters().verify_with_data, 0);
}
