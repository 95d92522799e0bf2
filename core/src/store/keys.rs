//! The ring of keys in memory: the master key of this epoch, and the key of each holder, wrapped by it on the disk.
//!
//! ```text
//! row of `keys` = u32 epoch it was wrapped in | u32 epoch it was born in | nonce 12 | wrapped CK 32 | tag 16
//! AAD           = lp("ck/v1") ‖ store id ‖ lp(holder) ‖ u32 epoch
//! K_wrap        = HKDF-SHA256(DMK, salt = store id, info = lp("wrap/v1") ‖ u32 epoch)
//! ```
//!
//! Card keys are random and not derived, so that deleting one erases what it sealed.

use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::cipher::{Key, StoreId, decrypt, derive, derive_for, encrypt, lp};
use super::schema::Table;
use crate::error::{Error, StoreFault};
use crate::random;

/// A member of the family in this store: random, and of no meaning elsewhere.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MemberId(pub(super) [u8; 16]);

impl MemberId {
    /// Draws one.
    pub(super) fn generate() -> Result<Self, Error> {
        random::generate_bytes().map(Self)
    }

    /// Reads the 32 hexadecimal digits that `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let all_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        all_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten().map(|bits| Self(bits.to_be_bytes()))
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemberId({self})")
    }
}

/// Whose key a row is sealed with.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Holder {
    /// What belongs to the installation.
    Device,
    /// What belongs to one member.
    Member(MemberId),
}

impl Holder {
    /// Key of the holder's row, and beginning of the keys of its other rows.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Device => b"device",
            Self::Member(MemberId(bytes)) => bytes,
        }
    }

    /// The holder of a row of `keys`.
    fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes == b"device" { Some(Self::Device) } else { bytes.try_into().ok().map(|id| Self::Member(MemberId(id))) }
    }
}

/// The random key of one holder.
pub(super) struct CardKey {
    pub(super) key: Key,
    /// The oldest epoch in which something can be sealed with it.
    pub(super) born: u32,
}

/// Every key of the open store.
pub(super) struct KeyRing {
    pub(super) store: StoreId,
    pub(super) epoch: u32,
    master: Key,
    holders: BTreeMap<Holder, CardKey>,
}

impl KeyRing {
    /// A ring with a key for the device alone.
    pub(super) fn generate(store: StoreId) -> Result<Self, Error> {
        let mut ring = Self::new(store, 1, Key::new(random::generate_bytes()?));
        ring.add(Holder::Device)?;
        Ok(ring)
    }

    /// An empty ring under a master key.
    pub(super) fn new(store: StoreId, epoch: u32, master: Key) -> Self {
        Self { store, epoch, master, holders: BTreeMap::new() }
    }

    /// The same keys under a new master key.
    pub(super) fn next(&self) -> Result<Self, Error> {
        let epoch = self.epoch.checked_add(1).ok_or(Error::Internal { detail: "epochs of the store are used up" })?;
        let mut ring = Self::new(self.store, epoch, Key::new(random::generate_bytes()?));
        for (holder, card) in &self.holders {
            ring.holders.insert(*holder, CardKey { key: card.key.clone(), born: card.born });
        }
        Ok(ring)
    }

    /// The master key, for the key store to wrap.
    pub(super) const fn master(&self) -> &Key {
        &self.master
    }

    /// Draws a key for a holder, in place of one it has.
    pub(super) fn add(&mut self, holder: Holder) -> Result<(), Error> {
        let key = Key::new(random::generate_bytes()?);
        self.holders.insert(holder, CardKey { key, born: self.epoch });
        Ok(())
    }

    /// Forgets a holder's key.
    pub(super) fn remove(&mut self, holder: Holder) {
        self.holders.remove(&holder);
    }

    /// The members with a key.
    pub(super) fn members(&self) -> impl Iterator<Item = MemberId> {
        self.holders.keys().filter_map(|holder| match holder {
            Holder::Device => None,
            Holder::Member(id) => Some(*id),
        })
    }

    /// Every holder with a key.
    pub(super) fn holders(&self) -> impl Iterator<Item = Holder> {
        self.holders.keys().copied()
    }

    /// The key of a holder.
    ///
    /// # Errors
    /// [`Error::Usage`] for a member who is not registered.
    pub(super) fn card_key(&self, holder: Holder) -> Result<&CardKey, Error> {
        self.holders.get(&holder).ok_or_else(|| Error::usage("no such member in this store"))
    }

    /// HMAC-SHA256 of `value` under a subkey of the holder for a purpose and a table.
    fn mac(&self, holder: Holder, purpose: &str, table: &str, value: &[u8]) -> Result<[u8; 32], Error> {
        let card = self.card_key(holder)?;
        let key = derive_for(&card.key, &self.store, purpose, table, card.born)?;
        let mac = Hmac::<Sha256>::new_from_slice(&*key).map_err(|_| Error::Internal { detail: "key derivation" })?;
        Ok(mac.chain_update(value).finalize().into_bytes().into())
    }

    /// Blind index of a value: equal values of one holder and table are found by it, and nothing else is told.
    pub(super) fn blind(&self, holder: Holder, table: Table, value: &[u8]) -> Result<[u8; 16], Error> {
        Ok(first_half(self.mac(holder, "idx/v1", table.name(), value)?))
    }

    /// What the log calls a member. Without the member's key nobody can tell whose it is.
    pub(super) fn pseudonym(&self, member: MemberId) -> Result<[u8; 16], Error> {
        Ok(first_half(self.mac(Holder::Member(member), "log/v1", Table::Log.name(), &member.0)?))
    }

    /// Key of the digests in the state.
    pub(super) fn digest_key(&self) -> Result<Key, Error> {
        let card = self.card_key(Holder::Device)?;
        derive_for(&card.key, &self.store, "sum/v1", Table::Meta.name(), card.born)
    }

    /// The holder's row of `keys`.
    pub(super) fn wrap(&self, holder: Holder) -> Result<Vec<u8>, Error> {
        let card = self.card_key(holder)?;
        let boxed = wrap(&self.master, &self.store, holder.bytes(), self.epoch, &random::generate_bytes()?, &card.key)?;
        Ok([&self.epoch.to_be_bytes()[..], &card.born.to_be_bytes(), &boxed].concat())
    }

    /// Takes a row of `keys`.
    pub(super) fn unwrap(&mut self, holder: &[u8], row: &[u8]) -> Result<(), Error> {
        let damaged = Error::Store(StoreFault::Damaged { what: "keys" });
        let (Some(holder), Some((epoch, rest))) = (Holder::parse(holder), row.split_first_chunk::<4>()) else {
            return Err(damaged);
        };
        let Some((born, boxed)) = rest.split_first_chunk::<4>() else { return Err(damaged) };
        let (epoch, born) = (u32::from_be_bytes(*epoch), u32::from_be_bytes(*born));
        if epoch != self.epoch || born > epoch {
            return Err(damaged);
        }
        let key = unwrap(&self.master, &self.store, holder.bytes(), epoch, boxed).ok_or(damaged)?;
        self.holders.insert(holder, CardKey { key, born });
        Ok(())
    }
}

/// Key of a named row of a holder.
pub(super) fn row_key(holder: Holder, name: &[u8]) -> Vec<u8> {
    [holder.bytes(), name].concat()
}

fn first_half(mac: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
    half
}

fn wrap_parts(master: &Key, store: &StoreId, holder: &[u8], epoch: u32) -> Result<(Key, Vec<u8>), Error> {
    let key = derive(master, store, &[&lp(b"wrap/v1")[..], &epoch.to_be_bytes()].concat())?;
    Ok((key, [&lp(b"ck/v1")[..], store, &lp(holder), &epoch.to_be_bytes()].concat()))
}

fn wrap(
    master: &Key,
    store: &StoreId,
    holder: &[u8],
    epoch: u32,
    nonce: &[u8; 12],
    card_key: &Key,
) -> Result<Vec<u8>, Error> {
    let (key, associated) = wrap_parts(master, store, holder, epoch)?;
    encrypt(&key, nonce, &associated, &**card_key)
}

fn unwrap(master: &Key, store: &StoreId, holder: &[u8], epoch: u32, boxed: &[u8]) -> Option<Key> {
    let (key, associated) = wrap_parts(master, store, holder, epoch).ok()?;
    let plain: Zeroizing<Vec<u8>> = decrypt(&key, &associated, boxed)?;
    plain.as_slice().try_into().ok().map(Key::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::vectors::Vectors;

    #[test]
    fn the_wrapped_key_of_the_vectors() {
        let vectors = Vectors::load();
        let (store, master) = (vectors.array("store_id"), Key::new(vectors.array("master_key")));
        let (key, associated) = wrap_parts(&master, &store, b"card-7", 1).expect("derives");
        assert_eq!(*key, vectors.array("k_wrap"));
        assert_eq!(associated, vectors.bytes("wrap_aad"));
        let wrapped = vectors.bytes("wrapped");
        let nonce = wrapped[..12].try_into().expect("12 bytes");
        let card_key = Key::new(vectors.array("card_key"));
        assert_eq!(wrap(&master, &store, b"card-7", 1, &nonce, &card_key).expect("wraps"), wrapped);
        assert_eq!(unwrap(&master, &store, b"card-7", 1, &wrapped), Some(card_key));
        for (holder, epoch) in [(&b"card-8"[..], 1), (b"card-7", 2)] {
            assert_eq!(unwrap(&master, &store, holder, epoch, &wrapped), None, "{holder:?} {epoch}");
        }
    }

    #[test]
    fn pseudonyms_and_indexes_tell_members_apart_and_nothing_else() {
        let mut ring = KeyRing::generate([1; 16]).expect("random");
        let (a, b) = (MemberId([1; 16]), MemberId([2; 16]));
        ring.add(Holder::Member(a)).expect("random");
        ring.add(Holder::Member(b)).expect("random");
        assert_eq!(ring.pseudonym(a).expect("a member"), ring.pseudonym(a).expect("a member"));
        assert_ne!(ring.pseudonym(a).expect("a member"), ring.pseudonym(b).expect("a member"));
        let blind = |member, table, value: &[u8]| ring.blind(Holder::Member(member), table, value).expect("a member");
        let one = blind(a, Table::Records, b"id");
        assert_ne!(one, blind(b, Table::Records, b"id"));
        assert_ne!(one, blind(a, Table::Payments, b"id"));
        assert_ne!(one, blind(a, Table::Records, b"di"));
        let next = ring.next().expect("random");
        assert_eq!(
            next.blind(Holder::Member(a), Table::Records, b"id").expect("a member"),
            one,
            "found in every epoch"
        );
        assert_eq!(MemberId::parse(&a.to_string()), Some(a));
        assert_eq!(MemberId::parse("+1"), None);
    }
}
