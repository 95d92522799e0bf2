//! `application/x-www-form-urlencoded` bodies (WHATWG URL, 5.1), each name at most once (RFC 6749, 3.2).

use std::collections::BTreeMap;

/// The parameters of a form, decoded.
#[derive(Debug, Default)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads a form; `None` when a name repeats, an escape is broken or the text is not UTF-8.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let mut parameters = BTreeMap::new();
        for (name, value) in pairs(body)? {
            if parameters.insert(name, value).is_some() {
                return None;
            }
        }
        Some(Self(parameters))
    }

    /// The value of a parameter; an empty one counts as absent (RFC 6749, 3.1).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// The names and values of a form or query in their order, where names may repeat (FHIR R4, 3.1.1.3).
pub(crate) fn pairs(body: &[u8]) -> Option<Vec<(String, String)>> {
    body.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = at.map_or((pair, &[][..]), |at| (&pair[..at], &pair[at + 1..]));
            Some((decode(name)?, decode(value)?))
        })
        .collect()
}

/// A value as it may stand in a query: everything but the unreserved characters escaped (RFC 3986, 2.3).
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

fn decode(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(*rest.next()?)? << 4 | hex(*rest.next()?)?,
            other => *other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded() {
        let form = Form::parse(b"grant_type=a%3Ab+c&empty=&flag").unwrap();
        assert_eq!((form.get("grant_type"), form.get("empty"), form.get("flag")), (Some("a:b c"), None, None));
    }

    #[test]
    fn encoded_text_is_read_back() {
        let text = "a b&c=d%+~見\r\n";
        let form = Form::parse(format!("a={}", encode(text)).as_bytes()).unwrap();
        assert_eq!(form.get("a"), Some(text));
    }

    #[test]
    fn repeated_names_and_broken_escapes_are_refused() {
        for body in [&b"a=1&a=2"[..], b"a=%4", b"a=%zz", b"a=%ff"] {
            assert!(Form::parse(body).is_none());
        }
    }
}
