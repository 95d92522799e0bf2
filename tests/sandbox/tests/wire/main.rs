//! The sandbox seen from the wire: a small client and a card in software, written for these tests.

mod card;
mod client;
mod device;

mod coverage;
mod discovery;
mod dpop;
mod flow;
mod people;
mod records;
mod refresh;
mod submit;
mod switches;
mod token;
mod transport;
