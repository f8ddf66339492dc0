//! The sandbox of namespaces. The gateway's side is [`Namespaces`]; the other side, in processes of
//! their own with one thread each, begins at [`run_helper`].

mod bubblewrap;
mod calls;
mod cgroup;
mod control;
mod helper;
mod host;
mod idmap;
mod inherited;
mod landlock;
mod launch;
mod link;
mod loopback;
mod mount_attr;
mod mounts;
mod namespaces;
mod network;
mod probe;
mod rights;
mod seccomp;
mod streams;
mod supervise;
mod wire;

pub(crate) use seccomp::profile as filter_profile;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub use bubblewrap::Bubblewrap;
pub(crate) use cgroup::MemoryWatch;
pub use host::Host;
pub use namespaces::Namespaces;
pub(crate) use network::listener_of;
pub(crate) use probe::{PROGRAM as PROBE_PROGRAM, argv as probe_argv, outside as probed};

/// How the program starts itself as a helper.
#[derive(Debug, Clone)]
pub struct Helper(PathBuf);

impl Helper {
    /// This program, whose `main` calls [`run_helper`] before anything else. Stays right when the file
    /// is replaced by an update.
    pub fn this_program() -> Self {
        Self("/proc/self/exe".into())
    }

    /// Another program that calls [`run_helper`] first.
    pub fn program(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    fn path(&self) -> &Path {
        &self.0
    }

    /// The file it is, for others to see.
    pub(crate) fn real_path(&self) -> PathBuf {
        std::fs::read_link(&self.0).unwrap_or_else(|_| self.0.clone())
    }
}

/// Runs a helper when the arguments (without the program's name) ask for one; `None` for every other
/// start. Must be called before the process has a second thread.
pub fn run_helper(arguments: &[String]) -> Option<ExitCode> {
    helper::run(arguments)
}
