//! JSON-RPC error objects, and the one mapping between error kinds and codes.

use std::time::Duration;

use openclaw_errors::{ErrorKind, OpenClawError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The codes of JSON-RPC 2.0 and OpenClaw's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// -32700: not JSON, or nested too deep.
    Parse,
    /// -32600: JSON that is no request.
    InvalidRequest,
    /// -32601: no such method.
    MethodNotFound,
    /// -32602: params that do not fit the method.
    InvalidParams,
    /// -32603: a fault of the gateway.
    Internal,
    /// -32001: no credential, or one that is not known.
    Unauthenticated,
    /// -32002: the caller lacks the scope.
    Forbidden,
    /// -32003: the thing named does not exist.
    NotFound,
    /// -32004: it exists already, or changed meanwhile.
    Conflict,
    /// -32005: too many requests; `retry_after_ms` says when to try again.
    RateLimited,
    /// -32006: the gateway cannot take more at present.
    Overloaded,
    /// -32007: a time limit ran out.
    Timeout,
    /// -32008: what is needed is not there.
    Unavailable,
    /// -32009: above a size limit.
    PayloadTooLarge,
}

impl ErrorCode {
    /// Every code, standard ones first.
    pub const ALL: [Self; 14] = [
        Self::Parse,
        Self::InvalidRequest,
        Self::MethodNotFound,
        Self::InvalidParams,
        Self::Internal,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::RateLimited,
        Self::Overloaded,
        Self::Timeout,
        Self::Unavailable,
        Self::PayloadTooLarge,
    ];

    /// The number on the wire.
    pub fn number(self) -> i64 {
        match self {
            Self::Parse => -32700,
            Self::InvalidRequest => -32600,
            Self::MethodNotFound => -32601,
            Self::InvalidParams => -32602,
            Self::Internal => -32603,
            Self::Unauthenticated => -32001,
            Self::Forbidden => -32002,
            Self::NotFound => -32003,
            Self::Conflict => -32004,
            Self::RateLimited => -32005,
            Self::Overloaded => -32006,
            Self::Timeout => -32007,
            Self::Unavailable => -32008,
            Self::PayloadTooLarge => -32009,
        }
    }

    /// The code of this number.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }

    /// What the code means, for documents.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Parse => "not JSON, or nested deeper than 128",
            Self::InvalidRequest => "JSON that is no JSON-RPC 2.0 request",
            Self::MethodNotFound => "no such method",
            Self::InvalidParams => "params that do not fit the method",
            Self::Internal => "a fault of the gateway",
            Self::Unauthenticated => "no credential, or one that is not known",
            Self::Forbidden => "the caller lacks the scope",
            Self::NotFound => "the thing named does not exist",
            Self::Conflict => "it exists already, or changed meanwhile",
            Self::RateLimited => "too many requests; retry_after_ms says when to try again",
            Self::Overloaded => "the gateway cannot take more at present",
            Self::Timeout => "a time limit ran out",
            Self::Unavailable => "what is needed is not there",
            Self::PayloadTooLarge => "above a size limit",
        }
    }

    /// The kind a client makes of a code that comes without a known `data.code`.
    pub fn kind(self) -> ErrorKind {
        match self {
            Self::Parse => ErrorKind::Parse,
            Self::InvalidRequest => ErrorKind::InvalidRequest,
            Self::MethodNotFound => ErrorKind::MethodNotFound,
            Self::InvalidParams => ErrorKind::InvalidParams,
            Self::Internal => ErrorKind::Internal,
            Self::Unauthenticated => ErrorKind::Unauthenticated,
            Self::Forbidden => ErrorKind::Forbidden,
            Self::NotFound => ErrorKind::NotFound,
            Self::Conflict => ErrorKind::Conflict,
            Self::RateLimited => ErrorKind::RateLimited,
            Self::Overloaded => ErrorKind::Overloaded,
            Self::Timeout => ErrorKind::Timeout,
            Self::Unavailable => ErrorKind::Unavailable,
            Self::PayloadTooLarge => ErrorKind::PayloadTooLarge,
        }
    }
}

impl From<ErrorKind> for ErrorCode {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Parse => Self::Parse,
            ErrorKind::InvalidRequest => Self::InvalidRequest,
            ErrorKind::MethodNotFound => Self::MethodNotFound,
            ErrorKind::InvalidParams => Self::InvalidParams,
            ErrorKind::Internal | ErrorKind::Tool => Self::Internal,
            ErrorKind::Unauthenticated => Self::Unauthenticated,
            ErrorKind::Forbidden => Self::Forbidden,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::Conflict | ErrorKind::Session => Self::Conflict,
            ErrorKind::RateLimited => Self::RateLimited,
            ErrorKind::Overloaded => Self::Overloaded,
            ErrorKind::Timeout => Self::Timeout,
            ErrorKind::Unavailable
            | ErrorKind::Config
            | ErrorKind::Channel
            | ErrorKind::Agent
            | ErrorKind::Database
            | ErrorKind::Http => Self::Unavailable,
            ErrorKind::PayloadTooLarge => Self::PayloadTooLarge,
        }
    }
}

/// The error of a JSON-RPC answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorObject {
    /// A standard code, or -32001 to -32009.
    pub code: i64,
    /// What happened, one sentence.
    pub message: String,
    /// More for programs; the gateway always sends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<ErrorData>>,
}

/// What an error says besides its message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorData {
    /// The error's stable name, such as `not_found`.
    pub code: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The parameter at fault, such as `attachments[0].media_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// When another try makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl ErrorObject {
    /// An error of a kind without further data.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            code: ErrorCode::from(kind).number(),
            message: message.into(),
            data: Some(Box::new(ErrorData {
                code: kind.as_str().to_owned(),
                hint: None,
                field: None,
                retry_after_ms: None,
            })),
        }
    }

    /// The kind: by `data.code`, else by the number; a foreign number is internal.
    pub fn kind(&self) -> ErrorKind {
        let by_name = self.data.as_ref().and_then(|data| {
            serde_json::from_value(serde_json::Value::from(data.code.as_str())).ok()
        });
        by_name.unwrap_or_else(|| {
            ErrorCode::from_number(self.code).map_or(ErrorKind::Internal, ErrorCode::kind)
        })
    }
}

impl From<&OpenClawError> for ErrorObject {
    fn from(error: &OpenClawError) -> Self {
        let mut object = Self::new(error.kind(), error.message());
        if let Some(data) = &mut object.data {
            data.hint = error.hint().map(str::to_owned);
            data.field = error.field().map(str::to_owned);
            data.retry_after_ms = error
                .retry_after()
                .map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        }
        object
    }
}

impl From<ErrorObject> for OpenClawError {
    fn from(object: ErrorObject) -> Self {
        let mut error = Self::new(object.kind(), object.message);
        if let Some(data) = object.data {
            if let Some(hint) = data.hint {
                error = error.with_hint(hint);
            }
            if let Some(field) = data.field {
                error = error.with_field(field);
            }
            if let Some(millis) = data.retry_after_ms {
                error = error.with_retry_after(Duration::from_millis(millis));
            }
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use super::{ErrorCode, ErrorObject};
    use openclaw_errors::{ErrorKind, OpenClawError};
    use std::time::Duration;

    #[test]
    fn an_error_survives_the_wire() {
        let error = OpenClawError::new(ErrorKind::RateLimited, "too many requests")
            .with_hint("wait a moment")
            .with_field("message")
            .with_retry_after(Duration::from_millis(1500));
        let object = ErrorObject::from(&error);
        let text = serde_json::to_string(&object).expect("serialises");
        insta::assert_snapshot!(text, @r#"{"code":-32005,"message":"too many requests","data":{"code":"rate_limited","hint":"wait a moment","field":"message","retry_after_ms":1500}}"#);
        let back: ErrorObject = serde_json::from_str(&text).expect("parses");
        let back = OpenClawError::from(back);
        assert_eq!(back.kind(), ErrorKind::RateLimited);
        assert_eq!(back.report(), error.report());
        assert_eq!(back.retry_after(), error.retry_after());
    }

    #[test]
    fn the_exact_kind_comes_back_where_codes_are_shared() {
        let object = ErrorObject::new(ErrorKind::Config, "bad");
        assert_eq!(object.code, -32008);
        assert_eq!(object.kind(), ErrorKind::Config);
        assert_eq!(ErrorObject { data: None, ..object }.kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn numbers_are_distinct_and_map_back() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_number(code.number()), Some(code));
            assert_eq!(ErrorCode::from(code.kind()), code);
        }
    }
}
