//! The server's clock, as far as its answers tell (RFC 9110, 6.6.1; RFC 9111, 4.2.3).
//!
//! ```text
//! answer of the server itself   Date − received  ≤  offset  ≤  Date + 1 s − sent
//! answer a cache may have kept  Date + Age − received  ≤  offset
//! ```
//!
//! What is known moves no further than an answer makes it: a right clock is left alone, whatever the network does, and a
//! document that lay in a cache for a day cannot turn it back. A time at which this version cannot run is no time. TLS is
//! checked by the device's clock and by no other.

use std::sync::{Mutex, PoisonError};

use super::message::{Method, Reply};
use crate::time::UnixMillis;

/// An `Age` beyond a year, in seconds, is none.
const LONGEST_AGE_S: u64 = 31_536_000;

/// What one connection knows of the server's clock. Every answer tells, whoever asked for it.
#[derive(Default)]
pub(crate) struct ServerClock(Mutex<Known>);

#[derive(Clone, Copy, Default)]
struct Known {
    /// Server clock minus local clock, in milliseconds.
    offset_ms: i64,
    /// The latest `Date` that no cache can have kept.
    confirmed: Option<UnixMillis>,
}

impl ServerClock {
    /// Learns from the answer to a request of this method, which was sent and received at these times of the device.
    pub(crate) fn learn(&self, method: Method, reply: &Reply, sent: UnixMillis, received: UnixMillis) {
        let Some(date) = reply.date().filter(|date| date.is_plausible()) else { return };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match Freshness::of(method, reply) {
            Freshness::Own => {
                // `Date` has whole seconds. A device's clock that was set meanwhile leaves no room between the two.
                let least = date.ms_since(received);
                let most = date.plus_ms(1000).ms_since(sent).max(least);
                known.offset_ms = known.offset_ms.clamp(least, most);
                known.confirmed = Some(date);
            }
            Freshness::Kept { age_ms } => {
                // Once the server itself has told, what a cache gives tells nothing more.
                if known.confirmed.is_none() {
                    known.offset_ms = known.offset_ms.max(date.plus_ms(age_ms).ms_since(received));
                }
            }
            Freshness::Unknown => {}
        }
    }

    /// Server clock minus local clock, in milliseconds.
    pub(crate) fn offset_ms(&self) -> i64 {
        self.known().offset_ms
    }

    /// The latest `Date` of an answer that no cache can have kept.
    pub(crate) fn confirmed(&self) -> Option<UnixMillis> {
        self.known().confirmed
    }

    fn known(&self) -> Known {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How old an answer may be.
#[derive(Debug, Eq, PartialEq)]
enum Freshness {
    /// The server made it for this request.
    Own,
    /// A cache may have kept it, for this long at least.
    Kept { age_ms: i64 },
    /// A cache kept it and does not say for how long.
    Unknown,
}

impl Freshness {
    fn of(method: Method, reply: &Reply) -> Self {
        match reply.header("age").map(|age| age.split(',').next().unwrap_or_default().trim().parse::<u64>()) {
            // No cache answers for the server what is not safe (RFC 9111, 4), nor what must not be stored (5.2.2.5), nor keeps
            // a refusal by itself (RFC 9110, 15.1).
            None if method != Method::Get || is_unstorable(reply) || matches!(reply.status, 400 | 401) => Self::Own,
            None => Self::Kept { age_ms: 0 },
            Some(Ok(age)) if age <= LONGEST_AGE_S => {
                Self::Kept { age_ms: i64::try_from(age.saturating_mul(1000)).unwrap_or(0) }
            }
            Some(_) => Self::Unknown,
        }
    }
}

fn is_unstorable(reply: &Reply) -> bool {
    let lines = reply.headers.get_all("cache-control").iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|directive| directive.trim().eq_ignore_ascii_case("no-store"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-20T00:35:00Z.
    const NOW: UnixMillis = UnixMillis(1_795_134_900_700);

    fn reply(headers: &[(&'static str, &str)]) -> Reply {
        let headers = headers.iter().map(|(name, value)| {
            let value = value.parse().expect("a header value");
            (ureq::http::HeaderName::from_static(name), value)
        });
        Reply { status: 200, headers: headers.collect(), body: Vec::new() }
    }

    fn date(at: UnixMillis) -> String {
        let since = std::time::Duration::from_secs(at.seconds().unsigned_abs());
        httpdate::fmt_http_date(std::time::UNIX_EPOCH + since)
    }

    /// What a device whose clock is right until then learns from one answer.
    fn learnt(method: Method, headers: &[(&'static str, &str)]) -> (i64, bool) {
        let clock = ServerClock::default();
        clock.learn(method, &reply(headers), NOW.plus_ms(-200), NOW);
        (clock.offset_ms(), clock.confirmed().is_some())
    }

    #[test]
    fn a_cached_answer_moves_the_clock_forward_and_never_back() {
        let (behind, ahead) = (date(NOW.plus_ms(-1_800_000)), date(NOW.plus_ms(7_200_000)));
        assert_eq!(
            learnt(Method::Get, &[("date", &behind)]),
            (0, false),
            "half an hour in a cache that does not say so"
        );
        assert_eq!(learnt(Method::Get, &[("date", &behind), ("age", "1800")]), (0, false), "and in one that does");
        assert_eq!(learnt(Method::Get, &[("date", &behind), ("age", "9000")]), (7_199_300, false), "two hours ahead");
        assert_eq!(learnt(Method::Get, &[("date", &ahead)]), (7_199_300, false));
        assert_eq!(learnt(Method::Get, &[("date", &behind), ("cache-control", "max-age=3600")]), (0, false));
    }

    #[test]
    fn an_answer_that_no_cache_keeps_sets_it() {
        let behind = date(NOW.plus_ms(-1_800_000));
        // `Date` is cut to whole seconds: the least that it must be moved by.
        assert_eq!(learnt(Method::Post, &[("date", &behind)]), (-1_799_500, true));
        assert_eq!(learnt(Method::Put, &[("date", &behind)]), (-1_799_500, true));
        let unstored = [("date", &behind[..]), ("cache-control", "private, No-Store")];
        assert_eq!(learnt(Method::Get, &unstored), (-1_799_500, true));
        let clock = ServerClock::default();
        clock.learn(Method::Get, &Reply { status: 401, ..reply(&[("date", &behind)]) }, NOW, NOW);
        assert_eq!(clock.offset_ms(), -1_799_700, "a refusal");
        assert_eq!(
            learnt(Method::Post, &[("date", &behind), ("age", "0")]),
            (0, false),
            "from a cache, whatever the method"
        );
    }

    #[test]
    fn a_right_clock_is_left_alone_however_slow_the_network() {
        let clock = ServerClock::default();
        for (sent_ms, received_ms) in [(0, 0), (-14_000, 0), (0, 14_000), (-14_000, 14_000)] {
            let answered = reply(&[("date", &date(NOW))]);
            clock.learn(Method::Post, &answered, NOW.plus_ms(sent_ms), NOW.plus_ms(received_ms));
            assert_eq!(clock.offset_ms(), 0, "{sent_ms} {received_ms}");
        }
    }

    #[test]
    fn what_is_no_time_tells_nothing() {
        for text in [
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "Wed, 31 Dec 2025 23:59:59 GMT",
            "Sat, 31 Oct 2026 23:59:59 GMT",
            "Tue, 20 Nov 2046 00:35:00 GMT",
            "Mon, 01 Jan 0001 00:00:00 GMT",
            "soon",
            "",
            "-1",
            "1795134900",
        ] {
            assert_eq!(learnt(Method::Post, &[("date", text)]), (0, false), "{text}");
        }
        assert_eq!(learnt(Method::Post, &[]), (0, false));
        let behind = date(NOW.plus_ms(-1_800_000));
        for age in ["-1", "1800.5", "31536001", "18446744073709551615", "99999999999999999999", "", "x", "soon, 1800"] {
            assert_eq!(learnt(Method::Get, &[("date", &behind), ("age", age)]), (0, false), "{age}");
        }
        assert_eq!(
            learnt(Method::Get, &[("date", &date(NOW)), ("age", "600, x")]),
            (599_300, false),
            "its first member"
        );
    }

    /// However far the device's is off.
    #[test]
    fn a_server_tells_a_device_whose_clock_is_years_off() {
        let years = 365 * 86_400_000;
        for off_ms in [-56 * years, -20 * years, -years, years, 20 * years] {
            let clock = ServerClock::default();
            let received = NOW.plus_ms(off_ms);
            clock.learn(Method::Post, &reply(&[("date", &date(NOW))]), received, received);
            assert!((clock.offset_ms() + off_ms).abs() <= 1000, "{off_ms}");
            assert!(clock.confirmed().is_some());
        }
    }

    #[test]
    fn one_bad_answer_lasts_until_the_next() {
        let clock = ServerClock::default();
        let tell = |method, headers: &[(&'static str, &str)]| {
            clock.learn(method, &reply(headers), NOW, NOW);
            clock.offset_ms()
        };
        let good = date(NOW);
        assert_eq!(tell(Method::Post, &[("date", &good)]), 0);
        assert_eq!(tell(Method::Post, &[("date", &date(NOW.plus_ms(-900_000)))]), -899_700);
        assert_eq!(tell(Method::Get, &[("date", &date(NOW.plus_ms(900_000)))]), -899_700, "a cache no longer counts");
        assert!(tell(Method::Post, &[("date", &good)]).abs() < 1000);
        assert_eq!(clock.confirmed(), Some(UnixMillis::from_seconds(NOW.seconds())));
    }

    #[test]
    fn a_device_whose_clock_is_set_meanwhile_learns_without_a_panic() {
        let clock = ServerClock::default();
        for (sent, received) in [
            (NOW, NOW.plus_ms(-3_600_000)),
            (UnixMillis(i64::MIN), NOW),
            (UnixMillis(i64::MAX), NOW),
            (NOW, UnixMillis(i64::MIN)),
        ] {
            clock.learn(Method::Post, &reply(&[("date", &date(NOW))]), sent, received);
        }
        clock.learn(Method::Post, &reply(&[("date", &date(NOW))]), NOW, NOW);
        assert!(clock.offset_ms().abs() <= 1000);
    }
}
