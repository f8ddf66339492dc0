//! `/mcp`: the gateway as an MCP server. Every request stands alone and carries its credential.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::Incoming;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::Scope;

use super::sign_in::sign_in;
use crate::mcp::{Dispatched, HostCheck, McpDoor, SessionKeeping, gateway_offerings};
use crate::server::{Peer, Reply, Shared, error_reply, read_body};

/// The largest request.
const LARGEST: usize = 25 << 20;

/// Answers a request.
pub(super) async fn route(shared: &Arc<Shared>, peer: &Peer, request: Request<Incoming>) -> Reply {
    match answered(shared, peer, request).await {
        Ok(reply) => reply,
        Err(error) => error_reply(&error),
    }
}

async fn answered(
    shared: &Arc<Shared>,
    peer: &Peer,
    request: Request<Incoming>,
) -> Result<Reply, OpenClawError> {
    let principal = sign_in(shared, peer, &request, Scope::Read)?;
    let grant = principal.grant.clone();
    let (method, uri, headers) =
        (request.method().clone(), request.uri().clone(), request.headers().clone());
    let body = read_body(shared, request).await?;
    let caller = Arc::new(shared.counted_caller(peer, principal));
    // The peer that goes away takes this future with it, but not a call that is half done.
    let _gone = caller.gone.clone().drop_guard();
    let mut asked = Request::new(Full::new(body));
    (*asked.method_mut(), *asked.uri_mut(), *asked.headers_mut()) = (method, uri, headers);
    asked.extensions_mut().insert(caller);
    let door = door(shared);
    let work = shared.spawn(async move {
        let (parts, body) = door.answer(asked).await.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes);
        (parts, body.unwrap_or_else(|never| match never {}))
    });
    let (parts, body): (_, Bytes) = tokio::select! {
        answered = work => answered.map_err(|error| {
            OpenClawError::internal("the call failed from within").with_source(error)
        })?,
        () = grant.over(shared.state().clock.as_ref()) => {
            let text = "the credential was revoked or has expired";
            return Err(OpenClawError::new(ErrorKind::Unauthenticated, text));
        }
        () = shared.closing() => {
            return Err(OpenClawError::unavailable("the gateway is stopping"));
        }
    };
    Ok(Reply::from_parts(parts, Either::Left(Full::new(body))))
}

/// What speaks the protocol, made when it is first needed.
fn door(shared: &Shared) -> McpDoor {
    let made = shared.http().mcp.get_or_init(|| {
        let state = shared.state().clone();
        let (version, stop) = (state.identity.version, state.shutdown.forced().clone());
        let offerings = gateway_offerings(Arc::new(Dispatched(state)), version);
        McpDoor::new(offerings, SessionKeeping::Stateless, HostCheck::Before, LARGEST, stop)
    });
    made.clone()
}
