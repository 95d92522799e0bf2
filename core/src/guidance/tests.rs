use super::*;
use crate::error::{PinDoubt, TransportError};

/// Kanji of the first school years and of the first two levels of language tests: read without help.
const PLAIN_KANJI: &str =
    "一人回市町行古中使聞数見入読文字所新待来知日時間作少先止開終会社自分名前電話家族年月変短歩住出国何生同早持切気";

/// Texts that belong to no code of their own.
fn special(language: Language) -> Vec<&'static str> {
    let faults = [
        StoreFault::Locked,
        StoreFault::KeyMissing,
        StoreFault::Damaged { what: "x" },
        StoreFault::RolledBack,
        StoreFault::Replaced,
        StoreFault::Newer,
        StoreFault::Io { detail: "x" },
    ];
    let mut texts: Vec<_> = faults.into_iter().map(|fault| store(fault, language)).collect();
    texts.extend([
        verify_unanswered(language),
        wrong_number(language),
        new_pin_refused(language),
        not_genuine(language),
        no_signature_certificate(language),
        my_number_suspected(language),
        proxy(language),
        certificate_dates(language),
    ]);
    texts
}

#[test]
fn every_japanese_text_is_short() {
    for guidance in TABLE {
        for text in [guidance.ja, guidance.easy] {
            assert!(text.chars().count() <= 40, "{}: {text}", guidance.code);
        }
        assert!(![guidance.ja, guidance.en, guidance.easy].contains(&""), "{}", guidance.code);
    }
    for text in [Language::Japanese, Language::EasyJapanese].into_iter().flat_map(special) {
        assert!(text.chars().count() <= 40 && !text.is_empty(), "{text}");
    }
}

#[test]
fn easy_japanese_is_polite_and_can_be_read() {
    let texts = TABLE.iter().map(|guidance| guidance.easy).chain(special(Language::EasyJapanese));
    let hints = (1..5).filter_map(|failures| nfc_hint(failures, Language::EasyJapanese, None));
    for text in texts.map(str::to_owned).chain(hints) {
        let end = text.trim_end_matches("（あと{n}回）");
        assert!(end.ends_with("ください") || end.ends_with("ますか"), "{text}");
        assert_eq!(hard_kanji(&text), "", "{text}");
    }
    assert_eq!(hard_kanji("役所（やくしょ）へ行く。役所で見る"), "");
    assert_eq!(hard_kanji("役所へ行く。役所（やくしょ）"), "役");
}

/// Kanji that are neither plain nor explained by a reading in brackets, here or before.
pub(crate) fn hard_kanji(text: &str) -> String {
    let is_kanji = |c: &char| ('\u{4E00}'..='\u{9FFF}').contains(c);
    let mut explained: Vec<char> = PLAIN_KANJI.chars().collect();
    let mut hard = Vec::new();
    let mut run: Vec<char> = Vec::new();
    for c in text.chars().chain(['。']) {
        match c {
            c if is_kanji(&c) => run.push(c),
            '（' => explained.append(&mut run),
            _ => hard.extend(run.drain(..).filter(|c| !explained.contains(c))),
        }
    }
    hard.into_iter().collect()
}

#[test]
fn codes_are_unique() {
    let codes: std::collections::BTreeSet<_> = TABLE.iter().map(|guidance| guidance.code).collect();
    assert_eq!(codes.len(), TABLE.len());
}

#[test]
fn the_readme_shows_every_text() {
    let readme = include_str!("../../../README.md");
    for guidance in TABLE {
        let start = format!("| {} |", guidance.code);
        let rows: Vec<_> = readme.lines().filter(|line| line.starts_with(&start)).collect();
        let [row, easy] = rows[..] else { panic!("{} stands in {} rows of the README", guidance.code, rows.len()) };
        assert!(row.contains(guidance.ja) && row.contains(guidance.en), "{row}");
        assert_eq!(easy, format!("{start} {} |", guidance.easy));
    }
}

#[test]
fn tries_left_stand_in_the_text() {
    let kind = PinKind::UserAuthentication;
    assert_eq!(
        text(&Error::WrongPin { kind, attempts_left: 2 }, Language::Japanese),
        "暗証番号が違います。確かめて入力し直してください（残り2回）"
    );
    for language in Language::ALL {
        for kind in PinKind::ALL {
            let told = text(&Error::WrongPin { kind, attempts_left: 2 }, language);
            assert!(told.contains('2') && !told.contains("{n}"), "{told}");
        }
    }
    let lost = Error::VerifyUnanswered { kind, doubt: PinDoubt::Link(TransportError::TagLost) };
    assert!(text(&lost, Language::English).contains("one try may be used"));
    assert_eq!(lost.code(), "KZ-C01");
}
