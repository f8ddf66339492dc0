//! The port as a peer sees it: HTTP and WebSocket over real sockets, and every method over them.

mod channel;
mod commands;
mod credentials;
mod crowd;
mod events;
mod fuzzing;
mod http;
mod limits;
mod methods;
mod reconnect;
mod runner;
mod scopes;
mod socket;
mod support;
mod typescript;
