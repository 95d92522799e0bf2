//! Which characters are not seen.

/// Ranges of characters that have a meaning for layout only, or none: general category Cf, Default_Ignorable_Code_Point
/// (DerivedCoreProperties.txt; UAX #44, 5.7) and the noncharacters of the basic plane. Of Unicode 16.0, in order.
///
/// Variation selectors are among them: see [`takes_selector`].
pub(super) const HIDDEN: [(char, char); 29] = [
    ('\u{ad}', '\u{ad}'),       // soft hyphen
    ('\u{34f}', '\u{34f}'),     // combining grapheme joiner
    ('\u{600}', '\u{605}'),     // Arabic number signs
    ('\u{61c}', '\u{61c}'),     // Arabic letter mark
    ('\u{6dd}', '\u{6dd}'),     // Arabic end of ayah
    ('\u{70f}', '\u{70f}'),     // Syriac abbreviation mark
    ('\u{890}', '\u{891}'),     // Arabic currency marks
    ('\u{8e2}', '\u{8e2}'),     // Arabic disputed end of ayah
    ('\u{115f}', '\u{1160}'),   // Hangul fillers
    ('\u{17b4}', '\u{17b5}'),   // Khmer inherent vowels
    ('\u{180b}', '\u{180f}'),   // Mongolian variation selectors, vowel separator
    ('\u{200b}', '\u{200f}'),   // zero width, direction
    ('\u{202a}', '\u{202e}'),   // direction
    ('\u{2060}', '\u{206f}'),   // joiner, invisible operators, direction, deprecated
    ('\u{3164}', '\u{3164}'),   // Hangul filler
    ('\u{fdd0}', '\u{fdef}'),   // noncharacters
    ('\u{fe00}', '\u{fe0f}'),   // variation selectors
    ('\u{feff}', '\u{feff}'),   // byte-order mark
    ('\u{ffa0}', '\u{ffa0}'),   // half-width Hangul filler
    ('\u{fff0}', '\u{fffb}'),   // not assigned; interlinear annotation
    ('\u{fffe}', '\u{ffff}'),   // noncharacters
    ('\u{110bd}', '\u{110bd}'), // Kaithi number sign
    ('\u{110cd}', '\u{110cd}'), // Kaithi number sign above
    ('\u{13430}', '\u{1343f}'), // Egyptian format controls
    ('\u{1bca0}', '\u{1bca3}'), // shorthand format controls
    ('\u{1d173}', '\u{1d17a}'), // musical beams and slurs
    ('\u{e0000}', '\u{e00ff}'), // tags
    ('\u{e0100}', '\u{e01ef}'), // variation selectors supplement
    ('\u{e01f0}', '\u{e0fff}'), // not assigned
];

/// Whether a character is not seen; controls and spaces are not asked for here.
pub(super) fn is_hidden(c: char) -> bool {
    // The last two of every plane are noncharacters.
    if u32::from(c) & 0xfffe == 0xfffe {
        return true;
    }
    let after = HIDDEN.partition_point(|(first, _)| *first <= c);
    after.checked_sub(1).and_then(|at| HIDDEN.get(at)).is_some_and(|(_, last)| c <= *last)
}

/// Whether this selects among the forms of the character before it.
pub(super) const fn is_variation_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Whether `selector` chooses a form of this kanji: one of the collections of the Ideographic Variation Database (UTS #37),
/// or a standardized sequence for a compatibility ideograph (StandardizedVariants.txt: VS1 to VS3).
pub(super) const fn takes_selector(kanji: char, selector: char) -> bool {
    let is_kanji = matches!(
        kanji,
        '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3fffd}'
    );
    is_kanji && matches!(selector, '\u{fe00}'..='\u{fe02}' | '\u{e0100}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_are_in_order() {
        assert!(HIDDEN.windows(2).all(|pair| pair[0].1 < pair[1].0));
        assert!(HIDDEN.iter().all(|(first, last)| first <= last && is_hidden(*first) && is_hidden(*last)));
        assert!(!"aが見\u{301}\u{3163}\u{206}\u{1fff}".chars().any(is_hidden));
    }
}
