//! Secrets that stand outside the configuration: environment, files, commands, the OS keyring.

mod exec;
mod file;
mod keyring;
mod reference;
mod resolver;

use std::fmt;
use std::path::PathBuf;

use openclaw_core::Secret;

use crate::Environment;

pub(crate) use reference::{KINDS, parse_reference};
pub use resolver::ReadContext;

/// The largest secret, in bytes.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretReference {
    /// `{ env = "NAME" }`.
    Env(String),
    /// `{ file = "path" }`, absolute; a line break at the end does not belong to the secret.
    File(PathBuf),
    /// `{ exec = ["command", "argument"] }`: what the command prints.
    Exec(Vec<String>),
    /// `{ keyring = "service/account" }`.
    Keyring {
        /// Before the slash.
        service: String,
        /// After it.
        account: String,
    },
}

/// A secret that was fetched.
#[derive(Debug, Clone)]
pub struct FetchedSecret {
    /// The secret, not empty.
    pub secret: Secret,
    /// What the owner should know, such as that others can read the file.
    pub warning: Option<String>,
}

/// Why a secret cannot be had. No part of the secret, nor what a command printed, is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SecretError(pub String);

/// Fetches secrets. May take up to ten seconds, so it is not called in an async context.
pub trait SecretSource: Send + Sync + fmt::Debug {
    /// Fetches one secret.
    ///
    /// # Errors
    /// When it is not there, empty, not text, too large, or does not come in time.
    fn fetch(&self, reference: &SecretReference) -> Result<FetchedSecret, SecretError>;
}

/// Fetches secrets from the machine.
#[derive(Debug, Clone)]
pub struct SystemSecrets {
    environment: Environment,
}

impl SystemSecrets {
    /// Commands get the variables of this environment.
    pub fn new(environment: Environment) -> Self {
        Self { environment }
    }
}

impl SecretSource for SystemSecrets {
    fn fetch(&self, reference: &SecretReference) -> Result<FetchedSecret, SecretError> {
        match reference {
            SecretReference::Env(name) => self
                .environment
                .var(name)
                .map(|value| FetchedSecret { secret: Secret::new(value), warning: None })
                .ok_or_else(|| {
                    SecretError(format!("environment variable {name} is not set or empty"))
                }),
            SecretReference::File(path) => file::read(path),
            SecretReference::Exec(command) => exec::run(command, &self.environment)
                .map(|secret| FetchedSecret { secret, warning: None }),
            SecretReference::Keyring { service, account } => keyring::read(service, account)
                .map(|secret| FetchedSecret { secret, warning: None }),
        }
    }
}

/// The bytes of a secret as text, without the line break at their end.
fn text_of(bytes: Vec<u8>, what: &str) -> Result<Secret, SecretError> {
    if bytes.len() as u64 > MAX_SECRET_BYTES {
        return Err(SecretError(format!("{what} is larger than {} KiB", MAX_SECRET_BYTES / 1024)));
    }
    let text = String::from_utf8(bytes).map_err(|_| SecretError(format!("{what} is not UTF-8")))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(SecretError(format!("{what} is empty")));
    }
    Ok(Secret::new(text))
}
