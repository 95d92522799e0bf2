//! The key derivation of ECDH-ES (RFC 7518, 4.6.2; NIST SP 800-56A, 5.8.1) for keys of up to one hash.

use zeroize::Zeroizing;

use crate::crypto::sha256_of;

/// Derives `bits` bits, 256 at most, from the shared secret `z`; what is beyond them is to be cut off.
///
/// ```text
/// SHA-256( u32 1 ‖ Z ‖ len ‖ AlgorithmID ‖ len ‖ PartyUInfo ‖ len ‖ PartyVInfo ‖ u32 bits )
/// ```
///
/// In direct key agreement the AlgorithmID is the name of the content encryption (RFC 7518, 4.6.2).
pub(crate) fn derive(z: &[u8], algorithm: &str, parties: (&[u8], &[u8]), bits: u32) -> Option<Zeroizing<[u8; 32]>> {
    let [algorithm, party_u, party_v] = [algorithm.as_bytes(), parties.0, parties.1];
    let [algorithm_len, party_u_len, party_v_len] = [length(algorithm)?, length(party_u)?, length(party_v)?];
    let (round, bits) = (1_u32.to_be_bytes(), bits.to_be_bytes());
    let parts: [&[u8]; 9] = [&round, z, &algorithm_len, algorithm, &party_u_len, party_u, &party_v_len, party_v, &bits];
    Some(Zeroizing::new(sha256_of(parts)))
}

fn length(bytes: &[u8]) -> Option<[u8; 4]> {
    u32::try_from(bytes.len()).ok().map(u32::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base64url;

    #[test]
    fn the_keys_of_rfc_7518_appendix_c() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/vectors/jose.json")).expect("JSON");
        let text = |name: &str| vectors["V12"][name].as_str().expect("text").to_owned();
        let z: Vec<u8> = text("z")
            .as_bytes()
            .chunks(2)
            .map(|h| u8::from_str_radix(str::from_utf8(h).unwrap(), 16).unwrap())
            .collect();
        let key = |algorithm: &str, bits| derive(&z, algorithm, (b"Alice", b"Bob"), bits).expect("derives");
        assert_eq!(base64url::encode(&key("A128GCM", 128)[..16]), text("a128gcm"));
        assert_eq!(base64url::encode(&*key("A256GCM", 256)), text("a256gcm"));
    }
}
