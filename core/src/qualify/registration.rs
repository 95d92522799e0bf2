//! 利用登録: asked for once, then followed by its receipt (wire contract §12.1).

use super::access::{Access, Feature};
use super::asked::foreign;
use super::settings::Notice;
use super::write::{Creation, place};
use crate::error::Error;
use crate::fhir::{self, REGISTRATION, Task, id_system};

/// A receipt may be this long.
const LONGEST_RECEIPT: usize = 32;

/// A registration about to be asked for. Keep it until the server has answered: sent again, it is the same registration.
#[derive(Clone, Debug)]
pub struct RegistrationRequest(Creation);

impl Access {
    /// Prepares a registration; no I/O. `notice` is what the person was shown.
    ///
    /// # Errors
    /// [`Error::Internal`] when the operating system gives no randomness.
    pub fn prepare_registration(&self, notice: &Notice) -> Result<RegistrationRequest, Error> {
        let (patient, now) = (self.patient(), self.server_time());
        let made = Creation::new(|request| Ok(fhir::registration_task(request, patient, &notice.sha256(), now)));
        made.map(RegistrationRequest)
    }

    /// Asks for the registration; the task has the receipt (受付番号). One round trip; blocks.
    ///
    /// # Errors
    /// [`Error::Usage`] when the server has no tasks; otherwise as it answers. After [`Error::Connection`] send the same
    /// request again: it is registered once.
    pub fn register(&mut self, request: &RegistrationRequest) -> Result<Task, Error> {
        self.require(Feature::Tasks)?;
        Task::new(self.create(&request.0, Task::TYPE)?)
    }

    /// The registration with this receipt, of this person; also one that a kiosk printed. One round trip; blocks.
    ///
    /// # Errors
    /// [`Error::Usage`] for what can be no receipt; otherwise as [`Access::register`].
    pub fn registration(&mut self, receipt: &str) -> Result<Option<Task>, Error> {
        let is_receipt = receipt.len() <= LONGEST_RECEIPT && receipt.bytes().all(|byte| byte.is_ascii_graphic());
        if receipt.is_empty() || !is_receipt {
            return Err(Error::usage("a receipt has 1 to 32 printable characters"));
        }
        let identifier = ("identifier", format!("{}|{receipt}", id_system("receipt")));
        let tasks = self.tasks(vec![identifier])?;
        if tasks.iter().any(|task| task.receipt() != Some(receipt) || task.kind() != Some(REGISTRATION)) {
            return Err(foreign("task"));
        }
        Ok(tasks.into_iter().next())
    }

    /// Every registration of this person. One round trip a page; blocks.
    ///
    /// # Errors
    /// As [`Access::register`].
    pub fn registrations(&mut self) -> Result<Vec<Task>, Error> {
        let mut tasks = self.tasks(vec![("_count", "50".to_owned())])?;
        tasks.retain(|task| task.kind() == Some(REGISTRATION));
        Ok(tasks)
    }

    /// Withdraws a registration that has not ended. One round trip; blocks.
    ///
    /// # Errors
    /// [`Error::Resource`] with `KZ-D03` when it has moved on since it was read; otherwise as [`Access::register`].
    pub fn withdraw_registration(&mut self, task: &Task) -> Result<Task, Error> {
        self.require(Feature::Tasks)?;
        let (path, version) = place(Task::TYPE, task.id(), task.version())?;
        Task::new(self.update(&task.to_withdrawn(), &path, &version)?)
    }

    fn tasks(&mut self, criteria: Vec<(&'static str, String)>) -> Result<Vec<Task>, Error> {
        self.require(Feature::Tasks)?;
        let form = self.criteria(criteria);
        let found = self.search(self.url("Task/_search"), form, Task::TYPE)?;
        found.into_resources().map(Task::new).collect()
    }
}
