/// Why a command was not started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SandboxError {
    /// The sandbox does not work here. Nothing was run.
    #[error("the sandbox is not available, so nothing was run: {0}")]
    Unavailable(String),
    /// The program could not be started.
    #[error("{0}")]
    NotRun(String),
    /// The command asks for what cannot be.
    #[error("{0}")]
    Refused(String),
}
