//! The JSON-RPC 2.0 envelope, from both sides.
//!
//! [`Incoming::parse`] is what a server makes of a text, borrowed from it; [`ServerFrame::parse`] is
//! what a client makes of one. Neither looks into params or results.

mod client;
mod depth;
mod id;
mod incoming;
mod outgoing;

pub use client::{ServerFrame, notification, request};
pub use depth::{MAX_DEPTH, is_too_deep};
pub use id::Id;
pub use incoming::{Call, Incoming, MAX_BATCH, Params, Rejected};
pub use outgoing::{event, failure, success};
