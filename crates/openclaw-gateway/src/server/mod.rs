//! The port: accept loop and limits, HTTP routes, WebSocket connections.
//!
//! Everything that limits a peer before it has signed in is here: its place among the connections,
//! the time and size of heads and bodies, host, origin and query, the lengths that frames declare.
//! What calls mean is in `rpc`, what events go out is in `hub`.

mod bind;
mod body;
mod channel_news;
mod cors;
mod credentials;
mod event_body;
mod forwarded;
mod frames;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod guard;
mod headers;
mod holder;
mod impatient;
mod limits;
mod local;
mod metered;
mod receiving;
mod replies;
mod routes;
mod rpc;
mod serve;
mod tls;
mod upgrade;
mod websocket;

pub(crate) use body::{read_of as read_body_of, read_signed_in as read_body};
pub(crate) use event_body::{EventSender, event_stream};
pub(crate) use guard::percent_decoded;
pub use limits::ServerLimits;
pub use local::connect_local;
pub(crate) use replies::{
    Reply, error as error_reply, json_reply, not_allowed, text as text_reply,
};
pub(crate) use serve::{Peer, Shared};
pub use serve::{Server, ServerOptions, Serving};
pub use tls::certificate_fingerprint;
