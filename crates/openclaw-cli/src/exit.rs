//! From errors to exit statuses: the one mapping of this edge.

use openclaw_client::ClientError;
use openclaw_config::ConfigErrors;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_gateway::lifecycle::LockError;
use serde_json::json;

/// What a command failed with.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit status.
    pub(crate) status: u8,
    /// The error's stable name.
    pub(crate) code: &'static str,
    /// What happened, several lines where there are several errors.
    pub(crate) message: String,
    /// What to do.
    pub(crate) hint: Option<String>,
}

/// The exit statuses of `openclaw`.
pub(crate) mod status {
    pub(crate) const FAILED: u8 = 1;
    pub(crate) const USAGE: u8 = 2;
    pub(crate) const CONFIGURATION: u8 = 3;
    pub(crate) const NOT_REACHABLE: u8 = 4;
    pub(crate) const REFUSED: u8 = 5;
    pub(crate) const NOT_FOUND: u8 = 6;
    pub(crate) const TIMED_OUT: u8 = 7;
    pub(crate) const INTERRUPTED: u8 = 130;
}

impl Failure {
    pub(crate) fn new(status: u8, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), hint: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(status::USAGE, "usage", message)
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(status::FAILED, "failed", message)
    }

    pub(crate) fn interrupted() -> Self {
        Self::new(status::INTERRUPTED, "interrupted", "interrupted")
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// As a program reads it.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        json!({"error": {"code": self.code, "message": self.message, "hint": self.hint}})
    }
}

fn status_of(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Config => status::CONFIGURATION,
        ErrorKind::Unauthenticated | ErrorKind::Forbidden => status::REFUSED,
        ErrorKind::NotFound => status::NOT_FOUND,
        ErrorKind::Timeout => status::TIMED_OUT,
        ErrorKind::InvalidParams | ErrorKind::MethodNotFound => status::USAGE,
        ErrorKind::Parse
        | ErrorKind::InvalidRequest
        | ErrorKind::Internal
        | ErrorKind::Conflict
        | ErrorKind::RateLimited
        | ErrorKind::Overloaded
        | ErrorKind::Unavailable
        | ErrorKind::PayloadTooLarge
        | ErrorKind::Channel
        | ErrorKind::Session
        | ErrorKind::Agent
        | ErrorKind::Tool
        | ErrorKind::Database
        | ErrorKind::Http => status::FAILED,
    }
}

impl From<OpenClawError> for Failure {
    fn from(error: OpenClawError) -> Self {
        let mut message = openclaw_errors::display_chain(&error);
        if let Some(field) = error.field() {
            message = format!("{message} ({field})");
        }
        Self {
            status: status_of(error.kind()),
            code: error.kind().as_str(),
            message,
            hint: error.hint().map(str::to_owned),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let unreachable = matches!(error, ClientError::Unreachable { .. } | ClientError::Lost);
        let mut failure = Self::from(OpenClawError::from(error));
        if unreachable {
            failure.status = status::NOT_REACHABLE;
            failure.code = "not_reachable";
        }
        failure
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self {
            status: status::CONFIGURATION,
            code: "config",
            message: errors.to_string(),
            hint: Some("`openclaw config validate` checks it again; `openclaw config schema` says what is allowed".to_owned()),
        }
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        let hint = match &error {
            LockError::Held { .. } => {
                "stop it with `openclaw gateway stop`, or set OPENCLAW_STATE_DIR to another folder"
            }
            LockError::Io { .. } => {
                "check that the folder can be written, or set OPENCLAW_STATE_DIR to another one"
            }
        };
        Self::failed(openclaw_errors::display_chain(&error)).with_hint(hint)
    }
}
