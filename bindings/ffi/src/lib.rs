//! Kazasu for Kotlin, Swift and Python: translation only, every rule lives in the crate `kazasu`.

pub mod card;
pub mod device_key;
pub mod error;
pub mod guidance;
pub mod key_wrapper;
pub mod log;
pub mod qualify;
pub mod session;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod store;
pub mod text;
pub mod transport;

#[cfg(all(feature = "simulator", not(debug_assertions)))]
compile_error!("the simulated card never belongs in a release build: drop the feature `simulator`");

// Cargo gives core what any crate of the same build asks for: the command line and the tests ask for more than a phone may have.
#[cfg(not(debug_assertions))]
const _: () = assert!(
    kazasu::TEST_FEATURES.is_empty(),
    "features of core that are for tests (diagnostics, simulator, software-key) never belong in a release build: build kazasu-ffi alone"
);

/// Wipes every block when it is freed: what a binding copied, a PIN among it, does not outlive its use.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

// No panic hook: it is one for the process, and the app's to set. A panic of this library becomes an exception; before that
// the default hook writes its text to standard error, which goes nowhere on Android and to a debugger on iOS. redb's own, about
// damaged files, name pages and no contents. An app that has standard error collected sets a hook of its own in Rust.
uniffi::setup_scaffolding!();
