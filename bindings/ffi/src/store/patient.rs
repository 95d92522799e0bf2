//! Whom each server calls a member.

use kazasu::store as core;

/// Whom a server calls a member.
#[derive(Clone, uniffi::Record)]
pub struct ServerPatient {
    /// `BackendConfig.issuer`.
    pub issuer: String,
    /// Id of the person at that server: opaque, nothing to show or log.
    pub patient: String,
}

impl From<ServerPatient> for core::ServerPatient {
    fn from(ffi: ServerPatient) -> Self {
        Self { issuer: ffi.issuer, patient: ffi.patient }
    }
}

impl From<core::ServerPatient> for ServerPatient {
    fn from(core: core::ServerPatient) -> Self {
        Self { issuer: core.issuer, patient: core.patient }
    }
}
