//! Whether two short texts could be taken for one another.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use super::{is_blank, one_line};

/// Whether people could take one text for the other, as the nickname of somebody else: two widths, hiragana and katakana,
/// small and large kana, capitals and small letters, with and without spaces, and signs that are drawn alike (カ and 力,
/// O and 0).
///
/// Texts are brought to one form as UTS #39, 4 does: NFKC (UAX #15), then a sign in place of each that looks like it. Two of
/// them are compared: by sound, where `Ai` is `AI`, and by looks, where `Al` is `AI`. So `Ai` and `Al` are two names.
pub fn looks_alike(one: &str, other: &str) -> bool {
    let (one, other) = (common(one), common(other));
    sound(&one) == sound(&other) || looks(&one) == looks(&other)
}

/// What both comparisons have in common.
fn common(text: &str) -> String {
    let shown: Cow<'_, str> = one_line(text);
    let composed = shown.chars().filter(|c| !is_selector(*c)).nfkc();
    composed.filter(|c| !is_blank(*c)).map(like).map(large_hiragana).collect()
}

/// Forms of one kanji are one name.
fn is_selector(c: char) -> bool {
    super::hidden::is_variation_selector(c)
}

fn sound(text: &str) -> String {
    // To capitals first: ß is SS, and a final ς is Σ.
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

fn looks(text: &str) -> String {
    let same = |c: char| match c {
        'I' | '1' | '|' | 'ǀ' => 'l',
        '0' | '〇' | '○' | '◯' => 'O',
        c => c,
    };
    text.chars().map(same).collect()
}

/// The sign that stands for all that look like it.
fn like(c: char) -> char {
    LIKE.iter().find(|(alike, _)| alike.contains(c)).map_or(c, |(_, sign)| *sign)
}

/// Hiragana for katakana, and large ones for small ones: `しょうこ` is easily taken for `しようこ`.
fn large_hiragana(c: char) -> char {
    let hiragana = match c {
        // U+30A1 ァ to U+30F6 ヶ stand 0x60 above their hiragana.
        '\u{30a1}'..='\u{30f6}' => char::from_u32(u32::from(c).wrapping_sub(0x60)).unwrap_or(c),
        c => c,
    };
    match hiragana {
        'ぁ' => 'あ',
        'ぃ' => 'い',
        'ぅ' => 'う',
        'ぇ' => 'え',
        'ぉ' => 'お',
        'っ' => 'つ',
        'ゃ' => 'や',
        'ゅ' => 'ゆ',
        'ょ' => 'よ',
        'ゎ' => 'わ',
        'ゕ' => 'か',
        'ゖ' => 'け',
        c => c,
    }
}

/// Signs that are drawn alike, in NFKC. The first seven rows, Greek and Cyrillic are of confusables.txt (UTS #39,
/// Unicode 16.0); the others of Japanese are not in it and are easily mistaken at the size of a list on a phone.
const LIKE: [(&str, char); 51] = [
    ("力", 'カ'),
    ("二", 'ニ'),
    ("口囗", 'ロ'),
    ("夕", 'タ'),
    ("八", 'ハ'),
    ("工", 'エ'),
    ("卜", 'ト'),
    // The long-vowel sign, kanji one, and dashes.
    ("一—–―─━‐‑‒−-ㅡ㇐", 'ー'),
    ("亻", 'イ'),
    ("三", 'ミ'),
    ("千", 'チ'),
    ("才", 'オ'),
    ("乂", 'メ'),
    ("厶", 'ム'),
    ("又", 'ヌ'),
    ("丿", 'ノ'),
    ("彐", 'ヨ'),
    ("匕", 'ヒ'),
    // Greek and Cyrillic capitals and small letters like Latin ones.
    ("ΑА", 'A'),
    ("ΒВ", 'B'),
    ("С", 'C'),
    ("ΕЕ", 'E'),
    ("ΗН", 'H'),
    ("ΙІ", 'I'),
    ("Ј", 'J'),
    ("ΚК", 'K'),
    ("ΜМ", 'M'),
    ("Ν", 'N'),
    ("ΟО", 'O'),
    ("ΡР", 'P'),
    ("Ѕ", 'S'),
    ("ΤТ", 'T'),
    ("ΧХ", 'X'),
    ("ΥҮ", 'Y'),
    ("Ζ", 'Z'),
    ("аα", 'a'),
    ("с", 'c'),
    ("ԁ", 'd'),
    ("е", 'e'),
    ("һ", 'h'),
    ("іı", 'i'),
    ("ј", 'j'),
    ("ο", 'o'),
    ("о", 'o'),
    ("рρ", 'p'),
    ("ѕ", 's'),
    ("υ", 'u'),
    ("ν", 'v'),
    ("х", 'x'),
    ("у", 'y'),
    ("ԛ", 'q'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_are_one() {
        for (one, other) in [
            ("花子", "花 子"),
            ("花子", "花\u{200b}子"),
            ("花子", "花子\u{e0100}"),
            ("ハナコ", "ﾊﾅｺ"),
            ("ハナコ", "はなこ"),
            ("バパ", "ﾊﾞﾊﾟ"),
            ("か\u{3099}", "ガ"),
            ("しょうこ", "ショウコ"),
            ("ショウコ", "シヨウコ"),
            ("Ｈａｎａ", "hana"),
            ("Straße", "STRASSE"),
            ("カ", "力"),
            ("ニコ", "二コ"),
            ("ロコ", "口コ"),
            ("タロウ", "夕ロウ"),
            ("ハル", "八ル"),
            ("エミ", "工ミ"),
            ("トモ", "卜モ"),
            ("へいた", "ヘいた"),
            ("まー", "ま一"),
            ("まー", "ま—"),
            ("まー", "ﾏｰ"),
            ("AI", "Al"),
            ("A1", "Al"),
            ("O2", "02"),
            ("Anna", "Аnnа"),
        ] {
            assert!(looks_alike(one, other) && looks_alike(other, one), "{one} {other}");
        }
    }

    #[test]
    fn names_that_differ_are_two() {
        for (one, other) in [
            ("花子", "花江"),
            ("はる", "ばる"),
            ("はる", "はるか"),
            ("Ai", "Al"),
            ("Leo", "Lea"),
            ("太郎", "大郎"),
            ("父", "母"),
            ("花子1", "花子2"),
            ("👦", "👧"),
        ] {
            assert!(!looks_alike(one, other), "{one} {other}");
        }
    }
}
