use std::sync::Arc;
use std::time::Duration;

use openclaw_errors::ErrorKind;
use openclaw_storage::rows::StoredError;

use super::ErrorClass;

/// Why a model gave no reply. Holds no secret: what the provider said is scrubbed of the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{model}{}: {message}", in_brackets(.credential.as_ref()))]
pub struct ModelError {
    /// `provider/model`.
    pub model: String,
    /// The short name of the key, where the provider has several.
    pub credential: Option<Arc<str>>,
    /// What kind of failure.
    pub class: ErrorClass,
    /// What happened, with the provider's own words where it gave some.
    pub message: String,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
    /// When another try makes sense, over all that could have been asked.
    pub try_again_in: Option<Duration>,
}

fn in_brackets(credential: Option<&Arc<str>>) -> String {
    credential.map(|name| format!(" ({name})")).unwrap_or_default()
}

impl ModelError {
    /// An error without status.
    pub fn new(model: &str, class: ErrorClass, message: impl Into<String>) -> Self {
        Self {
            model: model.to_owned(),
            credential: None,
            class,
            message: message.into(),
            status: None,
            retry_after: None,
            try_again_in: None,
        }
    }

    /// As a run keeps and shows it.
    pub fn stored(&self) -> StoredError {
        let provider = self.model.split('/').next().unwrap_or_default();
        let when = self.when();
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
                (ErrorKind::RateLimited, format!("try again {when}, or add agents.fallbacks"))
            }
            ErrorClass::Overloaded | ErrorClass::Server => {
                (ErrorKind::Unavailable, format!("try again {when}, or add agents.fallbacks"))
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

    /// From when another try makes sense, as people say it.
    fn when(&self) -> String {
        self.try_again_in.map_or_else(|| "later".to_owned(), |time| format!("in {}", spoken(time)))
    }
}

/// A length of time for people, rounded up.
pub(crate) fn spoken(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    match seconds {
        0..=90 => format!("{} s", seconds.max(1)),
        91..=5_400 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3_600)),
    }
}
