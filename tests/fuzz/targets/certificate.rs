//! X.509 certificates of the card, their checks, and roots.
#![no_main]

use std::sync::LazyLock;

use kazasu::card::{CardRoots, Certificate, CertificateState};
use kazasu::crypto::{Algorithm, SignatureVerifier};
use kazasu::time::UnixMillis;
use kazasu_fuzz::flows::{self, NOW};
use kazasu_fuzz::lies_within;
use kazasu_fuzz::verifier::believing;
use libfuzzer_sys::fuzz_target;

static ROOTS: LazyLock<CardRoots> = LazyLock::new(flows::roots);
/// Months of grace are three, with the month of expiry and a day for Japan.
const GRACE: i64 = (31 * 4 + 1) * 86_400_000;

fuzz_target!(|input: &[u8]| {
    let Some(certificate) = Certificate::parse(input) else {
        assert!(CardRoots::parse([input]).is_err());
        return;
    };
    assert_eq!(certificate.der(), input, "nothing lies behind a certificate");
    let key = certificate.key();
    match (key.rsa_numbers(), key.coordinates()) {
        (Some((modulus, exponent)), None) => {
            assert_eq!(key.algorithm(), Algorithm::Rs256);
            assert!(modulus.len() >= 256 && lies_within(modulus, input) && lies_within(exponent, input));
        }
        (None, Some((x, y))) => {
            assert!(x.len() == y.len() && lies_within(x, input) && lies_within(y, input));
        }
        _ => panic!("a key is either RSA or EC"),
    }

    let (first, last) = (certificate.not_before(), certificate.not_after());
    for now in [
        NOW,
        first,
        first.plus_ms(-1),
        last,
        last.plus_ms(1),
        last.plus_ms(GRACE),
        UnixMillis(i64::MIN),
        UnixMillis(i64::MAX),
    ] {
        match certificate.state(now) {
            Ok(CertificateState::Valid) => assert!(first <= now && now <= last),
            Ok(CertificateState::Grace) => assert!(first <= now && last < now),
            Err(_) => assert!(now < first || last < now),
        }
    }

    let (real, believing) = (SignatureVerifier::ring(), believing());
    for verifier in [real, believing] {
        let verdict = certificate.check_authentication(&ROOTS, verifier, NOW);
        assert!(verdict.is_err() || ROOTS.contains_issuer_of(&certificate, verifier));
        // None of JPKI's own roots is among these.
        assert!(verdict.is_ok_and(|verdict| verdict.test_card) || verdict.is_err());
    }
    // Whoever may, takes any certificate for a root.
    let own = CardRoots::parse([input]).expect("a certificate");
    _ = own.contains_issuer_of(&certificate, real);
    _ = certificate.check_authentication(&own, believing, NOW);
});
