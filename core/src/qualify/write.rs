//! Writes that happen once: conditional create with `Idempotency-Key` and `If-None-Exist`, update with `If-Match`
//! (wire contract §2.8; FHIR R4, 3.1.0.5 and 3.1.0.8.1).

use serde_json::Value;

use super::access::Access;
use super::asked::resolve;
use super::connection::Call;
use super::https_url::HttpsUrl;
use super::limits::Patience;
use super::message::{Body, Method, Reply};
use super::oauth_error::resource_error;
use crate::error::{Error, ResourceFault};
use crate::fhir::{id_system, is_id};
use crate::json;
use crate::random;
use crate::secret::opaque_debug;

/// A resource to be created, with the name under which it is created once however often it is sent.
#[derive(Clone)]
pub(crate) struct Creation {
    pub(crate) request_id: String,
    pub(crate) resource: Value,
}

opaque_debug!(Creation);

impl Creation {
    /// What `make` makes for a new name.
    pub(crate) fn new(make: impl FnOnce(&str) -> Result<Value, Error>) -> Result<Self, Error> {
        let request_id = random::generate_uuid()?;
        let resource = make(&request_id)?;
        Ok(Self { request_id, resource })
    }

    /// The request that creates it.
    pub(crate) fn call(&self, base: &HttpsUrl, kind: &str) -> Call {
        let condition = format!("identifier={}|{}", id_system("client-request"), self.request_id);
        Call {
            method: Method::Post,
            uri: base.join(kind),
            body: Some(Body::fhir(&self.resource)),
            headers: vec![
                ("idempotency-key", self.request_id.clone()),
                ("if-none-exist", condition),
                ("prefer", "return=representation".to_owned()),
            ],
            patience: Patience::Usual,
        }
    }
}

/// The path of the resource that `Location` names, such as `Task/1`, without its version (FHIR R4, 3.1.0.8).
pub(super) fn location(base: &HttpsUrl, reply: &Reply, kind: &str) -> Option<String> {
    let (found, id) = resolve(base, reply.header("location")?)?;
    (found == kind).then(|| format!("{kind}/{id}"))
}

impl Access {
    /// Creates what does not exist yet; the stored resource, which is the one that was sent, with what the server added.
    pub(super) fn create(&mut self, creation: &Creation, kind: &str) -> Result<Value, Error> {
        let call = creation.call(self.base(), kind);
        let reply = self.call(&call)?;
        let stored = self.stored(&reply, kind)?;
        self.asked().check_stored(&creation.resource, &stored)?;
        Ok(stored)
    }

    /// Replaces `path` if it still has this version.
    pub(super) fn update(&mut self, resource: &Value, path: &str, version: &str) -> Result<Value, Error> {
        let reply = self.call(&Call {
            method: Method::Put,
            uri: self.url(path),
            body: Some(Body::fhir(resource)),
            headers: vec![("if-match", format!("W/\"{version}\"")), ("prefer", "return=representation".to_owned())],
            patience: Patience::Usual,
        })?;
        let kind = path.split('/').next().unwrap_or_default();
        let stored = self.stored(&reply, kind)?;
        self.asked().check_at(path, &stored)?;
        self.asked().check_stored(resource, &stored)?;
        Ok(stored)
    }

    /// Reads one resource of this person, such as `Task/1`.
    pub(super) fn read(&mut self, path: &str) -> Result<Value, Error> {
        let reply = self.look(path)?;
        if reply.status != 200 {
            return Err(resource_error(&reply));
        }
        let resource = json::parse_object(&reply.body, "resource")?;
        self.asked().check_at(path, &resource)?;
        Ok(resource)
    }

    /// The server's answer to GET.
    pub(super) fn look(&mut self, path: &str) -> Result<Reply, Error> {
        let uri = self.url(path);
        self.call(&Call { method: Method::Get, uri, body: None, headers: Vec::new(), patience: Patience::Usual })
    }

    /// What a write left on the server; read back where the server answers without it.
    fn stored(&mut self, reply: &Reply, kind: &str) -> Result<Value, Error> {
        if !matches!(reply.status, 200 | 201) {
            return Err(resource_error(reply));
        }
        if !reply.body.is_empty() {
            return json::parse_object(&reply.body, "stored resource");
        }
        let path = location(self.base(), reply, kind);
        self.read(&path.ok_or(ResourceFault::Malformed { what: "location of what was stored" })?)
    }
}

/// Path and version of a stored resource, for an update.
pub(super) fn place(kind: &str, id: Option<&str>, version: Option<&str>) -> Result<(String, String), Error> {
    let place = id.filter(|id| is_id(id)).zip(version.filter(|version| is_id(version)));
    let (id, version) = place.ok_or_else(|| Error::usage("this was not stored by the server: no id or version"))?;
    Ok((format!("{kind}/{id}"), version.to_owned()))
}
