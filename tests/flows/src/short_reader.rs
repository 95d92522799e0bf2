//! The judge: a reader of short APDUs and plain SELECTs, as simple as they come. Where it gets the right bytes from a card
//! or a link, the SDK must too.
//!
//! It names files by SELECT alone, never asks for more than 256 bytes nor beyond the end of an object, and sends a PIN once,
//! after it has asked for the tries left. Of status words it knows what ISO/IEC 7816-4:2020, 5.6 says of 61xx, 6Cxx and
//! warnings, and that a card may fail its first command.

use kazasu::iso7816::CardTransport;
use kazasu_card_sim::ApplicationKind;

/// One tap.
pub struct ShortReader<'t> {
    link: &'t mut dyn CardTransport,
    has_answered: bool,
}

impl<'t> ShortReader<'t> {
    /// Sends nothing yet.
    pub fn new(link: &'t mut dyn CardTransport) -> Self {
        Self { link, has_answered: false }
    }

    /// Selects an application; a second time where the very first command failed for no reason.
    pub fn application(&mut self, kind: ApplicationKind) -> Option<()> {
        let is_first = !self.has_answered;
        match self.command(&[0x00, 0xA4, 0x04, 0x0C], kind.aid(), None)?.1 {
            0x9000 => Some(()),
            0x6A82 => None,
            _ => (is_first && self.command(&[0x00, 0xA4, 0x04, 0x0C], kind.aid(), None)?.1 == 0x9000).then_some(()),
        }
    }

    /// The object at the start of a file: its header first, then exactly as much as that says.
    pub fn object(&mut self, ef: u16) -> Option<Vec<u8>> {
        let header = self.bytes(ef, 5)?;
        let tag = if header[0] & 0x1F == 0x1F { 2 } else { 1 };
        let total = match header.get(tag)? {
            length @ 0x00..=0x7F => tag + 1 + usize::from(*length),
            0x81 => tag + 2 + usize::from(*header.get(tag + 1)?),
            0x82 => tag + 3 + usize::from(u16::from_be_bytes([*header.get(tag + 1)?, *header.get(tag + 2)?])),
            _ => return None,
        };
        self.on(header, total)
    }

    /// The first `len` bytes of a file.
    pub fn bytes(&mut self, ef: u16, len: usize) -> Option<Vec<u8>> {
        self.select(ef)?;
        self.on(Vec::new(), len)
    }

    /// Tries left of a PIN.
    pub fn tries(&mut self, ef: u16) -> Option<u8> {
        self.select(ef)?;
        let (_, status) = self.command(&[0x00, 0x20, 0x00, 0x80], &[], None)?;
        (status & 0xFFF0 == 0x63C0).then_some(status.to_be_bytes()[1] & 0x0F)
    }

    /// Asks for the tries left, then sends the PIN once.
    pub fn verify(&mut self, ef: u16, pin: &str) -> Option<()> {
        self.tries(ef).filter(|tries| *tries > 1)?;
        (self.command(&[0x00, 0x20, 0x00, 0x80], pin.as_bytes(), None)?.1 == 0x9000).then_some(())
    }

    /// Verifies a PIN and replaces it.
    pub fn change(&mut self, ef: u16, pin: &str, new: &str) -> Option<()> {
        self.verify(ef, pin)?;
        (self.command(&[0x00, 0x24, 0x01, 0x80], new.as_bytes(), None)?.1 == 0x9000).then_some(())
    }

    /// Has a key sign a DigestInfo.
    pub fn sign(&mut self, ef: u16, digest_info: &[u8]) -> Option<Vec<u8>> {
        self.select(ef)?;
        let (signature, status) = self.command(&[0x80, 0x2A, 0x00, 0x80], digest_info, Some(0))?;
        (is_done(status) && signature.len() == 256).then_some(signature)
    }

    fn select(&mut self, ef: u16) -> Option<()> {
        (self.command(&[0x00, 0xA4, 0x02, 0x0C], &ef.to_be_bytes(), None)?.1 == 0x9000).then_some(())
    }

    fn on(&mut self, mut data: Vec<u8>, total: usize) -> Option<Vec<u8>> {
        while data.len() < total {
            let [high, low] = u16::try_from(data.len()).ok()?.to_be_bytes();
            let le = u8::try_from(total - data.len()).unwrap_or(0);
            let (more, status) = self.command(&[0x00, 0xB0, high, low], &[], Some(le))?;
            if !is_done(status) || more.is_empty() {
                return None;
            }
            data.extend(more);
        }
        data.truncate(total);
        Some(data)
    }

    /// One short command with its whole answer.
    fn command(&mut self, header: &[u8; 4], data: &[u8], le: Option<u8>) -> Option<(Vec<u8>, u16)> {
        let lc = u8::try_from(data.len()).ok().filter(|lc| *lc > 0);
        let command = |le: Option<u8>| [header, lc.as_slice(), data, le.as_slice()].concat();
        let (mut data, mut status) = self.exchange(&command(le))?;
        if let (0x6C, Some(_), [_, exact]) = (status >> 8, le, status.to_be_bytes()) {
            (data, status) = self.exchange(&command(Some(exact)))?;
        }
        while status >> 8 == 0x61 && data.len() < 0x1_0000 {
            let more = self.exchange(&[0x00, 0xC0, 0x00, 0x00, status.to_be_bytes()[1]])?;
            data.extend(&more.0);
            status = if more.0.is_empty() && more.1 >> 8 == 0x61 { 0x6F00 } else { more.1 };
        }
        Some((data, status))
    }

    fn exchange(&mut self, command: &[u8]) -> Option<(Vec<u8>, u16)> {
        let mut answer = self.link.transceive(command).ok()?;
        self.has_answered = true;
        let status = answer.split_off(answer.len().checked_sub(2)?);
        Some((answer, u16::from_be_bytes([status[0], status[1]])))
    }
}

/// Done, or done with a warning other than "the data may be damaged".
fn is_done(status: u16) -> bool {
    status == 0x9000 || (matches!(status >> 8, 0x62 | 0x63) && status != 0x6281)
}
