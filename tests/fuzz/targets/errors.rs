//! Unsuccessful answers of a FHIR server: status, body and Retry-After become an error with a code and a text to show.
#![no_main]

use std::time::Duration;

use kazasu::fhir::{error_of_reply, user_text_of_reply};
use kazasu::guidance;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [high, low, wait, body @ ..] = input else { return };
    let status = 100 + u16::from_be_bytes([*high, *low]) % 500;
    let retry_after = (wait % 2 == 0).then(|| Duration::from_secs(u64::from(*wait)));
    let error = error_of_reply(status, body, retry_after);
    assert_eq!(error.code(), error_of_reply(status, body, retry_after).code());
    assert!(error.code().starts_with("KZ-") && error.code().len() == 6);
    assert!(guidance::Language::ALL.iter().all(|language| !guidance::text(&error, *language).is_empty()));
    // What a server writes stands in no error.
    assert!(error.to_string().chars().count() < 120);
    let text = user_text_of_reply(status, body);
    assert!(text.is_none_or(|text| status >= 400 && text.chars().count() <= 400));
});
