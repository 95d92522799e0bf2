//! Signature checks: real ones, and one that believes everything so that the fuzzer gets past them.

use kazasu::crypto::SignatureVerifier;
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};

/// Believes every signature of its algorithm.
#[derive(Debug)]
struct Believing {
    key: AlgorithmIdentifier,
    signature: AlgorithmIdentifier,
}

impl SignatureVerificationAlgorithm for Believing {
    fn verify_signature(&self, _key: &[u8], _message: &[u8], _signature: &[u8]) -> Result<(), InvalidSignature> {
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}

/// A verifier that believes every signature.
pub fn believing() -> SignatureVerifier {
    static RSA: Believing = Believing { key: alg_id::RSA_ENCRYPTION, signature: alg_id::RSA_PKCS1_SHA256 };
    static P256: Believing = Believing { key: alg_id::ECDSA_P256, signature: alg_id::ECDSA_SHA256 };
    static P384: Believing = Believing { key: alg_id::ECDSA_P384, signature: alg_id::ECDSA_SHA384 };
    static ALL: [&dyn SignatureVerificationAlgorithm; 3] = [&RSA, &P256, &P384];
    SignatureVerifier::new(&ALL)
}
