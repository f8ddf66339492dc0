//! Where commands run: the port [`Sandbox`] and its engines.
//!
//! [`Namespaces`] needs nothing installed: the program starts itself again as a helper that builds the
//! walls from kernel namespaces, Landlock and a filter of system calls. [`Host`] has no walls and is
//! for those who chose so; it only keeps a command's processes together.
//!
//! What cannot be held is not run: an engine answers [`SandboxError::Unavailable`].

mod error;
mod job;
mod limits;
mod port;
mod running;

pub use crate::platform::sandbox::{Helper, Host, Namespaces, run_helper};

/// The first argument of a program start that [`run_helper`] answers.
pub const HELPER_ARGUMENT: &str = "__sandbox";

pub use error::SandboxError;
pub use job::{GrantedPath, Job, Room, Streams, WORKSPACE};
pub use limits::Limits;
pub use port::{Check, Sandbox};
pub use running::{Ending, Running};
