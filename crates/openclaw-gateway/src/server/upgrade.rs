use std::sync::Arc;

use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::replies::{self, Reply};
use super::serve::{Peer, Shared};
use super::websocket::Connection;
use crate::auth::Principal;
use crate::typescript::Facts;

/// Who speaks first on a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// The client.
    Silent,
    /// The gateway: it says what a device signs.
    Challenge,
}

/// Whether a request asks for a WebSocket.
pub(super) fn asks_to_upgrade(headers: &HeaderMap) -> bool {
    headers.get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Answers a request to speak WebSocket and serves the connection in a task of its own.
pub(super) fn upgrade(
    shared: &Arc<Shared>,
    peer: Peer,
    principal: Option<Principal>,
    mut request: Request<Incoming>,
    opening: Opening,
) -> Reply {
    let accept = match accept_key(request.headers()) {
        Ok(accept) => accept,
        Err(reply) => return *reply,
    };
    let config = shared.state.config.current();
    let facts = Facts::of(peer.address, request.headers(), &config.gateway.trusted_proxies);
    let upgrading = hyper::upgrade::on(&mut request);
    let here = shared.clone();
    shared.tasks.spawn(async move {
        match upgrading.await {
            Ok(upgraded) => {
                let connection =
                    Connection::open(here.clone(), peer, principal, upgraded, facts, opening).await;
                // A task of its own, which is no larger than serving needs.
                here.tasks.spawn(connection.serve());
            }
            Err(error) => tracing::trace!(%error, "an upgrade was not finished"),
        }
    });
    let mut reply = replies::empty();
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = reply.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    reply
}

fn accept_key(headers: &HeaderMap) -> Result<HeaderValue, Box<Reply>> {
    let has = |name: HeaderName, word: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
    };
    let speaks =
        has(UPGRADE, "websocket") && has(CONNECTION, "upgrade") && has(SEC_WEBSOCKET_VERSION, "13");
    if !speaks {
        let text = "this path speaks WebSocket, version 13";
        let mut reply = replies::plain(StatusCode::UPGRADE_REQUIRED, text);
        reply.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
        reply.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return Err(Box::new(reply));
    }
    headers
        .get(SEC_WEBSOCKET_KEY)
        .and_then(|key| HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok())
        .ok_or_else(|| {
            let text = "Sec-WebSocket-Key is missing";
            Box::new(replies::plain(StatusCode::BAD_REQUEST, text))
        })
}
