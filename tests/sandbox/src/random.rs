//! Everything drawn at random: nonces, tokens and codes that people read aloud.

use base64ct::{Base64UrlUnpadded, Encoding};

/// 256 random bits as 43 characters of base64url.
pub(crate) fn token() -> String {
    Base64UrlUnpadded::encode_string(&bytes::<32>())
}

/// A proof code such as `K7Q2-9M4D-13XA`: twelve characters that are hard to confuse.
pub(crate) fn proof_code() -> String {
    let characters: Vec<char> =
        bytes::<12>().iter().map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect();
    characters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// A receipt number such as `4821-0420-7781`.
pub(crate) fn receipt() -> String {
    let digits: Vec<char> = bytes::<12>().iter().map(|byte| char::from(b'0' + byte % 10)).collect();
    digits.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// Random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut buffer = [0; N];
    getrandom::fill(&mut buffer).expect("the operating system provides random bytes");
    buffer
}

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
