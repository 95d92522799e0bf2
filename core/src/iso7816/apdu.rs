//! Command and response APDUs in short and extended form (ISO/IEC 7816-4:2020, 5.2).

use zeroize::Zeroizing;

use super::StatusWord;

/// A command APDU before encoding. Data is wiped on drop: it may hold a PIN.
pub(crate) struct Command {
    /// Class byte.
    pub(crate) cla: u8,
    /// Instruction byte.
    pub(crate) ins: u8,
    /// First parameter.
    pub(crate) p1: u8,
    /// Second parameter.
    pub(crate) p2: u8,
    data: Zeroizing<Vec<u8>>,
    /// Longest answer wanted, in bytes; `None` for no data.
    pub(crate) le: Option<usize>,
}

impl Command {
    /// Case 1: neither data nor answer.
    pub(crate) fn new(cla: u8, ins: u8, p1: u8, p2: u8) -> Self {
        Self { cla, ins, p1, p2, data: Zeroizing::default(), le: None }
    }

    /// With data of at most 65,535 bytes (cases 3 and 4).
    #[must_use]
    pub(crate) fn with_data(mut self, data: &[u8]) -> Self {
        self.data = Zeroizing::new(data.to_vec());
        self
    }

    /// With an answer of at most `le` bytes, 1 to 65,536 (cases 2 and 4).
    #[must_use]
    pub(crate) fn with_le(mut self, le: usize) -> Self {
        self.le = Some(le);
        self
    }

    /// The same command, asking for `le` bytes.
    pub(crate) fn repeat_with_le(&self, le: usize) -> Self {
        Self { data: self.data.clone(), le: Some(le), ..*self }
    }

    /// The bytes to send: short where data ≤ 255 and answer ≤ 256, else extended. `None` when neither form can say it.
    pub(crate) fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.data.len().saturating_add(9)));
        bytes.extend_from_slice(&[self.cla, self.ins, self.p1, self.p2]);
        if self.data.len() <= 255 && self.le.is_none_or(|le| le <= 256) {
            if !self.data.is_empty() {
                bytes.push(u8::try_from(self.data.len()).ok()?);
                bytes.extend_from_slice(&self.data);
            }
            if let Some(le) = self.le {
                bytes.push(if le == 256 { 0 } else { u8::try_from(le).ok().filter(|le| *le > 0)? });
            }
        } else {
            bytes.push(0);
            if !self.data.is_empty() {
                bytes.extend_from_slice(&u16::try_from(self.data.len()).ok()?.to_be_bytes());
                bytes.extend_from_slice(&self.data);
            }
            if let Some(le) = self.le {
                let le = if le == 65_536 { 0 } else { u16::try_from(le).ok().filter(|le| *le > 0)? };
                bytes.extend_from_slice(&le.to_be_bytes());
            }
        }
        Some(bytes)
    }
}

/// A response APDU.
pub(crate) struct Response {
    /// The data field, possibly empty.
    pub(crate) data: Vec<u8>,
    /// The status word.
    pub(crate) status: StatusWord,
}

impl Response {
    /// Splits the status word off; `None` for less than two bytes, which is what a lost link looks like.
    pub(crate) fn parse(mut bytes: Vec<u8>) -> Option<Self> {
        let at = bytes.len().checked_sub(2)?;
        let status = <[u8; 2]>::try_from(bytes.split_off(at)).ok()?;
        Some(Self { data: bytes, status: StatusWord(u16::from_be_bytes(status)) })
    }

    /// The answer to READ BINARY as bytes of the file, or the status word that came instead of any.
    ///
    /// Data with a warning counts, as `6282` at the end of a file; not with `6281`, by which the card says itself that the
    /// bytes may be wrong.
    pub(crate) fn into_file_data(self) -> Result<Vec<u8>, StatusWord> {
        let counts = self.status.is_ok() || (self.status.is_warning() && self.status != StatusWord::DAMAGED_DATA);
        if counts && !self.data.is_empty() { Ok(self.data) } else { Err(self.status) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(command: &Command) -> Vec<u8> {
        command.encode().expect("encodes").to_vec()
    }

    #[test]
    fn the_four_short_cases() {
        let base = || Command::new(0x00, 0xB0, 0x8A, 0x00);
        assert_eq!(encoded(&base()), [0x00, 0xB0, 0x8A, 0x00]);
        assert_eq!(encoded(&base().with_le(256)), [0x00, 0xB0, 0x8A, 0x00, 0x00]);
        assert_eq!(encoded(&base().with_data(&[1, 2])), [0x00, 0xB0, 0x8A, 0x00, 0x02, 1, 2]);
        assert_eq!(encoded(&base().with_data(&[1]).with_le(5)), [0x00, 0xB0, 0x8A, 0x00, 0x01, 1, 5]);
    }

    #[test]
    fn the_three_extended_cases() {
        let base = || Command::new(0x00, 0xB0, 0x00, 0x00);
        assert_eq!(encoded(&base().with_le(257)), [0x00, 0xB0, 0, 0, 0x00, 0x01, 0x01]);
        assert_eq!(encoded(&base().with_le(65_536)), [0x00, 0xB0, 0, 0, 0x00, 0x00, 0x00]);
        let long = encoded(&base().with_data(&[7; 256]));
        assert_eq!(&long[..7], [0x00, 0xB0, 0, 0, 0x00, 0x01, 0x00]);
        assert_eq!(long.len(), 7 + 256);
        let both = encoded(&base().with_data(&[7; 256]).with_le(16));
        assert_eq!(&both[7 + 256..], [0x00, 0x10]);
        let short_data_long_answer = encoded(&base().with_data(&[7]).with_le(300));
        assert_eq!(short_data_long_answer, [0x00, 0xB0, 0, 0, 0x00, 0x00, 0x01, 7, 0x01, 0x2C]);
    }

    #[test]
    fn what_no_apdu_can_say_is_refused() {
        assert!(Command::new(0, 0xB0, 0, 0).with_le(65_537).encode().is_none());
        assert!(Command::new(0, 0xB0, 0, 0).with_le(0).encode().is_none());
        assert!(Command::new(0, 0xD6, 0, 0).with_data(&[0; 65_536]).encode().is_none());
    }

    #[test]
    fn responses_need_a_status_word() {
        assert!(Response::parse(vec![]).is_none());
        assert!(Response::parse(vec![0x90]).is_none());
        let response = Response::parse(vec![1, 0x63, 0xC2]).expect("has a status");
        assert_eq!((response.data, response.status.attempts_left()), (vec![1], Some(2)));
    }
}
