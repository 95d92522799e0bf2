//! What is left of a PIN in this process: nothing, once it was sent and dropped. Read from the process's own memory.
#![cfg(target_os = "linux")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs::File;
use std::io::BufRead;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use kazasu::card::{Card, Disclosure, LastAttempt, SignaturePassword, UserAuthenticationPin};
use kazasu::iso7816::{CardCapabilities, CardTransport, TransportError};

/// Gives memory out and never takes it back: what was not wiped before it was freed stays to be found. The system's
/// allocator would overwrite the beginning of freed blocks by chance.
struct Hoarding;

// SAFETY: passes on to the system's allocator what it gives out.
unsafe impl GlobalAlloc for Hoarding {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Hoarding = Hoarding;

/// A pattern that does not stand in memory: every byte is changed, and changed back only to be compared.
#[derive(Clone)]
struct Pattern(Vec<u8>);

const MASK: u8 = 0xA5;

/// One test at a time: a search holds copies of what it has read.
static ALONE: Mutex<()> = Mutex::new(());

impl Pattern {
    fn of(bytes: impl IntoIterator<Item = u8>) -> Self {
        Self(bytes.into_iter().map(|byte| byte ^ MASK).collect())
    }

    /// These bytes before the pattern.
    fn after(&self, header: &[u8]) -> Self {
        let mut whole = Self::of(header.iter().copied());
        whole.0.extend(&self.0);
        whole
    }

    fn is_at(&self, bytes: &[u8]) -> bool {
        bytes.len() >= self.0.len() && self.0.iter().zip(bytes).all(|(masked, byte)| masked ^ MASK == *byte)
    }

    fn count_in(&self, bytes: &[u8]) -> usize {
        let (mut rest, mut count) = (bytes, 0);
        // The library's search is fast in unoptimised builds too.
        while rest.skip_until(self.0[0] ^ MASK).expect("memory") > 0 {
            let at = bytes.len() - rest.len() - 1;
            count += usize::from(self.is_at(&bytes[at..]));
        }
        count
    }

    /// How often the pattern stands in writable memory of this process.
    fn count(&self) -> usize {
        let memory = File::open("/proc/self/mem").expect("own memory");
        let maps = std::fs::read_to_string("/proc/self/maps").expect("own maps");
        let mut buffer = vec![0; 1 << 22];
        let own = buffer.as_ptr() as u64..buffer.as_ptr() as u64 + buffer.len() as u64;
        let mut count = 0;
        for (mut at, end) in maps.lines().filter_map(writable) {
            while at < end {
                if own.contains(&at) {
                    at = own.end;
                    continue;
                }
                let stop = if at < own.start { end.min(own.start) } else { end };
                let wanted = usize::try_from(stop.saturating_sub(at)).expect("64 bits").min(buffer.len());
                let Ok(read) = memory.read_at(&mut buffer[..wanted], at) else { break };
                count += self.count_in(&buffer[..read]);
                // The next part overlaps, so that nothing hides between two.
                at += if at + (read as u64) < stop { (read - self.0.len() + 1) as u64 } else { read as u64 };
            }
        }
        buffer.fill(0);
        count
    }
}

/// Bounds of a writable region.
fn writable(line: &str) -> Option<(u64, u64)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let bounds = (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
    (rest.starts_with("rw") && !rest.contains("[v")).then_some(bounds)
}

/// A card that takes any PIN. Looks for `verify` in memory while the command is on its way.
struct Watching {
    verify: Pattern,
    found: usize,
}

impl CardTransport for Watching {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        Ok(match command {
            [0x00, 0x20, 0x00, _] => vec![0x63, 0xC3],
            [0x00, 0x20, ..] => {
                self.found = self.verify.count();
                vec![0x90, 0x00]
            }
            [0x00, 0xB0, ..] => vec![0x6A, 0x82],
            _ => vec![0x90, 0x00],
        })
    }
}

/// So many letters that stand nowhere else, made where they stay: a returned array would leave a copy behind.
fn random_letters(len: usize) -> Vec<u8> {
    let mut letters = vec![0; len];
    File::open("/dev/urandom").and_then(|source| source.read_exact_at(&mut letters, 0)).expect("randomness");
    letters.iter_mut().for_each(|byte| *byte = b'A' + *byte % 26);
    letters
}

#[test]
fn nothing_is_left_of_a_password_or_of_the_command_that_carried_it() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut letters = random_letters(16);
    let password = Pattern::of(letters.iter().copied());
    let entry = SignaturePassword::parse(&letters).expect("sixteen letters");
    wipe(&mut letters);
    assert!(password.count() > 0, "control: the entry itself is found");

    let mut link = Watching { verify: password.after(&[0x00, 0x20, 0x00, 0x9B, 16]), found: 0 };
    let mut card = Card::new(&mut link, CardCapabilities::default());
    let mut jpki = card.select_jpki().expect("selects");
    let read = jpki.signature_certificate(entry, LastAttempt::Refuse, Disclosure::NameAddressBirthDateSex);
    assert!(read.is_err(), "this card has no certificate");
    assert!(link.found > 0, "control: the command is found while it is on its way");
    assert_eq!((link.verify.count(), password.count()), (0, 0), "and nothing of it afterwards");
}

#[test]
fn nothing_is_left_of_the_commands_that_change_a_pin() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // Four digits alone stand in memory by chance; with the header of the command they do not.
    let digits: Vec<u8> = random_letters(8).iter().map(|letter| b'0' + letter % 10).collect();
    let (current, new) = digits.split_at(4);
    let verify = Pattern::of(current.iter().copied()).after(&[0x00, 0x20, 0x00, 0x98, 4]);
    let change = Pattern::of(new.iter().copied()).after(&[0x00, 0x24, 0x01, 0x80, 4]);
    let parse = |digits| UserAuthenticationPin::parse(digits).expect("four digits");
    let mut link = Watching { verify: verify.clone(), found: 0 };
    let mut card = Card::new(&mut link, CardCapabilities::default());
    let mut jpki = card.select_jpki().expect("selects");
    jpki.change_user_authentication(parse(current), parse(new), LastAttempt::Refuse).expect("changes");
    assert!(link.found > 0, "control: the command is found while it is on its way");
    assert_eq!((verify.count(), change.count()), (0, 0), "and nothing of either afterwards");
}

fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    std::hint::black_box(bytes);
}
