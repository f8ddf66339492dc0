//! `POST /tools/invoke`: one tool call, under the same policy as `tool.call`.

use std::sync::Arc;

use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Request, StatusCode};
use hyper::body::Incoming;
use openclaw_core::{SessionKey, ToolName};
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::Scope;
use openclaw_protocol::methods::{ToolCall, ToolCallParams};
use openclaw_protocol::webhooks::{ToolInvokeRequest, ToolInvoked, ToolNotInvoked, ToolProblem};
use serde_json::Value;

use super::sign_in::{sign_in, take_turn};
use crate::GatewayState;
use crate::auth::CallClass;
use crate::rpc::{CallPolicy, call, tool_policy_of};
use crate::server::{Peer, Reply, Shared, json_reply, read_body_of};

const LARGEST: usize = 2 << 20;

/// Tools that act on sessions and the gateway itself; they are for the agent, not for programs.
const DENIED: [&str; 4] = ["sessions_spawn", "sessions_send", "gateway", "whatsapp_login"];

/// Answers `/tools/invoke`.
pub(super) async fn route(shared: &Arc<Shared>, peer: &Peer, request: Request<Incoming>) -> Reply {
    if request.method() != Method::POST {
        let message = "tools are called by POST";
        let mut reply = not_invoked(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message);
        reply.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return reply;
    }
    match invoke(shared, peer, request).await {
        Ok(result) => json_reply(StatusCode::OK, &result),
        Err(error) => refused(&error),
    }
}

async fn invoke(
    shared: &Arc<Shared>,
    peer: &Peer,
    request: Request<Incoming>,
) -> Result<ToolInvoked, OpenClawError> {
    let principal = sign_in(shared, peer, &request, Scope::Write)?;
    take_turn(shared, peer, &principal, CallClass::Run)?;
    let body = read_body_of(shared, request, LARGEST).await?;
    let asked: ToolInvokeRequest = serde_json::from_slice(&body).map_err(|error| {
        OpenClawError::new(ErrorKind::InvalidRequest, format!("the body cannot be read: {error}"))
    })?;
    let name = ToolName::new(asked.tool.as_str())
        .ok()
        .filter(|name| !DENIED.contains(&name.as_str()))
        .ok_or_else(|| OpenClawError::not_found("this tool is not available"))?;
    let session_key = match asked.session_key.as_deref().filter(|key| !key.is_empty()) {
        None | Some("main") => None,
        Some(key) => Some(
            SessionKey::parse(key)
                .map_err(|error| OpenClawError::invalid_params("sessionKey", error.to_string()))?,
        ),
    };
    if asked.dry_run == Some(true) {
        return match is_offered(shared.state(), session_key, &name).await? {
            true => Ok(ToolInvoked { ok: true, result: None }),
            false => Err(OpenClawError::not_found("this tool is not available")),
        };
    }
    let mut arguments = asked.args.unwrap_or_default();
    if let Some(action) = asked.action {
        arguments.entry("action").or_insert(Value::String(action));
    }
    let state = shared.state().clone();
    let caller = Arc::new(shared.caller(peer, principal));
    // A peer that goes away ends the wait; the tool ends with it.
    let _gone = caller.gone.clone().drop_guard();
    let calling = caller.clone();
    let work = shared.spawn(async move {
        let params = ToolCallParams { name, arguments, session_key };
        call::<ToolCall>(&state, &calling, params).await
    });
    let result = work.await.map_err(|error| {
        OpenClawError::internal("the call failed from within").with_source(error)
    })??;
    Ok(ToolInvoked { ok: true, result: Some(result) })
}

/// Whether the call would be let through.
async fn is_offered(
    state: &GatewayState,
    session_key: Option<SessionKey>,
    name: &ToolName,
) -> Result<bool, OpenClawError> {
    let CallPolicy { session_key, policy, .. } = tool_policy_of(state, session_key).await?;
    let agent = session_key.agent_id();
    state.tools.prepare(&agent).await;
    Ok(state.tools.definitions(&policy, &agent).iter().any(|tool| tool.name == name.as_str()))
}

fn refused(error: &OpenClawError) -> Reply {
    let status = match error.kind() {
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        // What may not be called looks like what is not there; a missing scope does not.
        ErrorKind::Forbidden if error.field() == Some("name") => StatusCode::NOT_FOUND,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::Timeout => StatusCode::REQUEST_TIMEOUT,
        ErrorKind::Overloaded | ErrorKind::Unavailable | ErrorKind::Database => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ErrorKind::Internal | ErrorKind::Tool => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    let mut reply = not_invoked(status, error.kind().as_str(), &error.to_string());
    if let Some(after) = error.retry_after() {
        let seconds = HeaderValue::from(after.as_secs().max(1));
        reply.headers_mut().insert(RETRY_AFTER, seconds);
    }
    if status == StatusCode::UNAUTHORIZED {
        reply.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    reply
}

fn not_invoked(status: StatusCode, kind: &str, message: &str) -> Reply {
    let error = ToolProblem { kind: kind.to_owned(), message: message.to_owned() };
    json_reply(status, &ToolNotInvoked { ok: false, error })
}
