//! The TypeScript protocol over real sockets.

mod devices;
mod differences;
mod handshake;
mod methods;
mod shapes;
mod support;
mod talking;
