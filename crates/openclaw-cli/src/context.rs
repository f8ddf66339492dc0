//! What every command is given.

use openclaw_config::{Environment, StatePaths};

use crate::output::Output;

/// The process's environment and how to print.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) environment: Environment,
    pub(crate) output: Output,
    /// `--verbose`: logs of clients too.
    pub(crate) verbose: u8,
    /// `--gateway`: another gateway than that of this machine.
    pub(crate) gateway: Option<String>,
    /// `--fingerprint`: the certificate it must show.
    pub(crate) fingerprint: Option<String>,
}

impl Context {
    /// The state folder's files.
    pub(crate) fn paths(&self) -> StatePaths {
        StatePaths::find(&self.environment)
    }
}
