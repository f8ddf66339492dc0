use std::fmt;
use std::future::Future;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};

/// A command that runs. Dropping it, or its `ending`, ends all its processes at once.
pub struct Running {
    /// What it writes. Ends when its processes have ended.
    pub output: Pin<Box<dyn AsyncRead + Send>>,
    /// What it writes of errors, where that was asked for apart.
    pub errors: Option<Pin<Box<dyn AsyncRead + Send>>>,
    /// What it reads, where it was asked for.
    pub input: Option<Pin<Box<dyn AsyncWrite + Send>>>,
    /// Resolves when the command has ended and nothing of it is left. Must be polled for the command
    /// to reach the network it was granted.
    pub ending: Pin<Box<dyn Future<Output = Ending> + Send>>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this status.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It took more memory than it may.
    OutOfMemory,
    /// It started more processes than it may.
    TooManyProcesses,
    /// What held it broke; with what is known.
    Broken(String),
}
