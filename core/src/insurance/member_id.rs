//! How 記号・番号 are compared, and the one text in which they stand together (JP Core, `JP_Insurance_memberID`).

use unicode_normalization::UnicodeNormalization;

/// Why parts do not make a memberID.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MemberIdError {
    /// 保険者番号 is not 6 or 8 digits.
    #[error("the insurer number is not 6 or 8 digits")]
    Insurer,
    /// 枝番 is not one or two digits.
    #[error("the branch number is not one or two digits")]
    Branch,
}

/// A text as it is compared: NFKC, so that width does not matter and kana are full width, without spaces, and every
/// hyphen, dash and prolonged sound mark as `-`. Capitals stay. For display the original is kept.
pub fn normalized_for_comparison(text: &str) -> String {
    // Twice, as what stood on both sides of a space may combine.
    let folded = text.nfkc().filter(|c| !c.is_whitespace()).nfkc();
    folded.map(|c| if matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}' | 'ー') { '-' } else { c }).collect()
}

/// `insurer:symbol:number:branch` with the insurer's number filled up to eight digits; a part that is missing is empty.
///
/// 記号 and 番号 are either all half-width letters and digits or, where anything else stands in them, all full width;
/// spaces are dropped. 枝番 becomes two half-width digits.
///
/// # Errors
/// [`MemberIdError`] for an insurer's number or 枝番 of another form.
pub fn member_id(insurer: &str, symbol: &str, number: &str, branch: &str) -> Result<String, MemberIdError> {
    let insurer = normalized_for_comparison(insurer);
    if !matches!(insurer.len(), 6 | 8) || !is_digits(&insurer) {
        return Err(MemberIdError::Insurer);
    }
    let branch = normalized_for_comparison(branch);
    if branch.len() > 2 || !is_digits(&branch) {
        return Err(MemberIdError::Branch);
    }
    let branch = if branch.is_empty() { branch } else { format!("{branch:0>2}") };
    Ok(format!("{insurer:0>8}:{}:{}:{branch}", one_width(symbol), one_width(number)))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn one_width(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return text;
    }
    // By way of NFKC half-width kana and their voice marks become one full-width character.
    let wide = |c: char| match c {
        '!'..='~' => u32::from(c).checked_add(0xfee0).and_then(char::from_u32).unwrap_or(c),
        // Whoever types it beside digits means a hyphen.
        '\u{2010}' | '\u{2011}' | '\u{2212}' => '－',
        c => c,
    };
    text.nfkc().filter(|c| !c.is_whitespace()).map(wide).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn width_spaces_and_hyphens_do_not_matter() {
        let plain = normalized_for_comparison("13-01ガA");
        for same in ["１３－０１ガＡ", "13‐01 ｶﾞA", "１３−０１　ガA", "13ー01ガA", "13–01ガA", "13‑01ガＡ"]
        {
            assert_eq!(normalized_for_comparison(same), plain, "{same}");
        }
        assert_eq!(normalized_for_comparison("E¨"), "Ë", "what a space had kept apart");
        assert_ne!(normalized_for_comparison("13-01ガa"), plain, "capitals are not folded");
    }

    #[test]
    fn parts_are_of_one_width_and_hold_no_colon() {
        let id = |symbol, number, branch| member_id("06139992", symbol, number, branch);
        assert_eq!(id("AB12", "34", "").as_deref(), Ok("06139992:AB12:34:"));
        assert_eq!(id("ｶﾞ1", "3 4", "１").as_deref(), Ok("06139992:ガ１:34:01"));
        assert_eq!(id("1:2", "", "").as_deref(), Ok("06139992:１：２::"));
        assert_eq!(id("", "", "123"), Err(MemberIdError::Branch));
        assert_eq!(id("", "", "a"), Err(MemberIdError::Branch));
        assert_eq!(member_id("613999", "", "", "").as_deref(), Ok("00613999:::"));
        assert_eq!(member_id("1234567", "", "", ""), Err(MemberIdError::Insurer));
    }

    proptest! {
        #[test]
        fn there_are_always_four_parts(symbol in ".*", number in ".*") {
            let id = member_id("138016", &symbol, &number, "").expect("the numbers are fine");
            prop_assert_eq!(id.matches(':').count(), 3);
            let twice = normalized_for_comparison(&normalized_for_comparison(&symbol));
            prop_assert_eq!(twice, normalized_for_comparison(&symbol));
        }
    }
}
