//! 同意: given one by one, listed, withdrawn (wire contract §11).

use super::access::{Access, Feature};
use super::write::{Creation, place};
use crate::error::Error;
use crate::fhir::{Consent, ConsentTerms};

/// A consent about to be given. Keep it until the server has answered: sent again, it is the same consent.
#[derive(Clone, Debug)]
pub struct ConsentRequest(Creation);

impl Access {
    /// Prepares a consent; no I/O. Nothing is shared without one, and each is about one thing.
    ///
    /// # Errors
    /// [`Error::Usage`] for terms that no consent can have.
    pub fn prepare_consent(&self, terms: &ConsentTerms<'_>) -> Result<ConsentRequest, Error> {
        let now = self.server_time();
        Creation::new(|request| terms.to_json(request, self.patient(), now)).map(ConsentRequest)
    }

    /// Gives a consent, which takes the place of the one of its type. One round trip; blocks.
    ///
    /// # Errors
    /// [`Error::Usage`] when the server has no consents; otherwise as it answers. After [`Error::Connection`] send the same
    /// request again: it is given once.
    pub fn give_consent(&mut self, request: &ConsentRequest) -> Result<Consent, Error> {
        self.require(Feature::Consents)?;
        Consent::new(self.create(&request.0, Consent::TYPE)?)
    }

    /// Every consent of this person, those that have ended too. One round trip a page; blocks.
    ///
    /// # Errors
    /// As [`Access::give_consent`].
    pub fn consents(&mut self) -> Result<Vec<Consent>, Error> {
        self.require(Feature::Consents)?;
        let form = self.criteria(vec![("_count", "50".to_owned())]);
        let found = self.search(self.url("Consent/_search"), form, Consent::TYPE)?;
        found.into_resources().map(Consent::new).collect()
    }

    /// One consent as it stands now.
    ///
    /// # Errors
    /// As [`Access::give_consent`].
    pub fn consent(&mut self, id: &str) -> Result<Consent, Error> {
        let (path, _) = place(Consent::TYPE, Some(id), Some("0"))?;
        Consent::new(self.read(&path)?)
    }

    /// Withdraws a consent as it was read. One round trip; blocks.
    ///
    /// # Errors
    /// [`Error::Resource`] with `KZ-D03` when it has changed since: read it again with [`Access::consent`] and ask the person
    /// again. Otherwise as [`Access::give_consent`].
    pub fn withdraw_consent(&mut self, consent: &Consent) -> Result<Consent, Error> {
        self.require(Feature::Consents)?;
        let (path, version) = place(Consent::TYPE, consent.id(), consent.version())?;
        Consent::new(self.update(&consent.to_withdrawn(), &path, &version)?)
    }
}
