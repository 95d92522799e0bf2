//! What must hold for everything that leaves for the card, whatever it answers.

use kazasu::iso7816::{CardTransport, TransportError, TransportLimits};

const VERIFY: u8 = 0x20;
const CHANGE: u8 = 0x24;
const SIGN: u8 = 0x2A;
const GET_CHALLENGE: u8 = 0x84;
const SELECT: u8 = 0xA4;
const READ_BINARY: u8 = 0xB0;
const GET_RESPONSE: u8 = 0xC0;

const TEXT_INPUT: &[u8] = &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x08];
const SURFACE: &[u8] = &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x02];

/// Exchanges of a flow without those that bring data.
const EXCHANGES: usize = 128;
/// A byte of a file costs three at most: READ BINARY answered with 6Cxx, again with 61xx, GET RESPONSE.
const EXCHANGES_PER_BYTE: usize = 3;

struct Secret {
    bytes: Vec<u8>,
    command: u8,
    sent: usize,
}

/// Passes commands on and panics at the first that must not be sent.
pub struct Guarded<T> {
    inner: T,
    secrets: Vec<Secret>,
    may_use_last_try: bool,
    application: Vec<u8>,
    /// The last exchange: command and status word, 0 for none.
    last: (Vec<u8>, u16),
    exchanges: usize,
    received: usize,
}

impl<T: CardTransport> Guarded<T> {
    /// Guards `inner`.
    pub fn new(inner: T, may_use_last_try: bool) -> Self {
        let (secrets, application, last) = (Vec::new(), Vec::new(), (Vec::new(), 0));
        Self { inner, secrets, may_use_last_try, application, last, exchanges: 0, received: 0 }
    }

    /// A PIN that is handed in, once.
    pub fn hand_in<'s>(&mut self, pin: &'s [u8]) -> &'s [u8] {
        self.secrets.push(Secret { bytes: pin.to_vec(), command: VERIFY, sent: 0 });
        pin
    }

    /// A PIN that is to replace the one handed in.
    pub fn hand_in_new<'s>(&mut self, pin: &'s [u8]) -> &'s [u8] {
        self.secrets.push(Secret { bytes: pin.to_vec(), command: CHANGE, sent: 0 });
        pin
    }

    /// How often a PIN has left.
    pub fn pins_sent(&self) -> usize {
        self.secrets.iter().filter(|secret| secret.command == VERIFY).map(|secret| secret.sent).sum()
    }

    fn check(&mut self, command: &[u8]) {
        let [cla, ins, p1, p2, body @ ..] = command else { panic!("a command of {} bytes", command.len()) };
        assert!(command.len() <= self.inner.limits().max_command, "longer than the link carries");
        let right_class = if *ins == SIGN { 0x80 } else { 0x00 };
        assert_eq!(*cla, right_class, "class of {ins:02X}");
        match *ins {
            VERIFY if body.is_empty() => {}
            VERIFY => self.check_verify(*p2, body),
            CHANGE => self.check_change(body),
            SELECT => {
                assert!(matches!((p1, p2), (0x04 | 0x02, 0x0C)));
                let named = body.get(1..).unwrap_or_default();
                if *p1 == 0x04 { self.application = named.to_vec() } else { self.check_file(named.last()) }
            }
            READ_BINARY => {
                let short_identifier = (p1 & 0x80 != 0).then_some(p1 & 0x1F);
                self.check_file(short_identifier.as_ref());
            }
            SIGN | GET_CHALLENGE | GET_RESPONSE => {}
            other => panic!("instruction {other:02X}"),
        }
        if !matches!(*ins, VERIFY | CHANGE | SIGN) {
            assert!(
                !self.secrets.iter().any(|secret| crate::lies_within(&secret.bytes, command)),
                "a PIN in {ins:02X}"
            );
        }
    }

    /// A PIN leaves once, right after a query that says that a try is left and, unless permitted, not the last one.
    fn check_verify(&mut self, reference: u8, body: &[u8]) {
        let (query, status) = &self.last;
        assert_eq!(*query, [0x00, VERIFY, 0x00, reference], "a PIN without a query before it");
        match status {
            0x63C2..=0x63CF => {}
            0x63C1 | 0x9000 => assert!(self.may_use_last_try, "the last try was used after {status:04X}"),
            other => panic!("a PIN after {other:04X}"),
        }
        self.count(VERIFY, body, 1);
    }

    /// A new PIN leaves once, right after the old one was accepted, and again only where the card wants a SELECT first.
    fn check_change(&mut self, body: &[u8]) {
        let (before, status) = &self.last;
        let selected = matches!(before.get(1), Some(&(SELECT | GET_RESPONSE)));
        let verified = before.get(1) == Some(&VERIFY) && before.len() > 5;
        assert!(*status == 0x9000 && (verified || selected), "a new PIN after {status:04X}");
        self.count(CHANGE, body, if selected { 2 } else { 1 });
    }

    fn count(&mut self, ins: u8, body: &[u8], times: usize) {
        let Some((len, sent)) = body.split_first().filter(|(len, sent)| usize::from(**len) == sent.len()) else {
            panic!("{ins:02X} is no short command of case 3")
        };
        let mut known = self.secrets.iter_mut().filter(|secret| secret.command == ins && secret.bytes == *sent);
        let secret = known.next().unwrap_or_else(|| panic!("{ins:02X} with {len} bytes that nobody handed in"));
        secret.sent += 1;
        assert!(secret.sent <= times, "the same PIN a second time");
    }

    /// The files with the My Number are never touched.
    fn check_file(&self, identifier: Option<&u8>) {
        let forbidden = match &*self.application {
            TEXT_INPUT => Some(&0x01),
            SURFACE => Some(&0x05),
            _ => None,
        };
        assert!(forbidden.is_none() || identifier != forbidden, "the file of the My Number");
    }
}

impl<T: CardTransport> CardTransport for Guarded<T> {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.check(command);
        self.exchanges += 1;
        let most = EXCHANGES + EXCHANGES_PER_BYTE * self.received;
        assert!(self.exchanges <= most, "{} exchanges for {} bytes", self.exchanges, self.received);
        let answer = self.inner.transceive(command);
        let status = answer.as_ref().ok().and_then(|bytes| bytes.last_chunk()).map_or(0, |sw| u16::from_be_bytes(*sw));
        self.received += answer.as_ref().map_or(0, |bytes| bytes.len().saturating_sub(2));
        self.last = (command.to_vec(), status);
        answer
    }

    fn limits(&self) -> TransportLimits {
        self.inner.limits()
    }
}
