//! A card whose answers are the fuzz input.

use std::cell::Cell;

use kazasu::iso7816::{CardTransport, TransportError, TransportLimits};

/// Status words worth trying; index 15 stands for two bytes of the input.
const STATUS: [u16; 15] = [
    0x9000, 0x63C3, 0x63C2, 0x63C1, 0x63C0, 0x6982, 0x6983, 0x6984, 0x6986, 0x6A82, 0x6A86, 0x6700, 0x6F00, 0x6110,
    0x6C10,
];
const OTHER: u8 = 15;

/// How the data of an answer are told apart: none, as many as asked for, or a length of one or two bytes.
const NO_DATA: u8 = 0 << 4;
const AS_ASKED: u8 = 1 << 4;
const SHORT: u8 = 2 << 4;
const LONG: u8 = 3 << 4;
/// The link is lost instead of an answer.
const LOST: u8 = 1 << 6;
/// The answer has no status word but what its data end in.
const BARE: u8 = 1 << 7;

/// The first bytes of an input: which flow, and how it is run.
#[derive(Clone, Copy)]
pub struct Head {
    /// Number of the flow.
    pub flow: u8,
    /// The switches of `flows`.
    pub options: u8,
}

/// Splits the head off an input.
pub fn head(input: &[u8]) -> Option<(Head, &[u8])> {
    let ([flow, options], answers) = input.split_first_chunk()?;
    Some((Head { flow: *flow, options: *options }, answers))
}

/// Answers with what the input says; then the card is gone, or goes on with its last answer for ever.
///
/// Two of them can read from one input: the second tap goes on where the first ended.
pub struct Answers<'a> {
    rest: &'a Cell<&'a [u8]>,
    limits: TransportLimits,
    last: Option<Vec<u8>>,
}

impl<'a> Answers<'a> {
    /// Over the rest of an input.
    pub fn new(rest: &'a Cell<&'a [u8]>, limits: TransportLimits, for_ever: bool) -> Self {
        Self { rest, limits, last: for_ever.then(Vec::new) }
    }

    fn take(&mut self, len: usize) -> &'a [u8] {
        let all = self.rest.get();
        let (taken, rest) = all.split_at(len.min(all.len()));
        self.rest.set(rest);
        taken
    }

    fn number(&mut self, bytes: usize) -> usize {
        self.take(bytes).iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
    }

    fn next(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let [kind] = self.take(1) else {
            return self.last.clone().filter(|last| !last.is_empty()).ok_or(TransportError::TagLost);
        };
        if kind & LOST != 0 {
            return Err(if kind & BARE == 0 { TransportError::TagLost } else { TransportError::Timeout });
        }
        let status = match kind & 0x0F {
            OTHER => self.take(2).to_vec(),
            known => STATUS[usize::from(known)].to_be_bytes().to_vec(),
        };
        let len = match kind & 0x30 {
            NO_DATA => 0,
            AS_ASKED => asked_for(command),
            SHORT => self.number(1),
            _ => self.number(2),
        };
        let mut answer = self.take(len).to_vec();
        if kind & BARE == 0 {
            answer.extend(status);
        }
        Ok(answer)
    }
}

impl CardTransport for Answers<'_> {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.next(command)?;
        if let Some(last) = &mut self.last {
            last.clone_from(&answer);
        }
        Ok(answer)
    }

    fn limits(&self) -> TransportLimits {
        self.limits
    }
}

/// The longest answer the command asks for (ISO/IEC 7816-4:2020, 5.2); 0 for none.
fn asked_for(command: &[u8]) -> usize {
    let short = |le: u8| if le == 0 { 256 } else { usize::from(le) };
    let long = |high: u8, low: u8| match u16::from_be_bytes([high, low]) {
        0 => 65_536,
        le => usize::from(le),
    };
    match command.get(4..).unwrap_or_default() {
        [] => 0,
        [le] => short(*le),
        [0, high, low] => long(*high, *low),
        [0, high, low, body @ ..] => match body.get(usize::from(u16::from_be_bytes([*high, *low]))..) {
            Some([high, low]) => long(*high, *low),
            _ => 0,
        },
        [lc, body @ ..] => match body.get(usize::from(*lc)..) {
            Some([le]) => short(*le),
            _ => 0,
        },
    }
}

/// Writes one exchange in the form that [`Answers`] reads; for seeds.
pub fn write(input: &mut Vec<u8>, command: &[u8], outcome: &Result<Vec<u8>, TransportError>) {
    let Ok(answer) = outcome else {
        input.push(LOST);
        return;
    };
    let Some((data, status)) = answer.split_last_chunk::<2>() else {
        input.extend([BARE | SHORT, answer.len() as u8]);
        input.extend(answer);
        return;
    };
    let known = STATUS.iter().position(|word| word.to_be_bytes() == *status);
    let form = match data.len() {
        0 => NO_DATA,
        len if len == asked_for(command) => AS_ASKED,
        1..=0xFF => SHORT,
        _ => LONG,
    };
    match known {
        Some(index) => input.push(form | index as u8),
        None => input.extend([form | OTHER, status[0], status[1]]),
    }
    match form {
        SHORT => input.push(data.len() as u8),
        LONG => input.extend((data.len() as u16).to_be_bytes()),
        _ => {}
    }
    input.extend(data);
}
