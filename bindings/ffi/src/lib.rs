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

/// Wipes every block when it is freed: what a binding copied, a PIN among it, does not outlive its use.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

uniffi::setup_scaffolding!();
