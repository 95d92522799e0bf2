//! The one signature that no ordinary check fits: a DigestInfo of 96 bytes.

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U64, U2048};

use crate::crypto::PublicKey;

/// Length of an RSA-2048 block.
const BLOCK: usize = 256;

/// Whether `signature`, raised to the public exponent, is `digest_info` in the padding of EMSA-PKCS1-v1_5 (RFC 8017, 9.2).
/// Only for RSA-2048 keys. All of it is public, so nothing needs constant time.
pub(super) fn recovers(key: &PublicKey, signature: &[u8; BLOCK], digest_info: &[u8]) -> bool {
    recover(key, signature).is_some_and(|block| Some(block) == padded(digest_info))
}

fn recover(key: &PublicKey, signature: &[u8; BLOCK]) -> Option<[u8; BLOCK]> {
    let (modulus, exponent) = key.rsa_numbers()?;
    let modulus = U2048::from_be_slice(modulus.first_chunk::<BLOCK>().filter(|n| n.len() == modulus.len())?);
    let exponent = exponent.iter().try_fold(0_u64, |e, byte| Some(e.checked_mul(256)? | u64::from(*byte)))?;
    let signature = U2048::from_be_slice(signature);
    if signature >= modulus {
        return None;
    }
    let params = FixedMontyParams::new_vartime(Odd::new(modulus).into_option()?);
    let power = FixedMontyForm::new(&signature, &params).pow_vartime(&U64::from_u64(exponent)).retrieve();
    power.to_be_bytes().as_ref().try_into().ok()
}

fn padded(digest_info: &[u8]) -> Option<[u8; BLOCK]> {
    let mut block = [0xFF; BLOCK];
    let start = BLOCK.checked_sub(digest_info.len())?;
    let (padding, info) = block.split_at_mut_checked(start)?;
    let [first, second, filler @ .., last] = padding else { return None };
    (*first, *second, *last) = (0x00, 0x01, 0x00);
    // At least eight bytes of filler.
    if filler.len() < 8 {
        return None;
    }
    info.copy_from_slice(digest_info);
    Some(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_padding_is_that_of_pkcs_1() {
        let block = padded(&[0x30, 0x00]).expect("short enough");
        assert_eq!((&block[..3], &block[252..]), (&[0x00, 0x01, 0xFF][..], &[0xFF, 0x00, 0x30, 0x00][..]));
        assert!(block[2..253].iter().all(|byte| *byte == 0xFF));
        assert!(padded(&[0; 245]).is_some() && padded(&[0; 246]).is_none() && padded(&[0; 257]).is_none());
    }

    #[test]
    fn a_signature_beyond_the_modulus_is_none() {
        let mut modulus = [0xFF; BLOCK];
        modulus[0] = 0x80;
        let key = PublicKey::rsa_from_numbers(&modulus, &[1, 0, 1]).expect("2048 bits");
        assert!(!recovers(&key, &[0xFF; BLOCK], &[]));
        assert_eq!(recover(&key, &[0; BLOCK]), Some([0; BLOCK]));
    }
}
