//! A client of the gateway: connect, sign in, typed calls, events, and a run that is followed over
//! lost connections.
//!
//! It works over a [`Transport`]: a WebSocket, or a pair of channels into a gateway of the same
//! process. It holds no state of the gateway and knows no storage.

mod client;
mod error;
mod local;
mod run;
mod tls;
mod transport;
mod websocket;

pub use client::{Client, Events};
pub use error::ClientError;
pub use local::LocalTransport;
pub use run::{Connect, FollowedRun, RunUpdate};
pub use tls::{Fingerprint, Trust};
pub use transport::Transport;
pub use websocket::{Endpoint, connect_websocket};
