//! base64url without padding (RFC 4648, 5), the only alphabet of JOSE.

use base64ct::{Base64UrlUnpadded, Encoding};

/// Encodes without padding.
pub fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// Decodes; `None` for padding, other characters or stray bits.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(text).ok()
}
