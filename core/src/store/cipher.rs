//! Sealing of one value: AES-256-GCM under a key that only its table and epoch have, bound to the place it stands in.
//!
//! ```text
//! record = 01 | 01 (A256GCM) | u32 epoch | nonce 12 | ciphertext | tag 16
//! AAD    = lp("rec/v1") ‖ store id 16 ‖ lp(table) ‖ lp(primary key) ‖ u16 schema ‖ u64 row version ‖ u32 epoch
//! K_tab  = HKDF-SHA256(ikm = CK, salt = store id, info = lp("rec/v1") ‖ lp(table) ‖ u32 epoch)
//! ```
//!
//! lp(x) is the length of x in four bytes, big endian, and x: so no two places have the same associated data. Nonces are
//! drawn anew for each write (NIST SP 800-38D, 8.2.2): a counter would repeat after a restored backup.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::random;

/// Longest value that is sealed, in bytes before padding.
pub(super) const MAX_PLAINTEXT: usize = 1 << 20;
/// Nonce of AES-GCM, in bytes.
pub(super) const NONCE_LEN: usize = 12;
/// Tag of AES-GCM, in bytes.
pub(super) const TAG_LEN: usize = 16;
const VERSION: u8 = 1;
const A256GCM: u8 = 1;
const HEAD_LEN: usize = 6;

/// 32 secret bytes, wiped when dropped.
pub(super) type Key = Zeroizing<[u8; 32]>;

/// Which store, random.
pub(super) type StoreId = [u8; 16];

/// Where a value stands: its associated data.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) store: &'a StoreId,
    pub(super) table: &'a str,
    pub(super) key: &'a [u8],
    pub(super) schema: u16,
    pub(super) version: u64,
}

impl Place<'_> {
    fn associated_data(&self, epoch: u32) -> Vec<u8> {
        let mut data = lp(b"rec/v1");
        data.extend_from_slice(self.store);
        data.extend(lp(self.table.as_bytes()));
        data.extend(lp(self.key));
        data.extend(self.schema.to_be_bytes());
        data.extend(self.version.to_be_bytes());
        data.extend(epoch.to_be_bytes());
        data
    }
}

/// Length-prefixed. Nothing that is sealed or hashed here comes near four gigabytes.
pub(super) fn lp(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], bytes].concat()
}

/// HKDF-SHA256 (RFC 5869) to 32 bytes.
pub(super) fn derive(key: &[u8; 32], salt: &StoreId, info: &[u8]) -> Result<Key, Error> {
    let mut okm = Zeroizing::new([0; 32]);
    let hkdf = Hkdf::<Sha256>::new(Some(salt), key);
    hkdf.expand(info, &mut *okm).map_err(|_| Error::Internal { detail: "key derivation" })?;
    Ok(okm)
}

/// The subkey of `key` for a purpose, a table and an epoch.
pub(super) fn derive_for(
    key: &[u8; 32],
    store: &StoreId,
    purpose: &str,
    table: &str,
    epoch: u32,
) -> Result<Key, Error> {
    derive(key, store, &[&lp(purpose.as_bytes())[..], &lp(table.as_bytes()), &epoch.to_be_bytes()].concat())
}

/// Seals `plaintext` for its place with a fresh nonce.
pub(super) fn seal(card_key: &[u8; 32], place: Place<'_>, epoch: u32, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
    seal_with(card_key, place, epoch, &random::generate_bytes()?, plaintext)
}

fn seal_with(
    card_key: &[u8; 32],
    place: Place<'_>,
    epoch: u32,
    nonce: &[u8; NONCE_LEN],
    plaintext: &[u8],
) -> Result<Vec<u8>, Error> {
    let key = derive_for(card_key, place.store, "rec/v1", place.table, epoch)?;
    let boxed = encrypt(&key, nonce, &place.associated_data(epoch), plaintext)?;
    Ok([&[VERSION, A256GCM][..], &epoch.to_be_bytes(), &boxed].concat())
}

/// Opens what [`seal`] made for the same place, in an epoch from `epochs`. `None` for everything else, with no cause.
pub(super) fn open(
    card_key: &[u8; 32],
    place: Place<'_>,
    epochs: std::ops::RangeInclusive<u32>,
    record: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (head, boxed) = record.split_at_checked(HEAD_LEN)?;
    let [VERSION, A256GCM, epoch @ ..] = head else { return None };
    let epoch = u32::from_be_bytes(epoch.try_into().ok()?);
    let key =
        epochs.contains(&epoch).then(|| derive_for(card_key, place.store, "rec/v1", place.table, epoch).ok())??;
    decrypt(&key, &place.associated_data(epoch), boxed)
}

/// `nonce ‖ ciphertext ‖ tag`.
pub(super) fn encrypt(
    key: &Key,
    nonce: &[u8; NONCE_LEN],
    associated: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, Error> {
    let failed = |_| Error::Internal { detail: "encryption" };
    let cipher = Aes256Gcm::new_from_slice(&**key).map_err(|_| Error::Internal { detail: "encryption" })?;
    let mut text = plaintext.to_vec();
    let tag =
        cipher.encrypt_inout_detached(&(*nonce).into(), associated, text.as_mut_slice().into()).map_err(failed)?;
    Ok([&nonce[..], &text, &tag].concat())
}

/// The plaintext of `nonce ‖ ciphertext ‖ tag`, if it was made with this key and associated data.
pub(super) fn decrypt(key: &Key, associated: &[u8], boxed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = boxed.split_at_checked(NONCE_LEN)?;
    let (ciphertext, tag) = rest.split_at_checked(rest.len().checked_sub(TAG_LEN)?)?;
    let nonce: [u8; NONCE_LEN] = nonce.try_into().ok()?;
    let tag: [u8; TAG_LEN] = tag.try_into().ok()?;
    let mut text = Zeroizing::new(ciphertext.to_vec());
    let cipher = Aes256Gcm::new_from_slice(&**key).ok()?;
    cipher.decrypt_inout_detached(&nonce.into(), associated, text.as_mut_slice().into(), &tag.into()).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::vectors::Vectors;

    fn place<'a>(store: &'a StoreId, table: &'a str, key: &'a [u8], schema: u16, version: u64) -> Place<'a> {
        Place { store, table, key, schema, version }
    }

    #[test]
    fn the_record_of_the_vectors() {
        let vectors = Vectors::load();
        let (store, card_key) = (vectors.array("store_id"), vectors.array("card_key"));
        let place = place(&store, "eligibility", b"row-1", 3, 5);
        assert_eq!(
            *derive_for(&card_key, &store, "rec/v1", "eligibility", 1).expect("derives"),
            vectors.array("k_tab")
        );
        assert_eq!(place.associated_data(1), vectors.bytes("record_aad"));
        let record = vectors.bytes("record");
        let nonce: [u8; NONCE_LEN] = record[HEAD_LEN..HEAD_LEN + NONCE_LEN].try_into().expect("12 bytes");
        let plaintext = br#"{"status":"ok"}"#;
        assert_eq!(seal_with(&card_key, place, 1, &nonce, plaintext).expect("seals"), record);
        assert_eq!(open(&card_key, place, 1..=1, &record).expect("opens").as_slice(), plaintext);
    }

    #[test]
    fn a_record_opens_in_its_own_place_alone() {
        let (store, other_store) = ([1; 16], [2; 16]);
        let (card, other_card) = ([3; 32], [4; 32]);
        let places = [
            place(&store, "history", b"row-1", 1, 5),
            place(&other_store, "history", b"row-1", 1, 5),
            place(&store, "records", b"row-1", 1, 5),
            place(&store, "history", b"row-2", 1, 5),
            place(&store, "historyr", b"ow-1", 1, 5),
            place(&store, "history", b"row-1", 2, 5),
            place(&store, "history", b"row-1", 1, 6),
        ];
        for (i, sealed) in places.iter().enumerate() {
            let record = seal(&card, *sealed, 7, b"value").expect("seals");
            for (j, opened) in places.iter().enumerate() {
                assert_eq!(open(&card, *opened, 7..=7, &record).is_some(), i == j, "{i} {j}");
            }
            assert!(open(&other_card, *sealed, 7..=7, &record).is_none(), "another member's key");
            assert!(open(&card, *sealed, 8..=9, &record).is_none(), "an epoch that is over");
            let mut renamed = record.clone();
            renamed[5] = 8;
            assert!(open(&card, *sealed, 1..=9, &renamed).is_none(), "another epoch");
        }
    }

    #[test]
    fn every_bit_of_a_record_counts() {
        let store = [1; 16];
        let place = place(&store, "history", b"row-1", 1, 5);
        let record = seal(&[3; 32], place, 1, b"value").expect("seals");
        for bit in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&[3; 32], place, 0..=u32::MAX, &flipped).is_none(), "bit {bit}");
        }
        for length in 0..record.len() {
            assert!(open(&[3; 32], place, 1..=1, &record[..length]).is_none(), "length {length}");
        }
    }

    /// What a restored copy of the whole device does is the same: nothing is counted, all is drawn.
    #[test]
    fn nonces_do_not_repeat() {
        let store = [1; 16];
        let place = place(&store, "history", b"row-1", 1, 5);
        let mut seen = std::collections::HashSet::new();
        for _ in 0..20_000 {
            let record = seal(&[3; 32], place, 1, b"").expect("seals");
            assert!(seen.insert(record[HEAD_LEN..HEAD_LEN + NONCE_LEN].to_vec()));
        }
    }
}
