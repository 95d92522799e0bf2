//! The few DER forms a certificate needs (ITU-T X.690).

use der::{
    Encode,
    asn1::{GeneralizedTime, ObjectIdentifier, UtcTime},
};
use std::time::Duration;

/// Universal tags, and the context-specific ones X.509 uses.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const UTF8_STRING: u8 = 0x0C;
    pub(crate) const PRINTABLE_STRING: u8 = 0x13;
    pub(crate) const IA5_STRING: u8 = 0x16;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;

    /// `[n]` with a primitive value.
    pub(crate) const fn context(n: u8) -> u8 {
        0x80 | n
    }

    /// `[n]` with a constructed value.
    pub(crate) const fn context_constructed(n: u8) -> u8 {
        0xA0 | n
    }
}

/// One element: tag, shortest length, value.
pub(crate) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match value.len() {
        length @ ..0x80 => out.push(length as u8),
        length => {
            let bytes = length.to_be_bytes();
            let significant = &bytes[length.leading_zeros() as usize / 8..];
            out.push(0x80 | significant.len() as u8);
            out.extend_from_slice(significant);
        }
    }
    out.extend_from_slice(value);
    out
}

/// SEQUENCE of already encoded parts.
pub(crate) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(tag::SEQUENCE, &parts.concat())
}

/// OBJECT IDENTIFIER from its dotted form.
pub(crate) fn oid(dotted: &str) -> Vec<u8> {
    ObjectIdentifier::new(dotted)
        .and_then(|oid| oid.to_der().map_err(|_| der::oid::Error::Length))
        .expect("a literal OID")
}

/// UTF8String.
pub(crate) fn utf8(text: &str) -> Vec<u8> {
    tlv(tag::UTF8_STRING, text.as_bytes())
}

/// BIT STRING without unused bits.
pub(crate) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(tag::BIT_STRING, &[&[0], bytes].concat())
}

/// UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280, 4.1.2.5).
pub(crate) fn time(unix_seconds: u64) -> Option<Vec<u8>> {
    let duration = Duration::from_secs(unix_seconds);
    let utc = UtcTime::from_unix_duration(duration).and_then(|time| time.to_der());
    utc.or_else(|_| GeneralizedTime::from_unix_duration(duration).and_then(|time| time.to_der())).ok()
}

/// A relative name: SET of one attribute with a string of the given tag.
pub(crate) fn attribute(dotted: &str, string_tag: u8, text: &str) -> Vec<u8> {
    tlv(tag::SET, &sequence(&[oid(dotted), tlv(string_tag, text.as_bytes())]))
}

/// A Name: C=JP, then the given attributes as UTF8String.
pub(crate) fn name(attributes: &[(&str, &str)]) -> Vec<u8> {
    let mut parts = vec![attribute(COUNTRY, tag::PRINTABLE_STRING, "JP")];
    parts.extend(attributes.iter().map(|(dotted, text)| attribute(dotted, tag::UTF8_STRING, text)));
    sequence(&parts)
}

/// GeneralName of the directoryName kind: `[4]` explicit.
pub(crate) fn directory_name(name: &[u8]) -> Vec<u8> {
    tlv(tag::context_constructed(4), name)
}

/// One Extension of a certificate (RFC 5280, 4.1.2.9).
pub(crate) fn extension(dotted: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let mut parts = vec![oid(dotted)];
    if critical {
        parts.push(tlv(tag::BOOLEAN, &[0xFF]));
    }
    parts.push(tlv(tag::OCTET_STRING, value));
    sequence(&parts)
}

const COUNTRY: &str = "2.5.4.6";
/// L=
pub(crate) const LOCALITY: &str = "2.5.4.7";
/// O=
pub(crate) const ORGANIZATION: &str = "2.5.4.10";
/// OU=
pub(crate) const UNIT: &str = "2.5.4.11";
/// CN=
pub(crate) const COMMON_NAME: &str = "2.5.4.3";
