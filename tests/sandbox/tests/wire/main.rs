//! The sandbox seen from the wire: a small client and a card in software, written for these tests.

mod card;
mod client;
mod device;
mod fhir_server;

mod admin;
mod consent;
mod coverage;
mod discovery;
mod dpop;
mod exchange;
mod flow;
mod oidc;
mod people;
mod record_switches;
mod recorded;
mod records;
mod refresh;
mod seal;
mod submit;
mod suspension;
mod switches;
mod task;
mod token;
mod transport;
mod upstream;
