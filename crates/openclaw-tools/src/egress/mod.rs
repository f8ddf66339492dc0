//! The one way out of a sandbox: a proxy that reaches the hosts a command was granted, and of those
//! only public addresses.
//!
//! It serves a socket that was opened inside the sandbox's own network, so there is no route, no
//! resolver and no interface there that a program could use besides it. It knows no secrets: what a
//! command sends is what the peer gets.

mod head;
mod hosts;
mod proxy;

pub use hosts::HostList;
pub use proxy::Egress;
