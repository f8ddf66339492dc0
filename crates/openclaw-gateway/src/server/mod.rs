//! The port: accept loop and limits, HTTP routes, WebSocket connections.

mod bind;
mod counted;
mod guard;
mod headers;
mod http;
mod local;
mod receiving;
mod serve;
mod websocket;

pub use local::connect_local;
pub use serve::{Server, ServerOptions, Serving};
