//! Where commands run: the port [`Sandbox`] and its engines.
//!
//! [`Namespaces`] needs nothing installed: the program starts itself again as a helper that builds the
//! walls from kernel namespaces, Landlock and a filter of system calls. [`Bubblewrap`] has an installed
//! `bwrap` build them, and [`Containers`] a Docker engine. [`Engines`] is all three, of which each
//! [`Room`] names one. [`Host`] has no walls and is for those who chose so; it only keeps a command's
//! processes together.
//!
//! What cannot be held is not run: an engine answers [`SandboxError::Unavailable`].

mod docker;
mod engines;
mod error;
mod job;
mod limits;
pub(crate) mod places;
mod port;
mod running;

pub use crate::platform::sandbox::{Bubblewrap, Helper, Host, Namespaces, run_helper};

/// The first argument of a program start that [`run_helper`] answers.
pub const HELPER_ARGUMENT: &str = "__sandbox";

pub use docker::{Containers, ContainersConfig};
pub use engines::Engines;
pub use error::SandboxError;
pub use job::{GrantedPath, Job, Room, Streams, WORKSPACE};
pub use limits::Limits;
pub use port::{Check, Sandbox};
pub use running::{Ending, Running};
