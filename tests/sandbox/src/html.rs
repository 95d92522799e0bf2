//! The little that the HTML pages share: escaping, and the headers that keep a page to itself.

use crate::http::Answer;

/// Text as it may stand in HTML, inside double quotes too.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// An answer with a page that loads nothing, is framed by nobody and tells nobody where it was.
pub(crate) fn page(status: u16, html: String, policy: &str, outcome: &'static str) -> Answer {
    Answer::empty(status, outcome)
        .with_body("text/html; charset=utf-8", html)
        .with_header("content-security-policy", policy)
        .with_header("x-content-type-options", "nosniff")
        .with_header("referrer-policy", "no-referrer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_with_a_meaning_in_html_is_escaped() {
        assert_eq!(escape("<a b=\"c\" d='&'>見本"), "&lt;a b=&quot;c&quot; d=&#39;&amp;&#39;&gt;見本");
    }
}
