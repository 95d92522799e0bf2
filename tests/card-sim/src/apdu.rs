//! Command and response APDUs as bytes (ISO/IEC 7816-3, 12.1; ISO/IEC 7816-4, 5).

/// One command APDU, taken apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Command<'a> {
    pub(crate) cla: u8,
    pub(crate) ins: u8,
    pub(crate) p1: u8,
    pub(crate) p2: u8,
    /// The command data field, empty when absent.
    pub(crate) data: &'a [u8],
    /// The most bytes the caller wants back, 1–65,536; `None` without an Le field.
    pub(crate) le: Option<usize>,
    /// Whether Lc or Le used the extended form.
    pub(crate) extended: bool,
}

impl<'a> Command<'a> {
    /// Takes a command apart, or returns `None` when header, Lc, data and Le do not fit together.
    ///
    /// ```text
    /// CLA INS P1 P2                              case 1
    /// CLA INS P1 P2 Le                           case 2   Le 00 = 256
    /// CLA INS P1 P2 Lc data [Le]                 case 3, 4
    /// CLA INS P1 P2 00 Le Le                     case 2 extended   Le 0000 = 65,536
    /// CLA INS P1 P2 00 Lc Lc data [Le Le]        case 3, 4 extended
    /// ```
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (&[cla, ins, p1, p2], body) = bytes.split_first_chunk::<4>()?;
        let (data, le, extended): (&[u8], Option<usize>, bool) = match *body {
            [] => (&[], None, false),
            [le] => (&[], Some(short_le(le)), false),
            [0, high, low] => (&[], Some(extended_le([high, low])), true),
            [0, high, low, ref rest @ ..] => {
                let lc = usize::from(u16::from_be_bytes([high, low]));
                let (data, tail) = rest.split_at_checked(lc).filter(|_| lc > 0)?;
                match *tail {
                    [] => (data, None, true),
                    [high, low] => (data, Some(extended_le([high, low])), true),
                    _ => return None,
                }
            }
            [lc, ref rest @ ..] => {
                let (data, tail) = rest.split_at_checked(usize::from(lc)).filter(|_| lc > 0)?;
                match *tail {
                    [] => (data, None, false),
                    [le] => (data, Some(short_le(le)), false),
                    _ => return None,
                }
            }
        };
        Some(Self { cla, ins, p1, p2, data, le, extended })
    }

    /// Whether P1 or P2 names a file by its short identifier.
    pub(crate) fn names_short_ef(&self) -> bool {
        match self.ins {
            ins::READ_BINARY => self.p1 > 0x80,
            ins::READ_RECORD => self.p2 >> 3 != 0,
            ins::VERIFY | ins::CHANGE_REFERENCE_DATA | ins::SIGN | ins::CHANGE_KEY | ins::INTERNAL_AUTHENTICATE => {
                self.p2 > 0x80
            }
            _ => false,
        }
    }
}

fn short_le(le: u8) -> usize {
    if le == 0 { 256 } else { usize::from(le) }
}

fn extended_le(le: [u8; 2]) -> usize {
    match u16::from_be_bytes(le) {
        0 => 65_536,
        le => usize::from(le),
    }
}

/// The answer to one command.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Response {
    pub(crate) data: Vec<u8>,
    pub(crate) sw: u16,
}

impl Response {
    pub(crate) fn data(data: Vec<u8>) -> Self {
        Self { data, sw: status::OK }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        [self.data.as_slice(), &self.sw.to_be_bytes()].concat()
    }
}

impl From<u16> for Response {
    fn from(sw: u16) -> Self {
        Self { data: Vec::new(), sw }
    }
}

/// Instruction bytes the card knows (ISO/IEC 7816-4, table 4; those of class 80 are JICSAP's or the card's own).
pub(crate) mod ins {
    pub(crate) const VERIFY: u8 = 0x20;
    pub(crate) const CHANGE_REFERENCE_DATA: u8 = 0x24;
    /// Class 80.
    pub(crate) const SIGN: u8 = 0x2A;
    /// Class 80.
    pub(crate) const CHANGE_KEY: u8 = 0x32;
    pub(crate) const GET_CHALLENGE: u8 = 0x84;
    pub(crate) const INTERNAL_AUTHENTICATE: u8 = 0x88;
    /// Class 80; its real name is not known.
    pub(crate) const TERMINAL_CERTIFICATE: u8 = 0xA2;
    pub(crate) const SELECT: u8 = 0xA4;
    /// Class 80.
    pub(crate) const SET_SESSION_KEY: u8 = 0xAE;
    pub(crate) const READ_BINARY: u8 = 0xB0;
    pub(crate) const READ_RECORD: u8 = 0xB2;
    pub(crate) const GET_RESPONSE: u8 = 0xC0;
    pub(crate) const GET_DATA: u8 = 0xCA;
    /// Class 80, phones only.
    pub(crate) const LAST_COMMAND: u8 = 0xFC;
}

/// Status words (ISO/IEC 7816-4, 5.6; 6984 "IEF blocked" is JICSAP's meaning).
pub(crate) mod status {
    pub(crate) const OK: u16 = 0x9000;
    pub(crate) const TRIES_LEFT: u16 = 0x63C0;
    pub(crate) const END_OF_FILE: u16 = 0x6282;
    pub(crate) const MEMORY_FAILURE: u16 = 0x6581;
    pub(crate) const NO_KEY_DELIVERY: u16 = 0x66F1;
    pub(crate) const WRONG_LENGTH: u16 = 0x6700;
    pub(crate) const CHANNEL_NOT_SUPPORTED: u16 = 0x6881;
    pub(crate) const SECURE_MESSAGING_NOT_SUPPORTED: u16 = 0x6882;
    pub(crate) const WRONG_FILE_TYPE: u16 = 0x6981;
    pub(crate) const SECURITY_STATUS: u16 = 0x6982;
    pub(crate) const AUTHENTICATION_BLOCKED: u16 = 0x6983;
    pub(crate) const IEF_BLOCKED: u16 = 0x6984;
    pub(crate) const CONDITIONS_OF_USE: u16 = 0x6985;
    pub(crate) const NO_CURRENT_EF: u16 = 0x6986;
    pub(crate) const SECURE_MESSAGING_OBJECTS_MISSING: u16 = 0x6987;
    pub(crate) const NO_SESSION: u16 = 0x69FC;
    pub(crate) const WRONG_DATA: u16 = 0x6A80;
    pub(crate) const FUNCTION_NOT_SUPPORTED: u16 = 0x6A81;
    pub(crate) const FILE_NOT_FOUND: u16 = 0x6A82;
    pub(crate) const RECORD_NOT_FOUND: u16 = 0x6A83;
    pub(crate) const WRONG_P1_P2: u16 = 0x6A86;
    pub(crate) const OBJECT_NOT_FOUND: u16 = 0x6A88;
    pub(crate) const OFFSET_OUTSIDE_FILE: u16 = 0x6B00;
    pub(crate) const WRONG_LE: u16 = 0x6C00;
    pub(crate) const BYTES_WAITING: u16 = 0x6100;
    pub(crate) const UNKNOWN_INS: u16 = 0x6D00;
    pub(crate) const UNKNOWN_CLA: u16 = 0x6E00;
    pub(crate) const UNSPECIFIC: u16 = 0x6F00;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seven_cases_parse() {
        let parse = |bytes: &[u8]| Command::parse(bytes).map(|c| (c.data.to_vec(), c.le, c.extended));
        assert_eq!(parse(&[0, 0x20, 0, 0x80]), Some((vec![], None, false)));
        assert_eq!(parse(&[0, 0xB0, 0, 0, 0]), Some((vec![], Some(256), false)));
        assert_eq!(parse(&[0, 0xB0, 0, 0, 7]), Some((vec![], Some(7), false)));
        assert_eq!(parse(&[0, 0x20, 0, 0x80, 1, 9]), Some((vec![9], None, false)));
        assert_eq!(parse(&[0x80, 0x2A, 0, 0x80, 1, 9, 0]), Some((vec![9], Some(256), false)));
        assert_eq!(parse(&[0, 0xB0, 0, 0, 0, 0, 0]), Some((vec![], Some(65_536), true)));
        assert_eq!(parse(&[0, 0x20, 0, 0x80, 0, 0, 1, 9]), Some((vec![9], None, true)));
        assert_eq!(parse(&[0, 0x20, 0, 0x80, 0, 0, 1, 9, 1, 0]), Some((vec![9], Some(256), true)));
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        for bytes in [
            &[][..],
            &[0, 0x20, 0],
            &[0, 0x20, 0, 0x80, 2, 9],
            &[0, 0x20, 0, 0x80, 1, 9, 0, 0],
            &[0, 0x20, 0, 0x80, 0, 9],
            &[0, 0x20, 0, 0x80, 0, 0, 0, 0],
            &[0, 0x20, 0, 0x80, 0, 0, 2, 9],
            &[0, 0x20, 0, 0x80, 0, 0, 1, 9, 0],
        ] {
            assert_eq!(Command::parse(bytes), None, "{bytes:02X?}");
        }
    }
}
