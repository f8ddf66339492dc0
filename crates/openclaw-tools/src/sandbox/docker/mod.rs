//! Commands in containers of a Docker engine: one container for each command, gone with it.
//!
//! A command that was granted hosts has a second container, which holds the network that both are
//! in: the egress proxy's port is opened there before the command starts.

mod body;
mod command;
mod container;
mod engine;

pub use engine::{Containers, ContainersConfig};
