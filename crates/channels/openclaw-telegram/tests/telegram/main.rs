//! The channel against the strict fake of the service, over real sockets.

mod conformance;
mod delivery;
mod factory;
mod inbound;
mod lifecycle;
mod lookup;
mod media;
mod menu;
mod secrets;
mod strictness;
mod support;
