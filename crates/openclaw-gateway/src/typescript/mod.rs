//! The protocol of the TypeScript gateway, for its clients: `req`, `res` and `event` frames over the
//! same port, beside JSON-RPC and on the same connections.
//!
//! `framing` answers a frame, `handshake` lets a client in, `audience` tells events. `methods` are
//! adapters: each puts together what its clients expect from methods of the registry, and nothing
//! happens here that does not happen for everybody.
//!
//! To add a method: its params in `openclaw-protocol`, its standing in that crate's table, an adapter
//! in `methods/<group>.rs`, and its line in `methods`.

mod audience;
mod facts;
mod framing;
mod handshake;
mod hello;
mod keys;
mod link;
mod methods;
mod periodic;

pub use audience::Audience;
pub(crate) use facts::Facts;
pub(crate) use framing::{answer, may_wait, refuse};
pub(crate) use link::{Link, Parting};
pub(crate) use periodic::run as tell_periodically;
