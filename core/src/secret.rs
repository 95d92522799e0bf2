//! Secrets that are wiped when dropped and cannot be printed, copied or serialized.

use zeroize::Zeroizing;

/// `Debug` that names a type and shows nothing of it: for what is personal or secret.
macro_rules! opaque_debug {
    ($($name:ident $(<$lifetime:lifetime>)?),+) => {
        $(impl std::fmt::Debug for $name $(<$lifetime>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        })+
    };
}

pub(crate) use opaque_debug;

/// Bytes that are wiped when dropped. Has neither `Debug`, `Clone` nor a way out but [`Secret::expose`].
pub(crate) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes a wiped-on-drop copy; the caller wipes its own.
    pub(crate) fn copy_of(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// Changes each byte by `f`, in place.
    pub(crate) fn map(mut self, f: impl Fn(u8) -> u8) -> Self {
        self.0.iter_mut().for_each(|byte| *byte = f(*byte));
        self
    }

    /// The bytes, for the one place that sends them.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}
