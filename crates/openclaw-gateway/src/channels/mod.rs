//! The channel registry and the one supervisor: which accounts there are, which run, how they are.

mod account_lease;
mod entry;
mod registry;
mod status;
mod supervisor;

pub use registry::{ChannelRegistry, ParsedKind, RegistryDeps};
pub use status::ChannelStatus;
