//! What is spoken over HTTP besides JSON-RPC: the OpenAI-compatible interface, MCP, webhooks, single
//! tool calls, and the document that describes them all.

mod document;
mod hooks;
mod mcp;
mod metrics;
mod openai;
mod sign_in;
mod tools_invoke;

use std::sync::Arc;

use http::Request;
use hyper::body::Incoming;

use crate::server::{Peer, Reply, Shared};

/// What these interfaces keep between requests.
#[derive(Debug, Default)]
pub(crate) struct HttpState {
    /// Lets webhooks in.
    hooks: hooks::Gate,
    /// Speaks MCP.
    mcp: std::sync::OnceLock<crate::mcp::McpDoor>,
}

/// Answers a request for one of these interfaces; `None` where none has its path.
pub(crate) async fn route(
    shared: &Arc<Shared>,
    peer: &Peer,
    request: Request<Incoming>,
) -> Option<Reply> {
    let path = request.uri().path();
    if path.starts_with("/v1/") {
        return openai::route(shared, peer, request).await;
    }
    match path {
        "/tools/invoke" => Some(tools_invoke::route(shared, peer, request).await),
        "/metrics" => Some(metrics::route(shared, peer, &request).await),
        "/mcp" => Some(mcp::route(shared, peer, request).await),
        "/openapi.json" => Some(document::route(&request)),
        _ => hooks::route(shared, peer, request).await,
    }
}
