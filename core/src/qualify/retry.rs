//! When a request is repeated, and how long to wait before.

use std::time::Duration;

use super::http::HttpClient;
use super::message::{Failure, Reply, Request};
use crate::error::Error;
use crate::random;
use crate::time::{Clock, UnixMillis};

/// A `Retry-After` beyond this is not waited for: the error says how long the server asks.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
const FIRST_BACKOFF_MS: u32 = 500;

/// How often a request may be repeated, and until when.
#[derive(Clone, Copy)]
pub(crate) struct Retries {
    pub(crate) count: u32,
    /// No repetition is sent after this instant.
    pub(crate) until: Option<UnixMillis>,
}

/// Sends what `request` makes until there is an answer that another try would not change. `request` is called for every
/// attempt, as each needs a DPoP proof of its own.
///
/// Every answer tells of the server's clock. Repeated are: connection lost before the answer, 408, 429, 502, 503, 504. And
/// where a request went unanswered, 409 to the same `Idempotency-Key` means that the first of them is still at work: the
/// answer is waited for as long as the request itself might take.
pub(crate) fn send(
    http: &HttpClient,
    clock: &dyn Clock,
    retries: Retries,
    mut request: impl FnMut() -> Result<Request, Error>,
) -> Result<Reply, Failure> {
    let mut may_have_arrived = false;
    let mut attempt = 0;
    let mut waited = Duration::ZERO;
    let cancellation = http.cancellation();
    loop {
        // Before the device key is asked for a proof that nobody would send.
        if cancellation.is_cancelled() {
            return Err(Failure { error: Error::Cancelled, is_reset: false, may_have_arrived });
        }
        let request = request()?;
        let sent = clock.now();
        let outcome = http.send(&request, attempt < retries.count);
        if let Ok(reply) = &outcome {
            http.server_clock.learn(request.method, reply, sent, clock.now());
        }
        if let Some(wait) =
            outcome.as_ref().ok().filter(|_| may_have_arrived).and_then(|reply| running(&request, reply))
            && waited.saturating_add(wait) <= http.time_of(&request)
        {
            waited = waited.saturating_add(wait);
            clock.sleep(wait, &cancellation);
            continue;
        }
        may_have_arrived |= outcome.as_ref().map_or_else(|failure| failure.may_have_arrived, |_| true);
        let wait = match &outcome {
            Ok(reply) if is_transient(reply.status) => reply.retry_after().map(Ok).unwrap_or_else(|| backoff(attempt)),
            Err(Failure { is_reset: true, .. }) => backoff(attempt),
            _ => return outcome.map_err(|failure| Failure { may_have_arrived, ..failure }),
        }?;
        let too_late = retries.until.is_some_and(|until| clock.now().plus_ms(millis(wait)) > until);
        if attempt >= retries.count || wait > LONGEST_WAIT || too_late {
            return outcome.map_err(|failure| Failure { may_have_arrived, ..failure });
        }
        clock.sleep(wait, &cancellation);
        attempt = attempt.saturating_add(1);
    }
}

/// How long to wait for the first request with this `Idempotency-Key`, if that is what the answer says
/// (draft-ietf-httpapi-idempotency-key-header-07, 2.7).
fn running(request: &Request, reply: &Reply) -> Option<Duration> {
    let has_key = request.headers.iter().any(|(name, _)| *name == "idempotency-key");
    reply.retry_after().filter(|_| reply.status == 409 && has_key)
}

fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 429 | 502..=504)
}

/// Full jitter over 0.5 s, then 1 s.
fn backoff(attempt: u32) -> Result<Duration, Error> {
    let longest = FIRST_BACKOFF_MS.checked_shl(attempt.min(4)).unwrap_or(FIRST_BACKOFF_MS);
    let draw = u32::from_be_bytes(random::generate_bytes()?);
    Ok(Duration::from_millis(u64::from(draw.checked_rem(longest).unwrap_or(0))))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_stays_below_its_bound() {
        for _ in 0..50 {
            assert!(backoff(0).expect("random") < Duration::from_millis(500));
            assert!(backoff(1).expect("random") < Duration::from_millis(1000));
        }
    }

    #[test]
    fn only_passing_states_are_repeated() {
        let repeated: Vec<u16> = (100..600).filter(|status| is_transient(*status)).collect();
        assert_eq!(repeated, [408, 429, 502, 503, 504]);
    }
}
