//! The BER-TLV form of the text-input support and surface applications.
//!
//! Values under 128 bytes have a one-byte length, all others `82 hh ll`, even where `81` would do. Real cards write it so,
//! and readers must accept it.

/// One object with a one-byte or two-byte tag.
pub(crate) fn field(tag: u16, value: &[u8]) -> Vec<u8> {
    let mut out = match tag.to_be_bytes() {
        [0, tag] => vec![tag],
        tag => tag.to_vec(),
    };
    match u16::try_from(value.len()).expect("files are below 64 KiB").to_be_bytes() {
        [0, length @ ..0x80] => out.push(length),
        [high, low] => out.extend([0x82, high, low]),
    }
    out.extend_from_slice(value);
    out
}

/// An object that opens with a table of the offsets of its fields, as two-byte numbers counted from its own first byte; 0000
/// for an empty one. What follows them stands in no table.
///
/// ```text
/// outer L { table 2n <o1 … on>  field 1  …  field n  more }
/// ```
pub(crate) fn with_offsets(outer: u16, table: u16, fields: &[Vec<u8>], more: &[u8]) -> Vec<u8> {
    let table_of = |first: usize| {
        let starts = fields.iter().scan(first, |next, field| {
            let start = std::mem::replace(next, *next + field.len());
            Some(if field.is_empty() { 0 } else { start })
        });
        let entries = starts.flat_map(|start| u16::try_from(start).expect("files are below 64 KiB").to_be_bytes());
        self::field(table, &entries.collect::<Vec<u8>>())
    };
    let table_length = table_of(0).len();
    let value_length = table_length + fields.iter().map(Vec::len).sum::<usize>() + more.len();
    let header_length = self::field(outer, &vec![0; value_length]).len() - value_length;
    self::field(outer, &[table_of(header_length + table_length), fields.concat(), more.to_vec()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_from_128_on_take_three_bytes() {
        assert_eq!(field(0xDF31, &[7; 32])[..3], [0xDF, 0x31, 0x20]);
        assert_eq!(field(0xDF22, &[7; 127])[..4], [0xDF, 0x22, 0x7F, 7]);
        assert_eq!(field(0xDF43, &[7; 128])[..6], [0xDF, 0x43, 0x82, 0x00, 0x80, 7]);
        assert_eq!(field(0x91, &[7; 256])[..5], [0x91, 0x82, 0x01, 0x00, 7]);
    }

    #[test]
    fn offsets_count_from_the_first_byte_of_the_object() {
        // The surface record of the documentation: DF25, DF26, DF27 and DF2A of 300, 900, 15,000 and 200 bytes.
        let lengths = [8, 1, 265, 300, 900, 15_000, 256, 8, 200];
        let fields: Vec<Vec<u8>> = (0xDF22..).zip(lengths).map(|(tag, length)| field(tag, &vec![7; length])).collect();
        let file = with_offsets(0xFF20, 0xDF21, &fields, &[]);
        let expected = "FF20824266 DF2112 001A 0025 0029 0137 0268 05F1 408E 4193 419E";
        assert_eq!(file[..26], crate::test_support::hex(expected));
        assert_eq!(file.len(), 17_003);
    }
}
