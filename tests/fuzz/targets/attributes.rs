//! EF 0002 of the text-input application.
#![no_main]

use kazasu::card::Attributes;
use kazasu_fuzz::{check_field, check_others, is_date, lies_within};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let parsed = Attributes::parse(input);
    assert!(parsed == Attributes::parse(input));
    let with_filler = [input, &[0xFF; 8]].concat();
    let Ok(attributes) = parsed else {
        return;
    };
    assert!(Attributes::parse(&with_filler).is_ok_and(|again| again == attributes), "filler does not count");
    for text in [&attributes.name, &attributes.address] {
        check_field(text, input, |text| lies_within(text.as_bytes(), input) && !text.trim().is_empty());
    }
    check_field(&attributes.birth_date, input, |date| is_date(date, input));
    check_field(&attributes.sex, input, |sex| !sex.name().is_empty());
    check_others(&attributes.others, input);
    assert!(!attributes.proof.is_genuine());
});
