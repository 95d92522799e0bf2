//! Signatures with the keys of the card: what each key takes and gives, checked before it is returned.

use super::profile::{self, CLA_PROPRIETARY, INS_SIGN, SIGN_PADDED};
use super::refused;
use crate::crypto::{EcdsaSignature, PublicKey, SignatureVerifier};
use crate::error::{CardFault, Error};
use crate::iso7816::channel::{ins, short_ef};
use crate::iso7816::{Channel, Command, Response};

#[cfg(any(feature = "net", feature = "diagnostics"))]
impl super::Jpki<'_, '_> {
    /// Signs `message` with the authentication key, whose PIN must be verified, in the JOSE form of the key's algorithm.
    pub(crate) fn sign(
        &mut self,
        key: &PublicKey,
        message: &[u8],
        verifier: SignatureVerifier,
    ) -> Result<Vec<u8>, Error> {
        sign(self.channel, Some(profile::ef::AUTHENTICATION_KEY), key, message, verifier)
    }

    /// Signs SHA-256 (SHA-384 on a P-384 card) of a short challenge with the authentication key: a diagnostic.
    ///
    /// # Errors
    /// [`Error::Usage`] unless `challenge` has 8 to 64 bytes; otherwise as the card answers.
    #[cfg(feature = "diagnostics")]
    pub fn sign_challenge(
        &mut self,
        key: &PublicKey,
        challenge: &[u8],
        verifier: SignatureVerifier,
    ) -> Result<Vec<u8>, Error> {
        if !(8..=64).contains(&challenge.len()) {
            return Err(Error::usage("a challenge has 8 to 64 bytes"));
        }
        self.sign(key, challenge, verifier)
    }
}

/// Signs `message` with the private key in `key_file`, or with the application's default key, in the JOSE form of the
/// key's algorithm. Checks the result with `key` before it is returned.
///
/// EC cards answer DER or `r ‖ s`.
pub(super) fn sign(
    channel: &mut Channel<'_>,
    key_file: Option<u16>,
    key: &PublicKey,
    message: &[u8],
    verifier: SignatureVerifier,
) -> Result<Vec<u8>, Error> {
    let algorithm = key.algorithm();
    let input = [profile::signature_prefix(algorithm), &algorithm.digest(message)].concat();
    let answer = compute_signature(channel, key_file, &input)?;
    let candidates = match key.curve() {
        None => vec![answer],
        Some(curve) => [EcdsaSignature::from_der(curve, &answer), EcdsaSignature::from_fixed(curve, &answer)]
            .into_iter()
            .flatten()
            .map(|signature| signature.as_fixed().to_vec())
            .collect(),
    };
    candidates
        .into_iter()
        .find(|signature| verifier.verify_jose(key, message, signature))
        .ok_or_else(|| CardFault::BadSignature.into())
}

/// Sends the input to the key by its short identifier, or selects the key first where the card wants that.
fn compute_signature(channel: &mut Channel<'_>, key_file: Option<u16>, input: &[u8]) -> Result<Vec<u8>, Error> {
    let Some(file) = key_file else { return accepted(transmit(channel, profile::DEFAULT_KEY, input)?) };
    if channel.capabilities.short_ef != Some(false) {
        // Whatever the refusal: a signature costs no try.
        if let Ok(signature) = accepted(transmit(channel, 0x80 | short_ef(file), input)?) {
            return Ok(signature);
        }
    }
    let status = channel.select_ef(file)?;
    if !status.is_ok() {
        return Err(refused(ins::SELECT)(status));
    }
    accepted(transmit(channel, 0x80, input)?)
}

fn transmit(channel: &mut Channel<'_>, reference: u8, input: &[u8]) -> Result<Response, Error> {
    channel.transmit(&Command::new(CLA_PROPRIETARY, INS_SIGN, SIGN_PADDED, reference).with_data(input).with_le(256))
}

fn accepted(response: Response) -> Result<Vec<u8>, Error> {
    // A signature is checked before it counts, so that a warning beside it takes nothing away.
    response.into_file_data().map_err(refused(INS_SIGN))
}
