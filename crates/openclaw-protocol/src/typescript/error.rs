use openclaw_errors::{ErrorKind, OpenClawError};
use serde::Serialize;
use serde_json::{Value, json};

/// The codes that clients of the TypeScript gateway know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WireCode {
    /// The device waits for approval.
    NotPaired,
    /// The agent took too long.
    AgentTimeout,
    /// The request cannot work as it is.
    InvalidRequest,
    /// It does not work at present, or not here.
    Unavailable,
}

/// The error of a `res` frame.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WireError {
    /// What a program decides by.
    pub code: WireCode,
    /// What happened; clients show it, and only it.
    pub message: String,
    /// More for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// Whether the same request may work later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// When another try makes sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl WireError {
    /// An error with nothing but its message.
    pub fn new(code: WireCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: None, retryable: None, retry_after_ms: None }
    }

    /// `INVALID_REQUEST`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(WireCode::InvalidRequest, message)
    }

    /// `UNAVAILABLE`.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(WireCode::Unavailable, message)
    }

    /// With more for programs.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }
}

impl From<&OpenClawError> for WireError {
    fn from(error: &OpenClawError) -> Self {
        let code = match error.kind() {
            ErrorKind::Timeout => WireCode::AgentTimeout,
            kind if is_the_callers(kind) => WireCode::InvalidRequest,
            _ => WireCode::Unavailable,
        };
        // These clients show nothing but the message.
        let message = match error.hint() {
            Some(hint) => format!("{}; {hint}", error.message()),
            None => error.message().to_owned(),
        };
        let retry_after_ms =
            error.retry_after().map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        Self {
            code,
            message,
            details: Some(json!({ "code": error.kind().as_str() })),
            retryable: retry_after_ms.map(|_| true),
            retry_after_ms,
        }
    }
}

impl From<OpenClawError> for WireError {
    fn from(error: OpenClawError) -> Self {
        Self::from(&error)
    }
}

/// Whether another request would have worked, rather than another moment.
fn is_the_callers(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Parse
            | ErrorKind::InvalidRequest
            | ErrorKind::MethodNotFound
            | ErrorKind::InvalidParams
            | ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::Session
            | ErrorKind::PayloadTooLarge
    )
}

#[cfg(test)]
mod tests {
    use super::WireError;
    use openclaw_errors::{ErrorKind, OpenClawError};
    use std::time::Duration;

    #[test]
    fn an_error_keeps_what_these_clients_can_use() {
        let error = OpenClawError::new(ErrorKind::RateLimited, "too many calls")
            .with_hint("wait")
            .with_retry_after(Duration::from_millis(1_500));
        let text = serde_json::to_string(&WireError::from(&error)).expect("serialises");
        insta::assert_snapshot!(text, @r#"{"code":"UNAVAILABLE","message":"too many calls; wait","details":{"code":"rate_limited"},"retryable":true,"retryAfterMs":1500}"#);
        let error = WireError::from(&OpenClawError::not_found("no session x"));
        let text = serde_json::to_string(&error).expect("serialises");
        insta::assert_snapshot!(text, @r#"{"code":"INVALID_REQUEST","message":"no session x","details":{"code":"not_found"}}"#);
    }
}
