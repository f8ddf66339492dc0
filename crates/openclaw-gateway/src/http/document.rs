//! `GET /openapi.json`: what is spoken over HTTP, for programs that make clients or tests of it.

use std::sync::OnceLock;

use http::{Method, Request, StatusCode};
use openclaw_protocol::openapi;
use serde_json::Value;

use crate::server::{Reply, json_reply, not_allowed};

/// Answers `/openapi.json`; it holds nothing that is not published.
pub(super) fn route<B>(request: &Request<B>) -> Reply {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    match *request.method() {
        Method::GET | Method::HEAD => {
            json_reply(StatusCode::OK, DOCUMENT.get_or_init(openapi::document))
        }
        _ => not_allowed("GET, HEAD"),
    }
}
