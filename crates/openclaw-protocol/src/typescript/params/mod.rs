//! The params of the methods that are answered: closed objects, with the names of the TypeScript
//! gateway. Texts that name sessions, agents and runs are judged where they are used.

mod agents;
mod approvals;
mod channels;
mod config;
mod devices;
mod sessions;
mod system;
mod talking;

pub use agents::*;
pub use approvals::*;
pub use channels::*;
pub use config::*;
pub use devices::*;
pub use sessions::*;
pub use system::*;
pub use talking::*;

/// The params of methods that take none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}
