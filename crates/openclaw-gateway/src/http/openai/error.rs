use std::time::Duration;

use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use openclaw_core::RunStatus;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::openai::{ApiError, ApiErrorBody};
use openclaw_sessions::RunEnd;
use openclaw_storage::rows::StoredError;

use crate::server::{Reply, json_reply};

/// Tells OpenAI's clients that trying again is not for them to do.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Why a request is not answered, in OpenAI's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) error: ApiError,
    retry_after: Option<Duration>,
    /// The run was stored: a client that tries again by itself would ask twice.
    is_final: bool,
}

impl Refused {
    fn new(
        status: StatusCode,
        kind: &str,
        code: &str,
        message: impl Into<String>,
        param: Option<&str>,
    ) -> Self {
        let error = ApiError {
            message: message.into(),
            kind: kind.to_owned(),
            param: param.map(str::to_owned),
            code: Some(code.to_owned()),
        };
        Self { status, error, retry_after: None, is_final: false }
    }

    /// 400.
    pub(super) fn bad(message: impl Into<String>, param: &str) -> Self {
        let param = Some(param).filter(|param| !param.is_empty() && *param != ".");
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", "invalid_value", message, param)
    }

    /// 404 for a model.
    pub(super) fn no_model(model: &str) -> Self {
        let shown: String = model.chars().take(100).collect();
        Self::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            "model_not_found",
            format!("the model {shown:?} does not exist; GET /v1/models lists those that do"),
            Some("model"),
        )
    }

    /// 400 for an answer to go on from that is not there.
    pub(super) fn no_previous() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_request_error",
            "previous_response_not_found",
            "there is no response of this id",
            Some("previous_response_id"),
        )
    }

    /// 405.
    pub(super) fn method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "invalid_request_error",
            "method_not_allowed",
            "this method is not allowed here",
            None,
        )
    }

    /// A run that ended without an answer.
    pub(super) fn of_run(end: &RunEnd) -> Self {
        let mut refused = match (&end.error, end.status) {
            (_, RunStatus::Timeout) => Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                "server_error",
                "timeout",
                "the time limit of the run ran out",
                None,
            ),
            (Some(error), _) => Self::of_failure(error),
            (None, _) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "server_error",
                "stopped",
                "the run was stopped",
                None,
            ),
        };
        refused.is_final = true;
        refused
    }

    fn of_failure(error: &StoredError) -> Self {
        let message = with_hint(&error.message, error.hint.as_deref());
        if error.code == ErrorKind::RateLimited.as_str() {
            let kind = "rate_limit_error";
            return Self::new(StatusCode::TOO_MANY_REQUESTS, kind, &error.code, message, None);
        }
        Self::new(StatusCode::BAD_GATEWAY, "upstream_error", &error.code, message, None)
    }

    /// No model is there to be asked.
    pub(super) fn unconfigured(error: &StoredError) -> Self {
        let message = with_hint(&error.message, error.hint.as_deref());
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let mut refused = Self::new(status, "server_error", &error.code, message, None);
        refused.is_final = true;
        refused
    }

    /// The same of a run that is stored: a client that tries again by itself would ask twice.
    pub(super) fn after_storing(mut self) -> Self {
        self.is_final = true;
        self
    }

    /// As a reply.
    pub(super) fn reply(&self) -> Reply {
        let body = ApiErrorBody { error: self.error.clone() };
        let mut reply = json_reply(self.status, &body);
        let headers = reply.headers_mut();
        if let Some(after) = self.retry_after {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if self.is_final {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        reply
    }

    /// A 405 with what is allowed.
    pub(super) fn method_reply(allowed: &'static str) -> Reply {
        let mut reply = Self::method().reply();
        reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        reply
    }
}

impl From<OpenClawError> for Refused {
    fn from(error: OpenClawError) -> Self {
        let (status, kind) = match error.kind() {
            ErrorKind::Unauthenticated => (StatusCode::UNAUTHORIZED, "authentication_error"),
            ErrorKind::Forbidden => (StatusCode::FORBIDDEN, "permission_error"),
            ErrorKind::NotFound => (StatusCode::NOT_FOUND, "invalid_request_error"),
            ErrorKind::Conflict => (StatusCode::CONFLICT, "invalid_request_error"),
            ErrorKind::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "rate_limit_error"),
            ErrorKind::PayloadTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "invalid_request_error"),
            ErrorKind::Parse | ErrorKind::InvalidRequest | ErrorKind::InvalidParams => {
                (StatusCode::BAD_REQUEST, "invalid_request_error")
            }
            ErrorKind::Timeout => (StatusCode::REQUEST_TIMEOUT, "invalid_request_error"),
            ErrorKind::Overloaded | ErrorKind::Unavailable | ErrorKind::Database => {
                (StatusCode::SERVICE_UNAVAILABLE, "server_error")
            }
            ErrorKind::Agent | ErrorKind::Http | ErrorKind::Channel => {
                (StatusCode::BAD_GATEWAY, "upstream_error")
            }
            ErrorKind::MethodNotFound
            | ErrorKind::Internal
            | ErrorKind::Config
            | ErrorKind::Session
            | ErrorKind::Tool => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        };
        let code = match error.kind() {
            ErrorKind::Unauthenticated => "invalid_api_key",
            other => other.as_str(),
        };
        let message = with_hint(&error.to_string(), error.hint());
        let mut refused = Self::new(status, kind, code, message, error.field());
        refused.retry_after = error.retry_after();
        refused
    }
}

fn with_hint(message: &str, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("{message}; {hint}"),
        None => message.to_owned(),
    }
}
