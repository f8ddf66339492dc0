use std::time::Duration;

use openclaw_errors::ErrorKind;
use openclaw_storage::rows::StoredError;

use super::ErrorClass;

/// Why a model gave no reply. Holds no secret: what the provider said is scrubbed of the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{model}: {message}")]
pub struct ModelError {
    /// `provider/model`.
    pub model: String,
    /// What kind of failure.
    pub class: ErrorClass,
    /// What happened, with the provider's own words where it gave some.
    pub message: String,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
}

impl ModelError {
    /// An error without status.
    pub fn new(model: &str, class: ErrorClass, message: impl Into<String>) -> Self {
        Self {
            model: model.to_owned(),
            class,
            message: message.into(),
            status: None,
            retry_after: None,
        }
    }

    /// As a run keeps and shows it.
    pub fn stored(&self) -> StoredError {
        let provider = self.model.split('/').next().unwrap_or_default();
        let (kind, hint) = match self.class {
            ErrorClass::Auth => (
                ErrorKind::Agent,
                format!(
                    "check models.providers.{provider}.api_key, or the provider's variable in the environment"
                ),
            ),
            ErrorClass::Billing => (
                ErrorKind::Agent,
                format!("check the credit and limits of your account at {provider}"),
            ),
            ErrorClass::RateLimited => {
                (ErrorKind::RateLimited, "try again later, or add agents.fallbacks".to_owned())
            }
            ErrorClass::Overloaded | ErrorClass::Server => {
                (ErrorKind::Unavailable, "try again later, or add agents.fallbacks".to_owned())
            }
            ErrorClass::Timeout => (
                ErrorKind::Timeout,
                "a slow model needs a longer agents.idle_timeout_seconds".to_owned(),
            ),
            ErrorClass::Transport => (
                ErrorKind::Unavailable,
                format!("check models.providers.{provider}.base_url and the network"),
            ),
            ErrorClass::Unreadable => (
                ErrorKind::Unavailable,
                format!("check that models.providers.{provider}.api fits its base_url"),
            ),
            ErrorClass::ModelNotFound => (ErrorKind::Agent, "check agents.model".to_owned()),
            ErrorClass::ContextTooLong => {
                (ErrorKind::Agent, "set agents.max_context_tokens to the model's window".to_owned())
            }
            ErrorClass::Filtered => {
                (ErrorKind::Agent, "say it in other words, or use another model".to_owned())
            }
            ErrorClass::InvalidRequest | ErrorClass::Unsupported => {
                (ErrorKind::Agent, "see the gateway's log".to_owned())
            }
        };
        StoredError { code: kind.as_str().to_owned(), message: self.to_string(), hint: Some(hint) }
    }
}
