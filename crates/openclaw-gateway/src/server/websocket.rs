use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::ErrorObject;
use openclaw_protocol::envelope::{Id, failure};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::counted::Counted;
use super::http::plain;
use super::serve::{Place, Shared};
use crate::auth::Principal;
use crate::hub::{Client, CloseReason, Outgoing};
use crate::rpc::{Caller, answer};

const SIGN_IN_LIMIT: Duration = Duration::from_secs(10);
const SEND_LIMIT: Duration = Duration::from_secs(10);
const BEFORE_SIGN_IN: usize = 64 << 10;
const AFTER_SIGN_IN: usize = 25 << 20;
/// Frames a connection may send before it has signed in.
const FRAMES_BEFORE_SIGN_IN: u32 = 32;
/// Calls of one connection at work at a time, long polls included.
const CALLS: usize = 32;
/// A message above this leaves a buffer behind that is worth giving back.
const LARGE: usize = 8 << 10;

type Socket = WebSocketStream<Counted<TokioIo<Upgraded>>>;

/// Answers the upgrade and serves the connection in a task of its own.
pub(super) fn upgrade(
    shared: &Arc<Shared>,
    address: IpAddr,
    place: Arc<Place>,
    principal: Option<Principal>,
    mut request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let Some(accept) = accept_key(request.headers()) else {
        return plain(StatusCode::UPGRADE_REQUIRED, "this path speaks WebSocket, version 13");
    };
    let upgrading = hyper::upgrade::on(&mut request);
    let shared_here = shared.clone();
    shared.tasks.spawn(async move {
        match upgrading.await {
            Ok(upgraded) => {
                Connection::open(shared_here, address, place, principal, upgraded)
                    .await
                    .serve()
                    .await
            }
            Err(error) => tracing::trace!(%error, "an upgrade was not finished"),
        }
    });
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

fn accept_key(headers: &HeaderMap) -> Option<HeaderValue> {
    let has = |name: HeaderName, word: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
    };
    if !has(UPGRADE, "websocket")
        || !has(CONNECTION, "upgrade")
        || !has(SEC_WEBSOCKET_VERSION, "13")
    {
        return None;
    }
    let key = headers.get(SEC_WEBSOCKET_KEY)?;
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok()
}

fn settings(limit: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * AFTER_SIGN_IN)
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit))
}

struct Connection {
    shared: Arc<Shared>,
    _place: Arc<Place>,
    client: Arc<Client>,
    caller: Arc<Caller>,
    socket: Socket,
    calls: Arc<Semaphore>,
    /// The limit of the socket's present settings.
    limit: usize,
    /// Bytes of the frames that were handed out.
    consumed: u64,
    frames: u32,
    sign_in_by: Instant,
}

impl Connection {
    async fn open(
        shared: Arc<Shared>,
        address: IpAddr,
        place: Arc<Place>,
        principal: Option<Principal>,
        upgraded: Upgraded,
    ) -> Self {
        let client = shared.state.hub.connect();
        if let Some(principal) = &principal {
            shared.state.hub.sign_in(&client, principal.name.clone(), principal.scopes);
        }
        let limit = if principal.is_some() { AFTER_SIGN_IN } else { BEFORE_SIGN_IN };
        let caller = Arc::new(Caller::new(
            address,
            Some(client.clone()),
            shared.authenticator.clone(),
            principal,
        ));
        let stream = Counted::new(TokioIo::new(upgraded));
        let socket =
            WebSocketStream::from_raw_socket(stream, Role::Server, Some(settings(limit))).await;
        Self {
            shared,
            _place: place,
            client,
            caller,
            socket,
            calls: Arc::new(Semaphore::new(CALLS)),
            limit,
            consumed: 0,
            frames: 0,
            sign_in_by: Instant::now() + SIGN_IN_LIMIT,
        }
    }

    async fn serve(mut self) {
        let farewell = self.converse().await;
        self.shared.state.hub.disconnect(&self.client);
        if let Some((code, reason)) = farewell {
            let frame = CloseFrame { code, reason: reason.into() };
            let closed = timeout(Duration::from_secs(1), self.socket.close(Some(frame))).await;
            tracing::trace!(in_time = closed.is_ok(), "a socket was closed by the gateway");
        }
    }

    /// Serves until one side ends; answers what to say last, `None` to a peer that is gone.
    async fn converse(&mut self) -> Option<(CloseCode, &'static str)> {
        let storage = self.shared.state.storage.clone();
        loop {
            while let Some(outgoing) = self.client.try_next() {
                if !self.send(outgoing).await {
                    return None;
                }
            }
            if let Some(reason) = self.client.close_reason() {
                return Some(match reason {
                    CloseReason::SlowReader => (CloseCode::Policy, "the client does not read"),
                    CloseReason::NoPong => (CloseCode::Policy, "the client does not answer pings"),
                    CloseReason::CredentialRevoked => {
                        (CloseCode::Policy, "the credential was revoked")
                    }
                    CloseReason::Stopping => (CloseCode::Away, "the gateway is stopping"),
                });
            }
            let signed_in = self.caller.principal().is_some();
            if signed_in && self.limit < AFTER_SIGN_IN && !self.rebuild_at(AFTER_SIGN_IN).await {
                return None;
            }
            let (client, deadline) = (self.client.clone(), self.sign_in_by);
            // Cancel-safe: reading a frame keeps its progress in the socket, the others only wait.
            tokio::select! {
                biased;
                () = self.shared.closing.cancelled() => return Some((CloseCode::Away, "the gateway is stopping")),
                () = client.changed() => {}
                () = client.catch_up(storage.as_ref()), if client.needs_catch_up() => {}
                () = sleep_until(deadline), if !signed_in => return Some((CloseCode::Policy, "authentication took too long")),
                message = self.socket.next() => match message {
                    Some(Ok(message)) => if let Some(end) = self.receive(message, signed_in).await { return end },
                    Some(Err(Error::Capacity(_))) => return Some((CloseCode::Size, "the message is too large")),
                    Some(Err(Error::Utf8(_))) => return Some((CloseCode::Invalid, "the text is no UTF-8")),
                    Some(Err(error)) => {
                        tracing::trace!(%error, "a socket ended with an error");
                        return None;
                    }
                    None => return None,
                },
            }
        }
    }

    async fn send(&mut self, outgoing: Outgoing) -> bool {
        let (message, place) = match outgoing {
            Outgoing::Event(text) => (Message::Text(text), None),
            Outgoing::Answer(text, place) => (Message::Text(text), place),
            Outgoing::Ping => (Message::Ping(Bytes::new()), None),
        };
        let sent = matches!(timeout(SEND_LIMIT, self.socket.send(message)).await, Ok(Ok(())));
        // The call's place is free once its answer is out, so that answers cannot pile up.
        drop(place);
        sent
    }

    /// Takes one message; `Some` ends the connection.
    async fn receive(
        &mut self,
        message: Message,
        signed_in: bool,
    ) -> Option<Option<(CloseCode, &'static str)>> {
        self.client.is_alive();
        self.frames = self.frames.saturating_add(1);
        if !signed_in && self.frames > FRAMES_BEFORE_SIGN_IN {
            return Some(Some((CloseCode::Policy, "too many messages before authentication")));
        }
        let length = message.len();
        self.consumed += frame_bytes(length);
        match message {
            Message::Text(text) => self.call(text.as_str().to_owned(), signed_in).await,
            Message::Binary(_) => {
                return Some(Some((CloseCode::Unsupported, "only text is spoken here")));
            }
            Message::Close(_) => return Some(None),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        if length > LARGE && !self.rebuild_at(self.limit).await {
            return Some(None);
        }
        None
    }

    async fn call(&mut self, text: String, signed_in: bool) {
        let Ok(place) = self.calls.clone().try_acquire_owned() else {
            let error = OpenClawError::new(
                ErrorKind::Overloaded,
                format!("a connection may have {CALLS} calls at work"),
            )
            .with_hint("wait for answers before calling again");
            self.client.answer(failure(&Id::null(), &ErrorObject::from(&error)), None);
            return;
        };
        let (shared, caller, client) =
            (self.shared.clone(), self.caller.clone(), self.client.clone());
        let work = async move {
            if let Some(text) = answer(&shared.state, &caller, &text).await {
                client.answer(text, Some(place));
            }
        };
        if signed_in {
            self.shared.tasks.spawn(work);
        } else {
            // What follows a sign-in is judged by it.
            work.await;
        }
    }

    /// Gives buffers back and applies a limit, by a fresh socket over the same stream. Not while the old
    /// one may hold bytes that it has not handed out: they would be lost.
    async fn rebuild_at(&mut self, limit: usize) -> bool {
        if self.socket.get_ref().read != self.consumed {
            return true;
        }
        if !matches!(timeout(SEND_LIMIT, self.socket.flush()).await, Ok(Ok(()))) {
            return false;
        }
        replace_with(&mut self.socket, limit).await;
        self.limit = limit;
        true
    }
}

async fn replace_with(socket: &mut Socket, limit: usize) {
    let stream = std::mem::replace(socket.get_mut(), Counted::detached());
    *socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(settings(limit))).await;
}

/// What a client's unfragmented frame of this payload takes on the wire: header, mask, payload. A
/// fragmented message takes more, so that the count then never matches and nothing is rebuilt.
fn frame_bytes(payload: usize) -> u64 {
    let header = match payload {
        0..=125 => 2,
        126..=65_535 => 4,
        _ => 10,
    };
    (header + 4 + payload) as u64
}
