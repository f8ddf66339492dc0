use std::time::Duration;

use openclaw_core::ChatId;

/// Why a channel stopped serving; the supervisor decides by it.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The credential is refused: trying again makes no sense until the configuration changes.
    #[error("the service refused the credential: {0}")]
    Auth(String),
    /// Somebody else holds the account: another program polls with the same token.
    #[error("the account is in use elsewhere: {0}")]
    Conflict(String),
    /// The connection failed or was lost; try again after a pause.
    #[error("the connection failed: {message}")]
    Connection {
        /// What happened, without secrets.
        message: String,
        /// How long the service asks to wait.
        retry_after: Option<Duration>,
    },
    /// The configuration cannot work.
    #[error("{0}")]
    Config(String),
}

/// Why something was not delivered, named by what the caller does next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// Not taken; try again after this pause.
    #[error("the service asks to wait {}ms", .0.as_millis())]
    RetryAfter(Duration),
    /// Not given over: the service could not be reached, or answered that it is down.
    #[error("the service cannot be reached: {0}")]
    Unreachable(String),
    /// The chat has another id now: rewrite it and send again.
    #[error("the chat moved to {0}")]
    Migrated(ChatId),
    /// The person blocked the assistant, left, or removed it from the chat.
    #[error("the chat does not take messages from the assistant: {0}")]
    Blocked(String),
    /// The text or file is above the service's limit.
    #[error("the service finds it too large: {0}")]
    TooLarge(String),
    /// The credential is refused.
    #[error("the service refused the credential: {0}")]
    Auth(String),
    /// The channel cannot do this at all.
    #[error("{0} is not supported by this channel")]
    Unsupported(&'static str),
    /// The service parsed and refused it; the same again is refused again.
    #[error("the service refused it: {0}")]
    Refused(String),
    /// It was given over and what became of it is not known.
    #[error("what became of it is not known: {0}")]
    Unknown(String),
}
