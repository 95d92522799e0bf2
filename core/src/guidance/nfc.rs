//! What to try when a card is not read: one more thing after each failure.

use super::Language;

/// One thing to try after so many reads in a row that failed; nothing after none.
///
/// The first is the case, the second the position, the third a restart, and from the fourth on a way without this phone's
/// NFC: a computer with a card reader, or the paper 資格確認書 that every insurer gives.
/// `antenna` says where this model has its antenna, in the language of the text, such as `上の端`; without it the middle of
/// the back is named.
pub fn nfc_hint(failures: u32, language: Language, antenna: Option<&str>) -> Option<String> {
    let antenna = antenna.map(str::trim).filter(|place| !place.is_empty());
    let text = match failures {
        0 => return None,
        1 => language.choose(
            "ケースを外して、もう一度かざしてください",
            "Please take off the case and hold the card again.",
            "スマホのケースをはずして、もういちどあててください",
        ),
        2 => {
            let place = antenna.unwrap_or(language.choose("背面中央", "the middle of the back", "うらの中ほど"));
            return Some(match language {
                Language::Japanese => format!("カードを{place}に付け、動かさずにお待ちください"),
                Language::English => format!("Please hold the card to {place} and keep it still."),
                Language::EasyJapanese => format!("カードをスマホの{place}につけて、うごかさないでください"),
            });
        }
        3 => language.choose(
            "端末を再起動して、もう一度お試しください",
            "Please restart the phone and try again.",
            "スマホの電源（でんげん）を切って、もういちど入れてください",
        ),
        _ => language.choose(
            "PCとカードリーダー、または資格確認書をご利用ください",
            "Please use a computer with a card reader, or your 資格確認書 (certificate of eligibility).",
            "パソコンとカードリーダーか、資格確認書（しかくかくにんしょ）を使ってください",
        ),
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_brings_the_next_thing_to_try() {
        let hint = |failures| nfc_hint(failures, Language::Japanese, None);
        assert_eq!(hint(0), None);
        assert_eq!(hint(1).as_deref(), Some("ケースを外して、もう一度かざしてください"));
        assert_eq!(hint(2).as_deref(), Some("カードを背面中央に付け、動かさずにお待ちください"));
        assert_eq!(hint(3).as_deref(), Some("端末を再起動して、もう一度お試しください"));
        assert!(hint(4).is_some_and(|text| text.contains("カードリーダー") && text.contains("資格確認書")));
        assert_eq!(hint(4), hint(u32::MAX));
    }

    #[test]
    fn the_place_of_the_antenna_stands_in_the_second_hint_alone() {
        for (language, place) in [
            (Language::Japanese, "上の端"),
            (Language::English, "the upper edge"),
            (Language::EasyJapanese, "うらの上のほう"),
        ] {
            let named: Vec<u32> = (0..6)
                .filter(|n| nfc_hint(*n, language, Some(place)).is_some_and(|text| text.contains(place)))
                .collect();
            assert_eq!(named, [2]);
            assert_eq!(nfc_hint(2, language, Some(" ")), nfc_hint(2, language, None));
        }
    }

    #[test]
    fn japanese_hints_are_short() {
        for language in [Language::Japanese, Language::EasyJapanese] {
            for text in (1..5).filter_map(|failures| nfc_hint(failures, language, None)) {
                assert!(text.chars().count() <= 40, "{text}");
            }
        }
    }
}
