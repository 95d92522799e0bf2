//! ECDSA signatures: DER and `r ‖ s` are two forms of one value.

#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use kazasu::crypto::{Curve, EcdsaSignature};
use proptest::prelude::*;

/// `r ‖ s` with leading zeros more often than chance gives them.
fn fixed(half: usize) -> impl Strategy<Value = Vec<u8>> {
    let number = move || {
        (0..half, proptest::collection::vec(any::<u8>(), half)).prop_map(move |(zeros, mut bytes)| {
            bytes[..zeros.min(half - 1)].fill(0);
            bytes[0] &= 0x7f; // below the order of either curve
            bytes[half - 1] |= 1;
            bytes
        })
    };
    (number(), number()).prop_map(|(r, s)| [r, s].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn p256_signatures_survive_the_way_to_der_and_back(bytes in fixed(32)) {
        let signature = EcdsaSignature::from_fixed(Curve::P256, &bytes).expect("in range");
        let der = signature.to_der().expect("encodes");
        prop_assert_eq!(EcdsaSignature::from_der(Curve::P256, &der), Some(signature));
    }

    #[test]
    fn p384_signatures_survive_the_way_to_der_and_back(bytes in fixed(48)) {
        let signature = EcdsaSignature::from_fixed(Curve::P384, &bytes).expect("in range");
        let der = signature.to_der().expect("encodes");
        prop_assert_eq!(EcdsaSignature::from_der(Curve::P384, &der), Some(signature));
    }

    #[test]
    fn no_bytes_make_the_der_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
        let _ = EcdsaSignature::from_der(Curve::P256, &bytes);
        let _ = EcdsaSignature::from_der(Curve::P384, &bytes);
    }
}
