//! The access log: who looked at what, when, and how it ended. Never a value, a name or a PIN.
//!
//! ```text
//! body = 01 | u8 event | u64 unix ms | pseudonym 16 (zeros: nobody's) | result 6 ("OK" or "KZ-C04") | u8 subject
//! ```
//!
//! Appending happens in the transaction of what is told, so that neither is without the other.

use std::collections::BTreeMap;

use super::chain::{Checkpoint, Link, genesis, link};
use super::event::{Event, Subject};
use super::file::{Reader, Visit};
use super::keys::{Holder, MemberId, row_key};
use super::schema::Table;
use super::{Store, Tx};
use crate::error::{Error, StoreFault};
use crate::time::UnixMillis;

/// Entries between two checkpoints.
pub(super) const CHECKPOINT_EVERY: u64 = 64;
/// Name of the setting that says when the log was last looked at, in milliseconds, and how long it was then.
const LOG_SEEN: &[u8] = b"log_seen";
const VERSION: u8 = 1;
const BODY_LEN: usize = 33;
const OK: [u8; 6] = *b"OK\0\0\0\0";

/// One entry, as it is read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogEntry {
    /// Number, from 1.
    pub n: u64,
    /// What happened.
    pub event: Event,
    /// When, by the clock of this device.
    pub at: UnixMillis,
    /// Whose data it was about; `None` for the store itself and for members removed since.
    pub member: Option<MemberId>,
    /// `OK`, or the code of the error.
    pub result: String,
    /// What it was about.
    pub subject: Subject,
    /// Hash of this entry and of all before it.
    pub link: [u8; 32],
}

/// What looking through the whole log found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LogVerdict {
    /// Every entry and every checkpoint fits.
    Whole {
        /// Entries looked at.
        entries: u64,
        /// Checkpoints looked at.
        checkpoints: u64,
    },
    /// Entry `n` is the first that does not fit.
    Broken {
        /// Its number.
        n: u64,
        /// What is wrong with it.
        what: LogDamage,
    },
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogDamage {
    /// There is another number in its place, or nothing.
    Missing,
    /// Its hash is not that of its contents and of the entry before it.
    Changed,
    /// The signed checkpoint after it says otherwise, or is missing.
    Checkpoint,
    /// The store says that the log ends elsewhere.
    End,
}

impl Tx<'_> {
    /// Adds an entry, and one more before it if the clock went backwards.
    pub(super) fn log(
        &mut self,
        event: Event,
        member: Option<MemberId>,
        result: Result<(), &Error>,
        subject: Subject,
    ) -> Result<(), Error> {
        self.log_result(event, member, result.map_or_else(Error::code, |()| "OK"), subject)
    }

    /// [`Tx::log`] of something that ended with this code, or with `OK`.
    pub(super) fn log_result(
        &mut self,
        event: Event,
        member: Option<MemberId>,
        result: &str,
        subject: Subject,
    ) -> Result<(), Error> {
        let now = self.context.clock.now();
        if now < self.state.log.at {
            self.append(&body(Event::ClockSetBack, now, [0; 16], OK, 0), now)?;
        }
        let pseudonym = member.map_or(Ok([0; 16]), |member| self.ring.pseudonym(member))?;
        self.append(&body(event, now, pseudonym, code_bytes(result), subject), now)
    }

    fn append(&mut self, body: &[u8], now: UnixMillis) -> Result<(), Error> {
        let head = &mut self.state.log;
        let n = head.entries.checked_add(1).ok_or(Error::Internal { detail: "the log is full" })?;
        let link = link(n, &head.hash, body);
        (head.entries, head.hash, head.at) = (n, link, now);
        self.writer.insert(Table::Log, &n.to_be_bytes(), &[&link[..], body].concat())?;
        if n.saturating_sub(self.state.log.checkpoint) >= CHECKPOINT_EVERY {
            self.checkpoint()?;
        }
        Ok(())
    }

    /// Signs the log as it stands, unless that was done already.
    pub(super) fn checkpoint(&mut self) -> Result<(), Error> {
        let head = self.state.log;
        if head.checkpoint == head.entries {
            return Ok(());
        }
        let (id, now) = (self.context.log, self.context.clock.now());
        let checkpoint =
            Checkpoint::sign(&*self.context.log_key, id, head.entries, head.hash, now, head.checkpoint_hash)?;
        self.writer.insert(Table::Checkpoints, &head.entries.to_be_bytes(), &checkpoint.to_bytes())?;
        self.state.log.checkpoint = head.entries;
        self.state.log.checkpoint_hash = checkpoint.hash();
        Ok(())
    }
}

impl Store {
    /// Adds entries for what the caller did with the data: a consent changed at the server, a PIN the card refused.
    ///
    /// # Errors
    /// [`Error::Usage`] for a member who is not registered; [`Error::Store`]; [`Error::DeviceKey`] when the log key refuses.
    pub fn append_log(
        &mut self,
        event: Event,
        member: Option<MemberId>,
        result: Result<(), &Error>,
    ) -> Result<(), Error> {
        self.write(|tx| tx.log(event, member, result, 0))
    }

    /// Adds entries in one transaction, as [`Store::append_log`] does one: for what was done while the store was not open.
    ///
    /// # Errors
    /// As [`Store::append_log`]; none is added then.
    pub fn append_log_all(
        &mut self,
        entries: impl IntoIterator<Item = (Event, Option<MemberId>)>,
    ) -> Result<(), Error> {
        self.write(|tx| entries.into_iter().try_for_each(|(event, member)| tx.log(event, member, Ok(()), 0)))
    }

    /// Tells the log that a person has looked at it, and remembers when, and how long it was with this entry.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::DeviceKey`] when the log key refuses.
    pub fn mark_log_read(&mut self) -> Result<(), Error> {
        self.write(|tx| {
            tx.log(Event::LogRead, None, Ok(()), 0)?;
            let seen = format!("{} {}", tx.state.log.at.0, tx.state.log.entries);
            tx.put(Holder::Device, Table::Settings, &row_key(Holder::Device, LOG_SEEN), seen.as_bytes())
        })
    }

    /// When a person last looked at the log, and how many entries it had then.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn log_last_read(&self) -> Result<Option<(UnixMillis, u64)>, Error> {
        let kept = self.read(|view| view.get(Holder::Device, Table::Settings, &row_key(Holder::Device, LOG_SEEN)))?;
        let read = |kept: &[u8]| {
            let (at, entries) = str::from_utf8(kept).ok()?.split_once(' ')?;
            Some((UnixMillis(at.parse().ok()?), entries.parse().ok()?))
        };
        Ok(kept.as_deref().and_then(|kept| read(kept)))
    }

    /// The newest checkpoint, made now if entries came since the last one. Keep it elsewhere and hand it to
    /// [`Store::open`](super::Store::open): it shows that the whole store was not put back.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::DeviceKey`] when the log key refuses.
    pub fn checkpoint(&mut self) -> Result<Checkpoint, Error> {
        if self.state.log.checkpoint != self.state.log.entries {
            self.write(|tx| tx.checkpoint())?;
        }
        let n = self.state.log.checkpoint.to_be_bytes();
        let found = self.file.read(|reader| reader.get(Table::Checkpoints, &n))?;
        found.as_deref().and_then(Checkpoint::from_bytes).ok_or(StoreFault::Damaged { what: "checkpoints" }.into())
    }

    /// Entries so far.
    pub const fn log_len(&self) -> u64 {
        self.state.log.entries
    }

    /// At most `limit` entries, the newest first, from number `before` on downwards; `None` for the newest of all.
    /// Reading is not told in the log: an app tells of it with [`Event::LogRead`] when a person looks.
    ///
    /// # Errors
    /// [`StoreFault::Damaged`] for an entry that cannot be read.
    pub fn log_entries(&self, before: Option<u64>, limit: u32) -> Result<Vec<LogEntry>, Error> {
        let last = before.map_or(self.state.log.entries, |before| before.saturating_sub(1).min(self.state.log.entries));
        let first = last.saturating_sub(u64::from(limit).saturating_sub(1)).max(1);
        let mut entries = Vec::new();
        if limit > 0 && last > 0 {
            self.visit_log(first, last, |entry| {
                entries.push(entry);
                Ok(())
            })?;
        }
        entries.reverse();
        Ok(entries)
    }

    /// Shows entries `first` to `last` in their order, one at a time.
    ///
    /// # Errors
    /// As [`Store::log_entries`], and those of `visit`.
    pub fn visit_log(
        &self,
        first: u64,
        last: u64,
        mut visit: impl FnMut(LogEntry) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let members = self.pseudonyms()?;
        let range = first.to_be_bytes().to_vec()..=last.to_be_bytes().to_vec();
        self.file.read(|reader| {
            reader.visit(Table::Log, &range, |key, value| {
                let entry = parse(key, value, &members).ok_or(StoreFault::Damaged { what: "log" })?;
                visit(entry).map(|()| Visit::Next)
            })
        })
    }

    /// Looks through the whole log: every hash, every checkpoint and its signature, and the end.
    ///
    /// # Errors
    /// [`Error::Store`] when the file itself cannot be read. Damage to the log is no error but a [`LogVerdict`].
    pub fn verify_log(&self) -> Result<LogVerdict, Error> {
        self.file.read(|reader| {
            let mut walk = Walk::new(self, reader);
            reader.visit_all(Table::Log, |key, value| {
                walk.step(key, value).map(|fits| if fits { Visit::Next } else { Visit::Stop })
            })?;
            walk.finish()
        })
    }

    fn pseudonyms(&self) -> Result<BTreeMap<[u8; 16], MemberId>, Error> {
        self.ring.members().map(|member| Ok((self.ring.pseudonym(member)?, member))).collect()
    }
}

/// The log so far, while it is looked through.
struct Walk<'a> {
    store: &'a Store,
    reader: &'a Reader,
    entries: u64,
    link: Link,
    checkpoints: u64,
    checkpoint_hash: [u8; 32],
    next_checkpoint: Option<(u64, Option<Checkpoint>)>,
    broken: Option<(u64, LogDamage)>,
}

impl<'a> Walk<'a> {
    fn new(store: &'a Store, reader: &'a Reader) -> Self {
        Self {
            store,
            reader,
            entries: 0,
            link: genesis(&store.context.log),
            checkpoints: 0,
            checkpoint_hash: [0; 32],
            next_checkpoint: None,
            broken: None,
        }
    }

    fn step(&mut self, key: &[u8], value: &[u8]) -> Result<bool, Error> {
        let n = self.entries.saturating_add(1);
        let damage = match value.split_first_chunk::<32>() {
            _ if key != n.to_be_bytes() => Some(LogDamage::Missing),
            Some((stored, body)) if *stored == link(n, &self.link, body) => {
                (self.entries, self.link) = (n, *stored);
                (!self.checkpoint_fits(n)?).then_some(LogDamage::Checkpoint)
            }
            _ => Some(LogDamage::Changed),
        };
        self.broken = damage.map(|damage| (n, damage));
        Ok(damage.is_none())
    }

    /// Whether the checkpoint at `n`, if there is one, says what the chain says.
    fn checkpoint_fits(&mut self, n: u64) -> Result<bool, Error> {
        if self.next_checkpoint.is_none() {
            self.next_checkpoint = self.checkpoint_from(n)?;
        }
        let Some((at, checkpoint)) = self.next_checkpoint.take_if(|(at, _)| *at <= n) else { return Ok(true) };
        let Some(checkpoint) = checkpoint.filter(|checkpoint| at == n && checkpoint.entries == n) else {
            return Ok(false);
        };
        let context = &self.store.context;
        let fits = checkpoint.log == context.log
            && checkpoint.link == self.link
            && checkpoint.previous == self.checkpoint_hash
            && checkpoint.verifies(&context.log_public_key, context.verifier);
        self.checkpoint_hash = checkpoint.hash();
        self.checkpoints = self.checkpoints.saturating_add(1);
        Ok(fits)
    }

    /// The first checkpoint at `n` or later, with the number it stands under; `None` in its place if it cannot be read.
    fn checkpoint_from(&self, n: u64) -> Result<Option<(u64, Option<Checkpoint>)>, Error> {
        let mut found = None;
        let range = n.to_be_bytes().to_vec()..=vec![0xff; 8];
        self.reader.visit(Table::Checkpoints, &range, |key, value| {
            let at = key.try_into().map_or(n, u64::from_be_bytes);
            found = Some((at, Checkpoint::from_bytes(value)));
            Ok(Visit::Stop)
        })?;
        Ok(found)
    }

    fn finish(self) -> Result<LogVerdict, Error> {
        let head = self.store.state.log;
        // Rows under other keys than the numbers do not stand in the way of the walk.
        let more = self.reader.len(Table::Log)? != self.entries;
        let more_checkpoints = self.reader.len(Table::Checkpoints)? != self.checkpoints;
        let after = self.entries.saturating_add(1);
        let ends = self.entries == head.entries && self.link == head.hash;
        let signed = self.checkpoint_hash == head.checkpoint_hash && self.next_checkpoint.is_none();
        Ok(match self.broken {
            Some((n, what)) => LogVerdict::Broken { n, what },
            None if self.entries < head.entries => LogVerdict::Broken { n: after, what: LogDamage::Missing },
            None if !ends || more => LogVerdict::Broken { n: self.entries, what: LogDamage::End },
            None if !signed || more_checkpoints => {
                LogVerdict::Broken { n: head.checkpoint, what: LogDamage::Checkpoint }
            }
            None => LogVerdict::Whole { entries: self.entries, checkpoints: self.checkpoints },
        })
    }
}

fn body(event: Event, at: UnixMillis, pseudonym: [u8; 16], result: [u8; 6], subject: Subject) -> Vec<u8> {
    let mut body = vec![VERSION, event.code()];
    body.extend(at.0.to_be_bytes());
    body.extend(pseudonym);
    body.extend(result);
    body.push(subject);
    body
}

fn code_bytes(code: &str) -> [u8; 6] {
    let mut bytes = [0; 6];
    bytes.iter_mut().zip(code.bytes()).for_each(|(to, from)| *to = from);
    bytes
}

fn parse(key: &[u8], value: &[u8], members: &BTreeMap<[u8; 16], MemberId>) -> Option<LogEntry> {
    let n = u64::from_be_bytes(key.try_into().ok()?);
    let (link, body) = value.split_first_chunk::<32>()?;
    let (&[VERSION, event], rest) = body.split_first_chunk::<2>().filter(|_| body.len() == BODY_LEN)? else {
        return None;
    };
    let (at, rest) = rest.split_first_chunk::<8>()?;
    let (pseudonym, rest) = rest.split_first_chunk::<16>()?;
    let (result, rest) = rest.split_first_chunk::<6>()?;
    let result = str::from_utf8(result).ok()?.trim_end_matches('\0');
    let is_code = result.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    Some(LogEntry {
        n,
        event: Event::from_code(event),
        at: UnixMillis(i64::from_be_bytes(*at)),
        member: members.get(pseudonym).copied(),
        result: is_code.then(|| result.to_owned())?,
        subject: *rest.first()?,
        link: *link,
    })
}
