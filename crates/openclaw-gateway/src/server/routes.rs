use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::header::ORIGIN;
use http::{HeaderValue, Method, Request, StatusCode};
use hyper::body::Incoming;
use openclaw_channel_traits::ChannelState;
use openclaw_errors::OpenClawError;
use serde_json::json;
use tokio::time::{Instant, timeout};
use tracing::Instrument as _;

use super::cors;
use super::forwarded::origin_address;
use super::guard::Guard;
use super::headers::secure;
use super::replies::{self, Reply};
use super::rpc;
use super::serve::{Peer, Shared};
use super::upgrade::{Opening, asks_to_upgrade, upgrade};
use crate::observe::{REQUEST_ID, of_request, scope};
use crate::rpc::unauthenticated;

/// How long the store may take to prove that it works.
const STORE_LIMIT: Duration = Duration::from_secs(5);
/// Where others find the keys that access tokens are verified with.
const KEY_SET: &str = "/.well-known/jwks.json";

/// Answers one request; every reply carries the security headers.
pub(super) async fn handle(
    shared: Arc<Shared>,
    peer: Peer,
    request: Request<Incoming>,
) -> Result<Reply, Infallible> {
    let state = shared.state.clone();
    let id = of_request(request.headers(), state.ids.as_ref());
    let span = tracing::info_span!(
        "request",
        request_id = id.as_str(),
        method = request.method().as_str(),
        path = request.uri().path(),
    );
    let began = Instant::now();
    let work = guarded(shared, peer, request).instrument(span);
    let mut reply = secure(scope(|| id.clone(), work).await);
    state.metrics.answered(reply.status(), began.elapsed());
    if let Ok(value) = HeaderValue::from_str(&id) {
        reply.headers_mut().insert(REQUEST_ID, value);
    }
    Ok(reply)
}

/// Turns away what no client of ours sends, and tells browsers what they may let a page read.
async fn guarded(shared: Arc<Shared>, mut peer: Peer, request: Request<Incoming>) -> Reply {
    let config = shared.state.config.current();
    let guard = Guard { settings: &config.gateway, local: peer.local };
    if let Err(refusal) = guard.check(request.uri(), request.headers()) {
        return replies::plain(refusal.status, refusal.message);
    }
    if cors::is_forged(request.method(), request.headers()) {
        return replies::plain(StatusCode::FORBIDDEN, "a page of another site sent this");
    }
    if let Some(reply) = cors::preflight(&request) {
        return cors::share(reply, request.headers().get(ORIGIN).cloned());
    }
    peer.address = origin_address(peer.address, request.headers(), &config.gateway.trusted_proxies);
    let origin = request.headers().get(ORIGIN).cloned();
    cors::share(route(shared, peer, request).await, origin)
}

async fn route(shared: Arc<Shared>, peer: Peer, request: Request<Incoming>) -> Reply {
    match (request.uri().path(), request.method()) {
        ("/health", &Method::GET | &Method::HEAD) => {
            replies::value(StatusCode::OK, &json!({"status": "ok"}))
        }
        ("/ready", &Method::GET | &Method::HEAD) => ready(&shared).await,
        ("/health" | "/ready", _) => replies::not_allowed("GET, HEAD"),
        _ if shared.refusing.is_cancelled() => {
            replies::error(&OpenClawError::unavailable("the gateway is stopping"))
        }
        ("/rpc", &Method::POST) => rpc::handle(&shared, peer.address, request).await,
        ("/rpc", _) => replies::not_allowed("POST"),
        (KEY_SET, &Method::GET | &Method::HEAD) => {
            match rpc::principal(&shared, peer.address, &request) {
                Ok(Some(_)) => {
                    replies::value(StatusCode::OK, &shared.state.credentials.public_keys())
                }
                Ok(None) => replies::error(&unauthenticated()),
                Err(error) => replies::error(&error.into()),
            }
        }
        (KEY_SET, _) => replies::not_allowed("GET, HEAD"),
        ("/ws", &Method::GET) => open(&shared, peer, request, Opening::Silent),
        ("/ws", _) => replies::not_allowed("GET"),
        // The TypeScript gateway is reached on any path.
        (_, &Method::GET) if asks_to_upgrade(request.headers()) => {
            open(&shared, peer, request, Opening::Challenge)
        }
        _ => match crate::http::route(&shared, &peer, request).await {
            Some(reply) => reply,
            None => replies::plain(StatusCode::NOT_FOUND, "not found"),
        },
    }
}

fn open(shared: &Arc<Shared>, peer: Peer, request: Request<Incoming>, opening: Opening) -> Reply {
    match rpc::principal(shared, peer.address, &request) {
        Ok(principal) => upgrade(shared, peer, principal, request, opening),
        Err(error) => replies::error(&error.into()),
    }
}

/// Ready is who can store what comes in and is not about to stop. A channel that is down does not
/// make a gateway unready; how many are up is told beside.
async fn ready(shared: &Shared) -> Reply {
    let storage = timeout(STORE_LIMIT, shared.state.storage.health()).await;
    let works = matches!(storage, Ok(Ok(_)));
    let stops = shared.refusing.is_cancelled() || shared.state.shutdown.is_requested();
    let is_ready = works && !stops;
    let channels = shared.state.channels.list();
    let wanted = channels.iter().filter(|channel| channel.enabled);
    let (wanted, connected) = wanted.fold((0, 0), |(wanted, connected), channel| {
        (wanted + 1, connected + i32::from(channel.state == ChannelState::Connected))
    });
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "ready": is_ready,
        "storage": works,
        "stopping": stops,
        "channels": { "enabled": wanted, "connected": connected },
    });
    replies::value(status, &body)
}
