//! The error family that crosses OpenClaw's outer edges.
//!
//! Inside a crate errors are small `thiserror` enums. Where an error leaves the process (JSON-RPC,
//! HTTP, exit status, chat) it becomes one [`OpenClawError`]: a stable [`ErrorKind`], a message that
//! says what happened and where, and a hint that says what to do. The mapping of kinds to JSON-RPC
//! codes, HTTP statuses and exit statuses stands with each edge, not here.
//!
//! This crate knows no database, no HTTP client and no runtime. To add a kind, extend
//! [`ErrorKind`]; the exhaustive matches at the edges then name every place to decide.

mod chain;
mod kind;
mod open_claw_error;

pub use chain::{Chain, display_chain};
pub use kind::{ErrorKind, RetryClass};
pub use open_claw_error::{OpenClawError, Result};
