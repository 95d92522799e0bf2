//! 資格 without a confirmation: Coverage as the server has stored it (wire contract §8, Q3 and Q4).

use super::access::Access;
use super::connection::Call;
use super::limits::Patience;
use super::message::Method;
use super::oauth_error::resource_error;
use super::write::place;
use crate::error::Error;
use crate::fhir::StoredCoverage;
use crate::json;

impl Access {
    /// Every Coverage that is stored as active: for display only, as nobody has confirmed it today. For servers that answer
    /// no eligibility questions; [`Signed::finish`](crate::session::Signed::finish) is the confirmed answer. One round trip a
    /// page; blocks.
    ///
    /// # Errors
    /// As the server answers.
    pub fn unconfirmed_coverages(&mut self) -> Result<Vec<StoredCoverage>, Error> {
        let form = self.criteria(vec![("status", "active".to_owned())]);
        let found = self.search(self.url("Coverage/_search"), form, StoredCoverage::TYPE)?;
        found.into_resources().map(StoredCoverage::new).collect()
    }

    /// The same Coverage as it is stored now; `None` when it has not changed. One round trip; blocks.
    ///
    /// # Errors
    /// [`Error::Usage`] for one that no server stored; otherwise as the server answers.
    pub fn changed_coverage(&mut self, known: &StoredCoverage) -> Result<Option<StoredCoverage>, Error> {
        let (path, version) = place(StoredCoverage::TYPE, known.id(), known.version())?;
        // "Not modified" has nothing in it that could be sealed, and anybody in between could say it.
        let condition = (!self.is_sealed()).then(|| ("if-none-match", format!("W/\"{version}\"")));
        let reply = self.call(&Call {
            method: Method::Get,
            uri: self.url(&path),
            body: None,
            headers: condition.into_iter().collect(),
            patience: Patience::Usual,
        })?;
        match reply.status {
            304 if !self.is_sealed() => Ok(None),
            200 => {
                let coverage = json::parse_object(&reply.body, "coverage")?;
                self.asked().check_at(&path, &coverage)?;
                let stored = StoredCoverage::new(coverage)?;
                Ok((stored.version() != Some(&version)).then_some(stored))
            }
            _ => Err(resource_error(&reply)),
        }
    }
}
