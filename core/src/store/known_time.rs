//! What a server has said the time is, and for how long that helps.

use crate::time::UnixMillis;

/// How far the clock may be from the server's, and for how long it is believed then.
pub(super) const DAY_MS: i64 = 86_400_000;

/// The last confirmation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct KnownTime {
    /// What the server said.
    pub(super) server: UnixMillis,
    /// What this device's clock said then.
    pub(super) local: UnixMillis,
}

impl KnownTime {
    /// Before the first.
    pub(super) const NEVER: Self = Self { server: UnixMillis(0), local: UnixMillis(0) };

    /// The confirmed time when the clock says `now`.
    pub(super) fn at(self, now: UnixMillis) -> Option<UnixMillis> {
        let since = now.ms_since(self.local);
        (self.server.0 > 0 && (0..=DAY_MS).contains(&since)).then(|| self.server.plus_ms(since))
    }
}

/// Whether the server's clock is one, and the device's less than a day from it.
pub(super) fn is_near(server: UnixMillis, local: UnixMillis) -> bool {
    server.is_plausible() && server.ms_since(local).unsigned_abs() <= DAY_MS.unsigned_abs()
}
