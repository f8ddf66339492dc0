//! Fan-out: stored events, live deltas and notices to the connections that want them.
//!
//! Every connection is a [`Client`] with one bounded queue. An event is serialised once, however
//! many want it. A client that does not read loses deltas; stored events are not lost, they are read
//! again from the store by `seq` as soon as there is room. `subscribe` with `from_seq` is the same
//! thing: the client begins behind. A full queue for 10 s ends the connection.
//!
//! There is no broadcast channel: it would wake every reader for every event, wanted or not, and
//! drop finals as easily as deltas.

mod catch_up;
mod client;
mod client_events;
mod fan_out;
mod filter;
mod index;
mod listen;
mod queue;
mod text;
mod watch;

pub use client::{Client, ClientId, CloseReason, Replay, SubscribeError};
pub use fan_out::Hub;
pub use filter::{Subscription, TopicFilter};
pub use listen::{Heard, RunListener};
pub use queue::{Outgoing, QUEUE_BYTES, QUEUE_EVENTS};
pub use watch::{SessionWatch, WatchFor};
