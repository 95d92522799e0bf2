//! EF 0006 of the JPKI application: the token information.

/// Writes the 160 bytes of a PKCS#11 `CK_TOKEN_INFO` with 4-byte big-endian integers.
///
/// ```text
///   0  32  label, space padded          104   4  sessions in use
///  32  32  manufacturer                 108   4  most read-write sessions
///  64  16  model                        112   4  read-write sessions in use
///  80  16  serial number                116   8  longest and shortest PIN
///  96   4  flags                        124  16  memory fields
/// 100   4  most sessions                140   4  versions, 144  16  clock
/// ```
pub(crate) fn encode(label: &str, serial: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(160);
    out.extend_from_slice(format!("{label:<32}{:0>32}{:<16}{serial:0>16}", "1", "E16R01NJ").as_bytes());
    for number in [FLAGS, 1, 0, 1, 0, LONGEST_PIN, SHORTEST_PIN] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.extend_from_slice(&[0xFF; 16]);
    out.extend_from_slice(b"03019999999999999999");
    out
}

/// CKF_RNG, CKF_LOGIN_REQUIRED, CKF_USER_PIN_INITIALIZED, CKF_TOKEN_INITIALIZED.
const FLAGS: u32 = 0x0000_040D;
const LONGEST_PIN: u32 = 16;
const SHORTEST_PIN: u32 = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::hex;

    #[test]
    fn the_published_layout_is_written_byte_for_byte() {
        let info = encode("JPKIAPICCTOKEN2", "9000000000000001");
        let expected = [
            hex("4A504B494150494343544F4B454E32"),
            vec![0x20; 17],
            vec![0x30; 31],
            vec![0x31],
            b"E16R01NJ        9000000000000001".to_vec(),
            hex("0000040D000000010000000000000001000000000000001000000006"),
            vec![0xFF; 16],
            hex("30333031"),
            vec![0x39; 16],
        ]
        .concat();
        assert_eq!(info, expected);
        assert_eq!(info.len(), 160);
        assert_eq!(info[..20], hex("4A504B494150494343544F4B454E322020202020"));
    }
}
