//! The one way out of a sandbox: a proxy that reaches the hosts a command was granted, and of those
//! only public addresses.
//!
//! It serves a socket that was opened inside the sandbox's own network, so there is no route, no
//! resolver and no interface there that a program could use besides it. What a command
//! sends is what the peer gets, but for hosts with a credential: requests to those are made in its place.

mod head;
mod hosts;
mod proxy;
mod relay;

pub use hosts::HostList;
pub use proxy::{Egress, Serve};
