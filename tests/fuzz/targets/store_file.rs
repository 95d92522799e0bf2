//! The store's file: by the first byte, any bytes, or a small store with some of its bytes changed. Opening, looking
//! through, reading, writing and removing end in a value or an error.
#![no_main]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook};
use std::path::PathBuf;
use std::sync::LazyLock;

use kazasu::Error;
use kazasu::store::{Event, LogVerdict, Query, SecretKind, Store};
use kazasu_fuzz::family::{self, WHOLE};
use libfuzzer_sys::fuzz_target;

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    // Panics below the store are caught by it, and no finding: the hook of libFuzzer would end the process.
    set_hook(Box::new(|info| eprintln!("{info}")));
    family::path("store")
});

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else { return };
    let file = if kind % 2 == 0 { rest.to_vec() } else { changed(rest) };
    fs::write(&*FILE, file).expect("writes");
    if let Err(panic) = catch_unwind(AssertUnwindSafe(use_it)) {
        eprintln!("a panic left the store");
        resume_unwind(panic);
    }
});

/// The store with bytes changed: three bytes say where, one what is added; a first byte that is odd cuts the file.
fn changed(input: &[u8]) -> Vec<u8> {
    let mut file = WHOLE[1..].to_vec();
    let Some((cut, changes)) = input.split_first() else { return file };
    for change in changes.chunks_exact(4) {
        let at = usize::from(change[0]) << 16 | usize::from(change[1]) << 8 | usize::from(change[2]);
        let at = at % file.len();
        file[at] = file[at].wrapping_add(change[3]);
    }
    if cut % 2 == 1 {
        file.truncate(file.len() * usize::from(*cut) / 256);
    }
    file
}

fn use_it() {
    let Ok(mut store) = Store::open(family::settings(&FILE)) else { return };
    let is_whole = matches!(store.verify(), Ok(LogVerdict::Whole { .. }));
    let done = look_and_write(&mut store);
    assert!(!is_whole || done.is_ok(), "whole, and then {done:?}");
    drop(store);
    let again = Store::open(family::settings(&FILE)).and_then(|mut store| store.verify());
    assert!(!is_whole || matches!(again, Ok(LogVerdict::Whole { .. })), "whole, and later {again:?}");
}

fn look_and_write(store: &mut Store) -> Result<(), Error> {
    let members = store.members()?;
    for member in &members {
        store.secret(member.id, SecretKind::Access)?;
        store.records(member.id, &Query::default(), 9)?;
        store.history(member.id, None, 9)?;
        store.visit_payments(member.id, |_| Ok(true))?;
        store.remembered(Some(member.id), "b")?;
    }
    store.log_entries(None, 99)?;
    store.append_log(Event::LogRead, None, Ok(()))?;
    store.rotate()?;
    if let Some(member) = members.first() {
        store.remove_member(member.id)?;
    }
    store.compact()?;
    store.checkpoint().map(drop)
}
