//! What people have written: consents and tasks with their versions, and what the access log says about them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::sync::lock;
use crate::time::{self, UnixSeconds};

/// The written resources of everybody.
#[derive(Default)]
pub(crate) struct Written(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    count: u64,
    /// By person; in the order of creation.
    by_person: BTreeMap<u8, Vec<Value>>,
}

impl Written {
    /// A person's resources of one type, oldest first.
    pub(crate) fn all(&self, person: u8, kind: &str) -> Vec<Value> {
        let inner = lock(&self.0);
        let resources = inner.by_person.get(&person).into_iter().flatten();
        resources.filter(|resource| resource["resourceType"] == kind).cloned().collect()
    }

    /// Whether anybody has a resource of this type and id.
    pub(crate) fn holds(&self, kind: &str, id: &str) -> bool {
        let inner = lock(&self.0);
        let mut all = inner.by_person.values().flatten();
        all.any(|resource| resource["resourceType"] == kind && resource["id"] == id)
    }

    /// Gives a resource its id and first version and keeps it.
    pub(crate) fn create(&self, person: u8, prefix: &str, mut resource: Value, now: UnixSeconds) -> Value {
        let mut inner = lock(&self.0);
        inner.count += 1;
        resource["id"] = format!("{prefix}-{}", inner.count).into();
        if !resource["meta"].is_object() {
            resource["meta"] = json!({});
        }
        resource["meta"]["versionId"] = "1".into();
        resource["meta"]["lastUpdated"] = time::rfc3339(now).into();
        inner.by_person.entry(person).or_default().push(resource.clone());
        resource
    }

    /// Changes a resource of a person into its next version, unless `change` refuses or leaves it as it is.
    pub(crate) fn update<E>(
        &self,
        person: u8,
        (kind, id): (&str, &str),
        now: UnixSeconds,
        change: impl FnOnce(&mut Value) -> Result<(), E>,
    ) -> Option<Result<Value, E>> {
        let mut inner = lock(&self.0);
        let stored = inner
            .by_person
            .get_mut(&person)?
            .iter_mut()
            .find(|resource| resource["resourceType"] == kind && resource["id"] == id)?;
        let mut changed = stored.clone();
        if let Err(refused) = change(&mut changed) {
            return Some(Err(refused));
        }
        if changed != *stored {
            let version: u64 = stored["meta"]["versionId"].as_str().and_then(|text| text.parse().ok()).unwrap_or(1);
            changed["meta"]["versionId"] = (version + 1).to_string().into();
            changed["meta"]["lastUpdated"] = time::rfc3339(now).into();
            *stored = changed;
        }
        Some(Ok(stored.clone()))
    }

    /// Everything, for the state file.
    pub(crate) fn save(&self) -> Value {
        let inner = lock(&self.0);
        json!({ "count": inner.count, "by_person": inner.by_person })
    }

    /// Takes what a state file holds back.
    pub(crate) fn load(&self, saved: &Value) {
        let mut inner = lock(&self.0);
        inner.count = saved["count"].as_u64().unwrap_or(0);
        for (person, resources) in saved["by_person"].as_object().into_iter().flatten() {
            let (Ok(person), Some(resources)) = (person.parse(), resources.as_array()) else { continue };
            inner.by_person.insert(person, resources.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_changes_only() {
        let written = Written::default();
        let id = written.create(1, "c", json!({ "resourceType": "Consent", "status": "active" }), 0)["id"].clone();
        let key = ("Consent", id.as_str().unwrap());
        let update = |status: &str| {
            let change = |resource: &mut Value| -> Result<(), ()> {
                resource["status"] = status.into();
                Ok(())
            };
            written.update(1, key, 60, change).unwrap().unwrap()["meta"]["versionId"].clone()
        };
        assert_eq!([update("active"), update("inactive"), update("inactive")], ["1", "2", "2"]);
        assert!(written.all(2, "Consent").is_empty());
        assert!(written.update(2, key, 60, |_| Err(())).is_none(), "nobody changes what another person wrote");
        assert!(written.update(1, key, 60, |_| Err(())).unwrap().is_err());
    }

    #[test]
    fn state_is_taken_back() {
        let written = Written::default();
        written.create(10, "t", json!({ "resourceType": "Task" }), 0);
        let restarted = Written::default();
        restarted.load(&written.save());
        assert_eq!(restarted.all(10, "Task"), written.all(10, "Task"));
        assert_eq!(restarted.create(1, "t", json!({}), 0)["id"], "t-2", "ids go on");
    }
}
