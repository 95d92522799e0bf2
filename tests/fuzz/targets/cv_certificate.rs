//! CV certificates: EF 0004 of the text-input and surface applications.
#![no_main]

use kazasu::card::CvCertificate;
use kazasu_fuzz::lies_within;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let parsed = CvCertificate::parse(input);
    let again = CvCertificate::parse(input);
    assert_eq!(parsed.is_some(), again.is_some());
    let (Some(certificate), Some(again)) = (parsed, again) else { return };
    assert!(certificate.key() == again.key() && certificate.issuer() == again.issuer());
    let (modulus, exponent) = certificate.key().rsa_numbers().expect("an RSA key");
    assert!(modulus.len() == 256 && modulus[0] & 0x80 != 0 && !exponent.is_empty());
    assert!(lies_within(modulus, input) && lies_within(exponent, input));
    let with_filler = [input, &[0xFF; 8]].concat();
    assert!(CvCertificate::parse(&with_filler).is_some_and(|again| again.key() == certificate.key()));
});
