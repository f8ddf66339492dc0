use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ALLOW, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use openclaw_core::Secret;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::ErrorObject;
use openclaw_protocol::envelope::{Id, failure};
use serde_json::json;
use tokio::time::timeout;

use super::guard;
use super::headers::secure;
use super::serve::{Place, Shared};
use super::websocket;
use crate::auth::{AuthError, Credential, Principal};
use crate::rpc::{Caller, answer};

const BODY_BEFORE_SIGN_IN: usize = 64 << 10;
const BODY: usize = 25 << 20;
const BODY_LIMIT: Duration = Duration::from_secs(30);

type Reply = Response<Full<Bytes>>;

/// Answers one request; every reply carries the security headers.
pub(super) async fn handle(
    shared: Arc<Shared>,
    address: IpAddr,
    place: Arc<Place>,
    request: Request<Incoming>,
) -> Result<Reply, Infallible> {
    Ok(secure(route(shared, address, place, request).await))
}

async fn route(
    shared: Arc<Shared>,
    address: IpAddr,
    place: Arc<Place>,
    request: Request<Incoming>,
) -> Reply {
    let settings = shared.state.config.current();
    if let Err(refusal) = guard::check(&settings.gateway, request.uri(), request.headers()) {
        return plain(refusal.status, refusal.message);
    }
    if shared.refusing.is_cancelled() {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "the gateway is stopping");
    }
    match (request.uri().path(), request.method()) {
        ("/health", &Method::GET | &Method::HEAD) => {
            as_json(StatusCode::OK, &json!({"status": "ok"}))
        }
        ("/ready", &Method::GET | &Method::HEAD) => ready(&shared).await,
        ("/rpc", &Method::POST) => rpc(&shared, address, request).await,
        ("/ws", &Method::GET) => match principal(&shared, address, &request) {
            Ok(principal) => websocket::upgrade(&shared, address, place, principal, request),
            Err(error) => refused(&error),
        },
        ("/health" | "/ready" | "/ws", _) => not_allowed("GET"),
        ("/rpc", _) => not_allowed("POST"),
        _ => plain(StatusCode::NOT_FOUND, "not found"),
    }
}

async fn ready(shared: &Shared) -> Reply {
    let storage = timeout(Duration::from_secs(5), shared.state.storage.health()).await;
    let is_ready = matches!(storage, Ok(Ok(_)));
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    as_json(status, &json!({"ready": is_ready, "storage": is_ready}))
}

/// Who the `Authorization` header says it is; nobody without one.
fn principal<B>(
    shared: &Shared,
    address: IpAddr,
    request: &Request<B>,
) -> Result<Option<Principal>, AuthError> {
    let Some(header) = request.headers().get(AUTHORIZATION) else { return Ok(None) };
    let text = header.to_str().unwrap_or_default();
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        // Another scheme is a credential that is not known.
        _ => text,
    };
    shared.authenticator.check(address, &Credential::Bearer(Secret::new(token))).map(Some)
}

async fn rpc(shared: &Arc<Shared>, address: IpAddr, request: Request<Incoming>) -> Reply {
    let principal = match principal(shared, address, &request) {
        Ok(principal) => principal,
        Err(error) => return refused(&error),
    };
    let limit = if principal.is_some() { BODY } else { BODY_BEFORE_SIGN_IN };
    let body = match read_body(shared, request, limit).await {
        Ok(body) => body,
        Err(reply) => return *reply,
    };
    let Ok(text) = std::str::from_utf8(&body) else {
        return rpc_error(
            StatusCode::OK,
            &ErrorObject::new(ErrorKind::Parse, "the body is no UTF-8"),
        );
    };
    let signed_in = principal.is_some();
    let caller = Arc::new(Caller::new(address, None, shared.authenticator.clone(), principal));
    let answered = tokio::select! {
        answered = answer(&shared.state, &caller, text) => answered,
        () = shared.closing.cancelled() => {
            return rpc_error(StatusCode::SERVICE_UNAVAILABLE, &ErrorObject::new(ErrorKind::Unavailable, "the gateway is stopping"));
        }
    };
    match answered {
        None => Response::builder()
            .status(StatusCode::NO_CONTENT)
            .body(Full::default())
            .unwrap_or_default(),
        Some(text) => {
            let status = match error_code(&text) {
                Some(-32001) if !signed_in => StatusCode::UNAUTHORIZED,
                Some(-32005) if !signed_in => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::OK,
            };
            json_text(status, text)
        }
    }
}

async fn read_body(
    shared: &Shared,
    request: Request<Incoming>,
    limit: usize,
) -> Result<Bytes, Box<Reply>> {
    let declared = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let too_large = || {
        let error = ErrorObject::new(
            ErrorKind::PayloadTooLarge,
            format!("the body is above {limit} bytes"),
        );
        Box::new(rpc_error(StatusCode::PAYLOAD_TOO_LARGE, &error))
    };
    if declared.is_some_and(|bytes| bytes > limit) {
        return Err(too_large());
    }
    let expected = declared.unwrap_or(limit);
    let _share = match expected > BODY_BEFORE_SIGN_IN {
        true => Some(shared.receiving.share(expected).ok_or_else(|| {
            let error =
                OpenClawError::new(ErrorKind::Overloaded, "too much is being received at present")
                    .with_retry_after(Duration::from_secs(1));
            Box::new(rpc_error(StatusCode::SERVICE_UNAVAILABLE, &ErrorObject::from(&error)))
        })?),
        false => None,
    };
    match timeout(BODY_LIMIT, Limited::new(request.into_body(), limit).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Box::new(plain(StatusCode::BAD_REQUEST, "the body could not be read"))),
        Err(_) => Err(Box::new(plain(StatusCode::REQUEST_TIMEOUT, "the body took too long"))),
    }
}

/// The code of a single answer that is an error.
fn error_code(text: &str) -> Option<i64> {
    #[derive(serde::Deserialize)]
    struct Answer {
        error: Option<Code>,
    }
    #[derive(serde::Deserialize)]
    struct Code {
        code: i64,
    }
    serde_json::from_str::<Answer>(text).ok()?.error.map(|error| error.code)
}

fn refused(error: &AuthError) -> Reply {
    let status = match error {
        AuthError::LockedOut { .. } => StatusCode::TOO_MANY_REQUESTS,
        AuthError::Unknown | AuthError::Unsupported(_) => StatusCode::UNAUTHORIZED,
    };
    let mut reply = rpc_error(status, &ErrorObject::from(&OpenClawError::from(error.clone())));
    match error {
        AuthError::LockedOut { retry_after } => {
            reply
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
        }
        AuthError::Unknown | AuthError::Unsupported(_) => {
            reply.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
    }
    reply
}

fn rpc_error(status: StatusCode, error: &ErrorObject) -> Reply {
    json_text(status, failure(&Id::null(), error))
}

fn not_allowed(method: &'static str) -> Reply {
    let mut reply = plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(method));
    reply
}

fn as_json(status: StatusCode, value: &serde_json::Value) -> Reply {
    json_text(status, value.to_string())
}

fn json_text(status: StatusCode, text: String) -> Reply {
    with_type(status, "application/json", text)
}

pub(super) fn plain(status: StatusCode, text: &str) -> Reply {
    with_type(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

fn with_type(status: StatusCode, content_type: &'static str, text: String) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(text)));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}
