//! `GET /metrics`.

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, StatusCode};
use openclaw_errors::OpenClawError;
use openclaw_protocol::Scope;

use super::sign_in::{sign_in, take_turn};
use crate::auth::CallClass;
use crate::observe::render;
use crate::server::{Peer, Reply, Shared, error_reply, not_allowed, text_reply};

/// Answers `/metrics`.
pub(super) async fn route<B>(shared: &Arc<Shared>, peer: &Peer, request: &Request<B>) -> Reply {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return not_allowed("GET, HEAD");
    }
    let allowed = sign_in(shared, peer, request, Scope::Read)
        .and_then(|principal| take_turn(shared, peer, &principal, CallClass::Read));
    let rendered: Result<String, OpenClawError> = match allowed {
        Ok(()) => render(shared.state()).await,
        Err(error) => Err(error),
    };
    match rendered {
        Ok(text) => {
            let mut reply = text_reply(StatusCode::OK, text);
            let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            reply.headers_mut().insert(CONTENT_TYPE, kind);
            reply
        }
        Err(error) => error_reply(&error),
    }
}
