//! The TypeScript protocol over real sockets.

mod approvals;
mod devices;
mod differences;
mod handshake;
mod methods;
mod shapes;
mod support;
mod talking;
mod version_4;
