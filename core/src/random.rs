//! Randomness of the operating system, in the forms the wire wants.

use crate::error::Error;

/// `N` random bytes.
pub(crate) fn generate_bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Error::Internal { detail: "the operating system gives no randomness" })?;
    Ok(bytes)
}

/// A UUID version 4 (RFC 9562, 5.4).
pub(crate) fn generate_uuid() -> Result<String, Error> {
    let mut bits = u128::from_be_bytes(generate_bytes()?);
    bits = bits & !(0xf << 76) | (0x4 << 76); // version
    bits = bits & !(0x3 << 62) | (0x2 << 62); // variant
    let hex = format!("{bits:032x}");
    let parts = [hex.get(..8), hex.get(8..12), hex.get(12..16), hex.get(16..20), hex.get(20..)];
    Ok(parts.into_iter().flatten().collect::<Vec<_>>().join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_carry_version_and_variant_and_differ() {
        let (a, b) = (generate_uuid().expect("random"), generate_uuid().expect("random"));
        assert_ne!(a, b);
        assert_eq!(a.len(), 36);
        assert_eq!(&a[14..15], "4");
        assert!(matches!(&a[19..20], "8" | "9" | "a" | "b"));
    }
}
