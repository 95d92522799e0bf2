//! A plain rate limit: so many requests in each minute, counted only while the switch is on.

use std::sync::Mutex;

use crate::sync::lock;
use crate::time::UnixSeconds;

/// The running minute.
#[derive(Default)]
pub(crate) struct RateLimit(Mutex<Minute>);

#[derive(Default)]
struct Minute {
    began: UnixSeconds,
    requests: u64,
}

impl RateLimit {
    /// Counts a request; past `limit` in this minute, the seconds until the next one begins.
    pub(crate) fn wait(&self, limit: u64, now: UnixSeconds) -> Option<u64> {
        let mut minute = lock(&self.0);
        let began = now - now.rem_euclid(60);
        if minute.began != began {
            *minute = Minute { began, requests: 0 };
        }
        minute.requests += 1;
        (minute.requests > limit).then(|| (began + 60).abs_diff(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_starts_again_each_minute() {
        let limit = RateLimit::default();
        assert_eq!((limit.wait(1, 600), limit.wait(1, 653), limit.wait(1, 660)), (None, Some(7), None));
    }
}
