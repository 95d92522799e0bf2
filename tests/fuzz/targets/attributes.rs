//! EF 0002 of the text-input application.
#![no_main]

use kazasu::card::Attributes;
use kazasu_fuzz::lies_within;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let parsed = Attributes::parse(input);
    assert!(parsed == Attributes::parse(input));
    let with_filler = [input, &[0xFF; 8]].concat();
    let Ok(attributes) = parsed else {
        return;
    };
    assert!(Attributes::parse(&with_filler).is_ok_and(|again| again == attributes), "filler does not count");
    assert!(lies_within(attributes.name.as_bytes(), input) && lies_within(attributes.address.as_bytes(), input));
    assert!(lies_within(attributes.birth_date.digits().as_bytes(), input));
    assert!(attributes.birth_date.digits().bytes().all(|byte| byte.is_ascii_digit()));
    assert!(!attributes.proof.is_genuine());
    assert!(!attributes.sex.name().is_empty());
    if let Some(date) = attributes.birth_date.to_calendar() {
        assert_eq!(date.to_string().replace('-', ""), attributes.birth_date.digits());
    }
});
