//! The sandbox of namespaces. The gateway's side is [`Namespaces`]; the other side, in processes of
//! their own with one thread each, begins at [`run_helper`].

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
mod probe;
mod rights;
mod seccomp;
mod streams;
mod supervise;
mod wire;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub use host::Host;
pub use namespaces::Namespaces;

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
}

/// Runs a helper when the arguments (without the program's name) ask for one; `None` for every other
/// start. Must be called before the process has a second thread.
pub fn run_helper(arguments: &[String]) -> Option<ExitCode> {
    helper::run(arguments)
}
