//! Bounded BER-TLV headers (ISO/IEC 7816-4:2020, 6.3; ITU-T X.690, 8.1).

/// Tag and lengths of one BER-TLV object. Lengths may be non-minimal, as this card family writes them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Header {
    /// The tag, one or two bytes.
    pub(crate) tag: u16,
    /// Bytes before the value.
    pub(crate) header_len: usize,
    /// Bytes of the value, below 2³².
    pub(crate) value_len: usize,
}

impl Header {
    /// Reads the header at the start of `bytes`; `None` if it is cut off, indefinite, or wider than four length bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.iter().copied();
        let first = rest.next()?;
        let tag = if first & 0x1f == 0x1f {
            let second = rest.next().filter(|b| b & 0x80 == 0)?;
            u16::from_be_bytes([first, second])
        } else {
            u16::from(first)
        };
        let value_len = match rest.next()? {
            short @ 0..=0x7f => usize::from(short),
            long @ 0x81..=0x84 => {
                let mut length: u32 = 0;
                for _ in 0..(long & 0x0f) {
                    length = length.checked_shl(8)? | u32::from(rest.next()?);
                }
                usize::try_from(length).ok()?
            }
            _ => return None,
        };
        let header_len = bytes.len().checked_sub(rest.len())?;
        Some(Self { tag, header_len, value_len })
    }

    /// Header and value together, if that fits `usize`.
    pub(crate) fn total_len(self) -> Option<usize> {
        self.header_len.checked_add(self.value_len)
    }
}

/// One BER-TLV object within the bytes it was read from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Object<'a> {
    /// The tag.
    pub(crate) tag: u16,
    /// The value.
    pub(crate) value: &'a [u8],
    /// Header and value.
    pub(crate) whole: &'a [u8],
}

/// Splits the first object off `bytes` and returns what follows it.
pub(crate) fn split_first(bytes: &[u8]) -> Option<(Object<'_>, &[u8])> {
    let header = Header::parse(bytes)?;
    let (whole, rest) = bytes.split_at_checked(header.total_len()?)?;
    Some((Object { tag: header.tag, value: whole.get(header.header_len..)?, whole }, rest))
}

/// Visits every object, and objects within constructed ones down to a depth; returns how many there are.
#[cfg(fuzzing)]
pub fn walk(bytes: &[u8], depth: u8) -> usize {
    let (mut rest, mut count) = (bytes, 0_usize);
    while let Some((object, after)) = split_first(rest) {
        assert!(object.whole.len() >= object.value.len() && after.len() < rest.len());
        count = count.saturating_add(1);
        if let Some(depth) = depth.checked_sub(1) {
            count = count.saturating_add(walk(object.value, depth));
        }
        rest = after;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_every_length_form() {
        let parsed = |bytes: &[u8]| Header::parse(bytes).map(|h| (h.tag, h.header_len, h.value_len));
        assert_eq!(parsed(&[0x30, 0x05]), Some((0x30, 2, 5)));
        assert_eq!(parsed(&[0x30, 0x82, 0x06, 0x32]), Some((0x30, 4, 1586)));
        assert_eq!(parsed(&[0xFF, 0x40, 0x82, 0x00, 0x9F]), Some((0xFF40, 5, 159)));
        assert_eq!(parsed(&[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]), Some((0x30, 6, 0xFFFF_FFFF)));
    }

    #[test]
    fn headers_that_lie_are_refused() {
        for bad in [
            &[][..],
            &[0x30],
            &[0x30, 0x80],
            &[0x30, 0x82, 0x01],
            &[0x30, 0x85, 0, 0, 0, 0, 1],
            &[0x1F],
            &[0xFF, 0x81, 0x01],
        ] {
            assert_eq!(Header::parse(bad), None, "{bad:02x?}");
        }
        assert_eq!(split_first(&[0x04, 0x03, 1, 2]), None);
    }

    #[test]
    fn objects_split_off_one_by_one() {
        let (object, rest) = split_first(&[0x04, 0x02, 1, 2, 0x05, 0x00]).expect("whole object");
        assert_eq!((object.tag, object.value, object.whole.len()), (0x04, &[1, 2][..], 4));
        assert_eq!(rest, [0x05, 0x00]);
    }
}
