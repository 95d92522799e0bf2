//! Padding to buckets, so that the length of a sealed value does not tell what stands in it.
//!
//! ```text
//! u32 length | value | zeros up to the bucket
//! ```
//!
//! Buckets are the powers of two from 64 bytes to 4 KiB, then whole 4 KiB.

use zeroize::Zeroizing;

use super::cipher::MAX_PLAINTEXT;
use crate::error::{Error, ResourceFault};

const SMALLEST: usize = 64;
const LARGE: usize = 4096;

/// The value in its bucket.
pub(super) fn pad(value: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let length = u32::try_from(value.len()).ok().filter(|_| value.len() <= MAX_PLAINTEXT);
    let length = length.ok_or(Error::Resource(ResourceFault::TooLarge))?.to_be_bytes();
    let mut padded = Zeroizing::new(Vec::new());
    padded.reserve_exact(bucket(value.len().saturating_add(length.len())));
    padded.extend_from_slice(&length);
    padded.extend_from_slice(value);
    let bucket = bucket(padded.len());
    padded.resize(bucket, 0);
    Ok(padded)
}

/// The value without its padding; `None` if it was not padded so.
pub(super) fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let (length, rest) = padded.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (value, zeros) = rest.split_at_checked(length)?;
    let fits = bucket(length.checked_add(4)?) == padded.len() && zeros.iter().all(|byte| *byte == 0);
    fits.then_some(value)
}

fn bucket(length: usize) -> usize {
    if length > LARGE { length.next_multiple_of(LARGE) } else { length.next_power_of_two().max(SMALLEST) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_fall_into_few_buckets_and_come_back() {
        for (length, expected) in [
            (0, 64),
            (60, 64),
            (61, 128),
            (1000, 1024),
            (4092, 4096),
            (4093, 8192),
            (MAX_PLAINTEXT, MAX_PLAINTEXT + 4096),
        ] {
            let value = vec![7; length];
            let padded = pad(&value).expect("not too long");
            assert_eq!(padded.len(), expected, "{length}");
            assert_eq!(unpad(&padded), Some(&value[..]));
        }
        assert!(pad(&vec![0; MAX_PLAINTEXT + 1]).is_err());
    }

    #[test]
    fn what_was_not_padded_so_is_refused() {
        let padded = pad(b"value").expect("short");
        let mut marked = padded.clone();
        *marked.last_mut().expect("not empty") = 1;
        assert_eq!(unpad(&marked), None, "something in the padding");
        assert_eq!(unpad(&padded[..63]), None, "cut");
        assert_eq!(unpad(&[&padded[..], &[0; 64]].concat()), None, "another bucket");
        assert_eq!(unpad(&[0xff; 64]), None, "a length beyond the end");
    }
}
