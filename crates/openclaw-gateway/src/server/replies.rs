use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{Either, Full};
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::ErrorObject;
use openclaw_protocol::envelope::{Id, failure};
use serde::Serialize;
use serde_json::Value;

use super::event_body::EventBody;

/// A reply: written whole, or while it is sent.
pub(crate) type Reply = Response<Either<Full<Bytes>, EventBody>>;

/// The HTTP status of a JSON-RPC error that stands for the whole request. An error of one call is a
/// 200 like its result: the envelope says which call it belongs to.
fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::Overloaded | ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Timeout => StatusCode::REQUEST_TIMEOUT,
        ErrorKind::Parse | ErrorKind::InvalidRequest => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// An error that stands for the whole request.
pub(crate) fn error(error: &OpenClawError) -> Reply {
    let text = failure(&Id::null(), &ErrorObject::from(error));
    let mut reply = marked(error.kind(), json(status_of(error.kind()), text));
    if let Some(after) = error.retry_after() {
        let seconds = after.as_millis().div_ceil(1_000).max(1);
        let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
        reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    reply
}

/// Answers to calls, with the status of the first refusal where that is one of the credential.
pub(super) fn answers(text: String, refusal: Option<ErrorKind>) -> Reply {
    match refusal {
        Some(kind @ (ErrorKind::Unauthenticated | ErrorKind::RateLimited)) => {
            marked(kind, json(status_of(kind), text))
        }
        _ => json(StatusCode::OK, text),
    }
}

fn marked(kind: ErrorKind, mut reply: Reply) -> Reply {
    if kind == ErrorKind::Unauthenticated {
        reply.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    reply
}

/// 200 without a body.
pub(super) fn empty() -> Reply {
    Response::new(Either::Left(Full::default()))
}

pub(super) fn no_content() -> Reply {
    let mut reply = empty();
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply
}

pub(crate) fn not_allowed(methods: &'static str) -> Reply {
    let mut reply = plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    reply
}

pub(super) fn value(status: StatusCode, value: &Value) -> Reply {
    json(status, value.to_string())
}

/// A text.
pub(crate) fn text(status: StatusCode, text: String) -> Reply {
    with_type(status, "text/plain; charset=utf-8", text)
}

pub(super) fn plain(status: StatusCode, text: &str) -> Reply {
    with_type(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

/// A value as JSON.
pub(crate) fn json_reply(status: StatusCode, body: &impl Serialize) -> Reply {
    match serde_json::to_string(body) {
        Ok(text) => json(status, text),
        Err(source) => {
            error(&OpenClawError::internal("the answer has no JSON form").with_source(source))
        }
    }
}

fn json(status: StatusCode, text: String) -> Reply {
    with_type(status, "application/json", text)
}

fn with_type(status: StatusCode, content_type: &'static str, text: String) -> Reply {
    let mut reply = Response::new(Either::Left(Full::new(Bytes::from(text))));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}
