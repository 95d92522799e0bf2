//! The JWT by which an installation signs in beside its holder's card (RFC 7523, 2.2 and 3), with a key of its own: what
//! proves who asks must not be what the token is bound to.

use serde_json::json;

use super::dpop::{self, DeviceKey};
use crate::error::Error;
use crate::random;
use crate::time::UnixMillis;

/// Seconds for which it counts.
const LIFE_S: i64 = 120;

/// A fresh client assertion of `client_id` for the authorization server `issuer`.
///
/// # Errors
/// [`Error::DeviceKey`] when the key store refuses.
pub(crate) fn client_assertion(
    key: &dyn DeviceKey,
    client_id: &str,
    issuer: &str,
    now: UnixMillis,
) -> Result<String, Error> {
    let claims = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": issuer,
        "jti": random::generate_uuid()?,
        "iat": now.seconds(),
        "exp": now.seconds().saturating_add(LIFE_S),
    });
    dpop::sign(key, "JWT", &claims)
}
