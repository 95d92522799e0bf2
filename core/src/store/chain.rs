//! The hash chain of the log and its signed checkpoints.
//!
//! ```text
//! h0 = SHA-256(lp("log/v1/genesis") ‖ log id)
//! hn = SHA-256(lp("log/v1/entry") ‖ u64 n ‖ h(n-1) ‖ lp(body))
//! checkpoint = lp("log/v1/checkpoint") ‖ log id ‖ u64 n ‖ hn ‖ u64 unix ms ‖ SHA-256(previous checkpoint)
//!            | ECDSA P-256 with SHA-256 over that, r ‖ s
//! ```
//!
//! The hash of the previous checkpoint is taken with its signature, and is 32 zeros for the first.

use super::cipher::lp;
use crate::crypto::{Curve, EcdsaSignature, PublicKey, SignatureVerifier, sha256, sha256_of};
use crate::error::Error;
use crate::jose::dpop::DeviceKey;
use crate::time::UnixMillis;

/// Which log, random.
pub(super) type LogId = [u8; 16];
/// A link of the chain.
pub(super) type Link = [u8; 32];

const SIGNATURE_LEN: usize = 64;

/// The link before the first entry.
pub(super) fn genesis(log: &LogId) -> Link {
    sha256_of([&lp(b"log/v1/genesis")[..], log])
}

/// The link of entry `n`, counted from 1.
pub(super) fn link(n: u64, previous: &Link, body: &[u8]) -> Link {
    sha256_of([&lp(b"log/v1/entry")[..], &n.to_be_bytes(), previous, &lp(body)])
}

/// A signed statement that the log had `entries` entries and ended in a certain link.
///
/// Kept outside the store (a server, the key store, another device) it is the anchor by which [`Store::open`] notices that
/// the whole store was put back to an older state.
///
/// [`Store::open`]: super::Store::open
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    pub(super) log: LogId,
    pub(super) entries: u64,
    pub(super) link: Link,
    pub(super) at: UnixMillis,
    pub(super) previous: [u8; 32],
    signature: Vec<u8>,
}

impl Checkpoint {
    /// Length of [`Checkpoint::to_bytes`].
    pub const LEN: usize = 21 + 16 + 8 + 32 + 8 + 32 + SIGNATURE_LEN;

    /// Has the device's log key sign.
    pub(super) fn sign(
        key: &dyn DeviceKey,
        log: LogId,
        entries: u64,
        link: Link,
        at: UnixMillis,
        previous: [u8; 32],
    ) -> Result<Self, Error> {
        let mut checkpoint = Self { log, entries, link, at, previous, signature: Vec::new() };
        let der = key.sign_sha256(&checkpoint.message())?;
        let signature = EcdsaSignature::from_der(Curve::P256, &der)
            .ok_or(Error::DeviceKey { detail: "no DER signature on P-256".to_owned() })?;
        checkpoint.signature = signature.as_fixed().to_vec();
        Ok(checkpoint)
    }

    fn message(&self) -> Vec<u8> {
        let mut message = lp(b"log/v1/checkpoint");
        message.extend(self.log);
        message.extend(self.entries.to_be_bytes());
        message.extend(self.link);
        message.extend(self.at.0.to_be_bytes());
        message.extend(self.previous);
        message
    }

    /// Whether the log key signed it.
    pub(super) fn verifies(&self, key: &PublicKey, verifier: SignatureVerifier) -> bool {
        verifier.verify_jose(key, &self.message(), &self.signature)
    }

    /// What the next checkpoint names.
    pub(super) fn hash(&self) -> [u8; 32] {
        sha256(&self.to_bytes())
    }

    /// Entries of the log when it was made. A later checkpoint never has fewer.
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// When it was made.
    pub const fn at(&self) -> UnixMillis {
        self.at
    }

    /// The signed bytes with the signature: [`Checkpoint::LEN`] bytes, nothing personal or secret.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.message(), self.signature.clone()].concat()
    }

    /// Reads [`Checkpoint::to_bytes`]; whether it is genuine shows when a store is opened with it.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(lp(b"log/v1/checkpoint").as_slice())?;
        let (log, rest) = rest.split_first_chunk()?;
        let (entries, rest) = rest.split_first_chunk()?;
        let (link, rest) = rest.split_first_chunk()?;
        let (at, rest) = rest.split_first_chunk()?;
        let (previous, signature) = rest.split_first_chunk()?;
        (signature.len() == SIGNATURE_LEN).then(|| Self {
            log: *log,
            entries: u64::from_be_bytes(*entries),
            link: *link,
            at: UnixMillis(i64::from_be_bytes(*at)),
            previous: *previous,
            signature: signature.to_vec(),
        })
    }
}

#[cfg(all(test, feature = "software-key", feature = "ring"))]
mod tests {
    use super::*;
    use crate::jose::dpop::{SoftwareDeviceKey, public_key};
    use crate::store::vectors::Vectors;

    #[test]
    fn the_chain_and_checkpoint_of_the_vectors() {
        let vectors = Vectors::load();
        let log = vectors.array("log_id");
        let mut last = genesis(&log);
        assert_eq!(last, vectors.array("h0"));
        for (n, body) in [(1, "open"), (2, "card-read"), (3, "erase")] {
            last = link(n, &last, body.as_bytes());
            assert_eq!(last, vectors.array(&format!("h{n}")));
        }
        let key = SoftwareDeviceKey::from_bytes(&vectors.bytes("log_key")).expect("a scalar");
        let at = UnixMillis(1_760_000_000_000);
        let checkpoint = Checkpoint::sign(&key, log, 3, last, at, [0; 32]).expect("signs");
        assert_eq!(checkpoint.signature, vectors.bytes("checkpoint_signature"), "RFC 6979: no randomness");
        let bytes = checkpoint.to_bytes();
        assert_eq!(bytes.len(), Checkpoint::LEN);
        assert_eq!(Checkpoint::from_bytes(&bytes), Some(checkpoint));
        let public = public_key(&key).expect("a point");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let read = Checkpoint::from_bytes(&flipped);
            assert!(read.is_none_or(|read| !read.verifies(&public, SignatureVerifier::ring())), "bit {bit}");
        }
    }
}
