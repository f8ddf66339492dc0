//! What the gateway and its helper processes tell each other.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::sandbox::Limits;
use crate::sandbox::places::Shown;

/// What the helper is to run. With it come three descriptors (the payload's standard streams), and
/// one for each bind that is mapped, in their order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Launch {
    pub(super) argv: Vec<String>,
    pub(super) cwd: String,
    pub(super) env: Vec<(String, String)>,
    /// Whether the standard streams are a terminal that the payload controls.
    pub(super) tty: bool,
    /// The walls around it; `None` runs on the host, where only its processes are kept together.
    pub(super) walls: Option<Walls>,
}

/// The walls of a sandbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Walls {
    pub(super) identity: Identity,
    pub(super) limits: Limits,
    pub(super) held: Held,
    /// The files a process writes itself into to join its control groups.
    pub(super) join: Vec<PathBuf>,
    pub(super) binds: Vec<Bind>,
    /// Host paths that must not be seen, wherever a bind would show them.
    pub(super) hidden: Vec<PathBuf>,
    /// Whether to open the port that the egress proxy serves.
    pub(super) proxy: bool,
}

/// A host path and where it stands inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bind {
    pub(super) source: PathBuf,
    pub(super) target: PathBuf,
    pub(super) writable: bool,
    /// Whether its mount, with the ids translated, comes along as a descriptor.
    pub(super) mapped: bool,
}

impl From<Shown> for Bind {
    fn from(shown: Shown) -> Self {
        let Shown { source, target, writable } = shown;
        Self { source, target, writable, mapped: false }
    }
}

/// Whom the payload's user is outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Identity {
    /// A user id of its own. Needs the right to map ids, and an id-mapped mount of the workspace.
    Mapped { id: u32 },
    /// The gateway's own user, under another number inside.
    Own { uid: u32, gid: u32 },
}

/// Which limits control groups hold; the others are held by the helper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) memory: bool,
    pub(super) processes: bool,
    pub(super) cpu: bool,
}

/// What the helper reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Report {
    /// The listening socket of the egress proxy's port comes with this.
    Proxy,
    /// The walls stand and the payload runs.
    Started {
        /// Whether Landlock holds as well.
        landlock: bool,
    },
    /// The payload's program could not be started.
    NotRun { message: String },
    /// The walls could not be built.
    Failed { message: String },
    /// The payload ended and with it all that it started.
    Ended { exit: Exit },
}

/// How the payload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Exit {
    Code(i32),
    Signal(i32),
    /// It was ended because it took more memory than it may.
    Memory,
    /// It was ended because it started more processes than it may.
    Processes,
}
