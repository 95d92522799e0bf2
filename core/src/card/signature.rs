//! Signatures with the authentication key: what each generation takes and gives, checked before it is returned.

use super::jpki::{Jpki, refused};
use super::profile::{self, ef};
use crate::crypto::{Algorithm, EcdsaSignature, PublicKey, SignatureVerifier};
use crate::error::{CardFault, Error};
use crate::iso7816::Command;
use crate::iso7816::channel::{ins, short_ef};

/// DER DigestInfo of SHA-256 up to the digest (RFC 8017, 9.2, note 1).
const SHA256_DIGEST_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

impl Jpki<'_, '_> {
    /// Signs `message` with the authentication key, in the JOSE form of the key's algorithm, and checks the result with
    /// `key` before it is returned. The PIN must be verified.
    ///
    /// Today's card takes a DigestInfo and pads it; EC cards take the bare hash and answer DER or `r ‖ s`.
    pub(crate) fn sign(
        &mut self,
        key: &PublicKey,
        message: &[u8],
        verifier: SignatureVerifier,
    ) -> Result<Vec<u8>, Error> {
        let digest = key.algorithm().digest(message);
        let input = match key.algorithm() {
            Algorithm::Rs256 => [&SHA256_DIGEST_INFO[..], &digest].concat(),
            Algorithm::Es256 | Algorithm::Es384 => digest,
        };
        let answer = self.compute_signature(&input)?;
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

    /// Sends the input to the key by its short identifier, or selects the key first where the card wants that.
    fn compute_signature(&mut self, input: &[u8]) -> Result<Vec<u8>, Error> {
        let command = |reference| {
            Command::new(profile::CLA_PROPRIETARY, profile::INS_SIGN, 0x00, reference).with_data(input).with_le(256)
        };
        if self.channel.capabilities.short_ef != Some(false) {
            let response = self.channel.transmit(&command(0x80 | short_ef(ef::AUTHENTICATION_KEY)))?;
            if response.status.is_ok() {
                return Ok(response.data);
            }
            if !response.status.is_unsupported_form() {
                return Err(refused(profile::INS_SIGN)(response.status));
            }
        }
        let status = self.channel.select_ef(ef::AUTHENTICATION_KEY)?;
        if !status.is_ok() {
            return Err(refused(ins::SELECT)(status));
        }
        let response = self.channel.transmit(&command(0x80))?;
        if response.status.is_ok() { Ok(response.data) } else { Err(refused(profile::INS_SIGN)(response.status)) }
    }
}
