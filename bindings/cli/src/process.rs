//! What the process owes to the secrets it holds: no core dump has them, and no panic tells of them.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

use rustix::process::{Resource, Rlimit, setrlimit};

/// Where the last panic was, as file and line of the source.
static PANICKED_AT: Mutex<Option<String>> = Mutex::new(None);

/// No core dumps, and on Linux no reading of this process's memory by other programs of the user (`ptrace`).
pub(crate) fn close_to_others() {
    // A system that refuses leaves what it had; there is nobody to tell who could do something about it.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Does the work; a panic gives the place of the bug in the source, and is not told to anybody else.
///
/// The text of a panic may hold what the work was about. The store meets damaged files in panics too, and handles them.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line()));
        // Of another thread nobody else will hear.
        if std::thread::current().name() != Some("main") {
            crate::output::complain(&format!("KZ-U04 ({})", place.as_deref().unwrap_or("?")));
        }
        *PANICKED_AT.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }));
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|_: Box<dyn Any + Send>| {
        PANICKED_AT.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_else(|| "?".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_gives_its_place_and_not_its_text() {
        let place = guarded(|| {
            if true {
                panic!("1234")
            }
        })
        .expect_err("a panic");
        assert!(place.starts_with("bindings/cli/src/process.rs:") && !place.contains("1234"), "{place}");
        assert_eq!(guarded(|| 1), Ok(1));
        // What the store catches is nobody's bug.
        let caught = guarded(|| panic::catch_unwind(|| panic!("caught")).is_err());
        assert_eq!(caught, Ok(true));
    }
}
