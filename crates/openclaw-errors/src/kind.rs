use serde::{Deserialize, Serialize};

/// What went wrong, as a closed set: a kind is something a caller does differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The bytes are not the format they claim to be.
    Parse,
    /// A well-formed document that is no request.
    InvalidRequest,
    /// No such method.
    MethodNotFound,
    /// A parameter is missing, unknown, of the wrong type or out of range.
    InvalidParams,
    /// A fault of ours.
    Internal,
    /// No credential, or one that is not known.
    Unauthenticated,
    /// A known caller that may not do this.
    Forbidden,
    /// The thing named does not exist.
    NotFound,
    /// The thing exists already, or changed meanwhile.
    Conflict,
    /// Too many requests; carries when to try again.
    RateLimited,
    /// The gateway cannot take more at present.
    Overloaded,
    /// A time limit ran out.
    Timeout,
    /// What is needed is not there: a model, a channel, a feature, a peer.
    Unavailable,
    /// A body, frame, file or list above its limit.
    PayloadTooLarge,
    /// The configuration does not load, or asks for what cannot be.
    Config,
    /// A chat service refused or failed.
    Channel,
    /// A session cannot do what was asked.
    Session,
    /// The agent or its model failed.
    Agent,
    /// A tool failed.
    Tool,
    /// The store failed.
    Database,
    /// An HTTP exchange with a peer failed.
    Http,
}

/// Whether the same call can succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryClass {
    /// The same call fails again until somebody changes something.
    Never,
    /// The same call may succeed after a pause.
    Later,
    /// Whether it took effect is not known: repeat only what is idempotent.
    Uncertain,
}

impl ErrorKind {
    /// The stable name, as it appears in `data.code` on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::InvalidRequest => "invalid_request",
            Self::MethodNotFound => "method_not_found",
            Self::InvalidParams => "invalid_params",
            Self::Internal => "internal",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::PayloadTooLarge => "payload_too_large",
            Self::Config => "config",
            Self::Channel => "channel",
            Self::Session => "session",
            Self::Agent => "agent",
            Self::Tool => "tool",
            Self::Database => "database",
            Self::Http => "http",
        }
    }

    /// Whether the same call can succeed later.
    pub fn retry_class(self) -> RetryClass {
        match self {
            Self::RateLimited | Self::Overloaded | Self::Unavailable | Self::Database => {
                RetryClass::Later
            }
            Self::Timeout | Self::Http | Self::Channel => RetryClass::Uncertain,
            Self::Parse
            | Self::InvalidRequest
            | Self::MethodNotFound
            | Self::InvalidParams
            | Self::Internal
            | Self::Unauthenticated
            | Self::Forbidden
            | Self::NotFound
            | Self::Conflict
            | Self::PayloadTooLarge
            | Self::Config
            | Self::Session
            | Self::Agent
            | Self::Tool => RetryClass::Never,
        }
    }
}

impl std::fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
