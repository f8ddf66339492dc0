//! How a gateway begins, takes a new configuration, and ends.

mod archive;
mod assemble;
mod audiences;
mod commit_fan;
mod config_handle;
mod reload;
mod retention;
mod shutdown;
mod state_lock;

pub use assemble::{Gateway, Parts};
pub use commit_fan::CommitFan;
pub use config_handle::{ConfigHandle, ConfigProblem, ReloadOutcome};
pub use reload::{ConfigSource, Reloader};
pub use shutdown::Shutdown;
pub use state_lock::{LockError, StateLock, gateway_id};
