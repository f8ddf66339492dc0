use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::ErrorObject;
use openclaw_protocol::envelope::{Id, failure};
use openclaw_protocol::typescript;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::body::overloaded;
use super::metered::{Metered, Refused};
use super::receiving::{SMALL, Share};
use super::serve::{Peer, Shared};
use super::upgrade::Opening;
use crate::auth::Principal;
use crate::hub::{Client, CloseReason, Outgoing};
use crate::rpc::{Caller, answer, may_wait, refuse};
use crate::typescript::{self as frames, Facts, Link, Parting};

/// A message above this leaves a buffer behind that is worth giving back.
const LARGE: usize = 8 << 10;
/// What every idle connection holds; most calls fit, larger ones are read in more pieces.
const READ_BUFFER: usize = 2 << 10;
/// How long a peer that is told to go may take to hear it.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long calls may still be answered whose credential has ended: the one that ended it is among
/// them.
pub(super) const LAST_ANSWERS: Duration = Duration::from_millis(300);

type Socket = WebSocketStream<Metered<TokioIo<Upgraded>>>;

/// Why the gateway ends a connection.
#[derive(Debug, Clone)]
struct Farewell {
    code: CloseCode,
    reason: Cow<'static, str>,
    /// Whether the peer may still be sending what was refused.
    is_mid_message: bool,
}

impl Farewell {
    fn new(code: CloseCode, reason: &'static str) -> Self {
        Self { code, reason: reason.into(), is_mid_message: false }
    }
}

impl From<Parting> for Farewell {
    fn from(parting: Parting) -> Self {
        Self { code: parting.code.into(), reason: parting.reason, is_mid_message: false }
    }
}

/// How a connection goes on after a step.
enum Step {
    Go,
    /// The peer is gone.
    Gone,
    End(Farewell),
}

/// One WebSocket: a single task that reads, sends, and catches up; calls run in tasks of their own.
pub(super) struct Connection {
    shared: Arc<Shared>,
    _peer: Peer,
    client: Arc<Client>,
    caller: Arc<Caller>,
    facts: Facts,
    /// Only where the TypeScript protocol is, or may be, spoken.
    link: Option<Arc<Link>>,
    socket: Socket,
    calls: Arc<Semaphore>,
    waiting_calls: Arc<Semaphore>,
    sign_in_by: Instant,
    /// When it was seen that its credential has ended.
    over_since: Option<Instant>,
    /// A message left a large buffer behind.
    is_swollen: bool,
    /// Messages the socket handed out, control frames included.
    received: u64,
    /// Bytes read when the peer was last asked for a sign of life.
    bytes_at_ping: u64,
    /// When the present second of counting frames began, and how many there were then.
    second: (Instant, u64),
}

impl Connection {
    pub(super) async fn open(
        shared: Arc<Shared>,
        peer: Peer,
        principal: Option<Principal>,
        upgraded: Upgraded,
        facts: Facts,
        opening: Opening,
    ) -> Box<Self> {
        let (state, limits) = (&shared.state, shared.limits);
        let client = state.hub.connect();
        if let Some(principal) = &principal {
            state.hub.sign_in(&client, principal.name.clone(), principal.scopes);
        }
        let limit = match principal {
            Some(_) => limits.bytes,
            None => limits.bytes_before_sign_in,
        };
        let authenticator = shared.authenticator.clone();
        let caller = Caller::new(peer.address, Some(client.clone()), authenticator, principal)
            .limited_by(shared.limiter.clone());
        let share = Share::none(shared.receiving.clone());
        let stream = Metered::new(TokioIo::new(upgraded), limit, share);
        let now = Instant::now();
        let mut connection = Box::new(Self {
            _peer: peer,
            client,
            caller: Arc::new(caller),
            facts,
            link: None,
            socket: over(stream, limits.bytes).await,
            calls: Arc::new(Semaphore::new(limits.calls)),
            waiting_calls: Arc::new(Semaphore::new(limits.waiting_calls)),
            sign_in_by: now + limits.sign_in,
            over_since: None,
            is_swollen: false,
            received: 0,
            bytes_at_ping: 0,
            second: (now, 0),
            shared,
        });
        if opening == Opening::Challenge {
            let challenge = connection.link().challenge_frame();
            connection.client.answer(challenge, None);
        }
        connection
    }

    /// This connection as the TypeScript protocol sees it.
    fn link(&mut self) -> Arc<Link> {
        self.link
            .get_or_insert_with(|| {
                let (state, tasks) = (self.shared.state.clone(), self.shared.tasks.clone());
                Link::new(state, self.client.clone(), self.caller.clone(), self.facts, tasks)
            })
            .clone()
    }

    /// Serves until one side ends. Boxed: a future holds what it is given twice.
    pub(super) async fn serve(mut self: Box<Self>) {
        let farewell = self.converse().await;
        self.caller.gone.cancel();
        if let Some(link) = &self.link {
            link.gone();
        }
        self.shared.state.hub.disconnect(&self.client);
        let Some(farewell) = farewell else { return };
        let reason = farewell.reason.clone().into_owned();
        let frame = CloseFrame { code: farewell.code, reason: reason.into() };
        let parting = async {
            if self.socket.close(Some(frame)).await.is_ok() && farewell.is_mid_message {
                self.socket.get_mut().drain().await;
            }
        };
        let ended = timeout(FAREWELL, parting).await;
        tracing::trace!(in_time = ended.is_ok(), reason = &*farewell.reason, "ended a connection");
    }

    /// Answers what to say last, `None` to a peer that is gone.
    async fn converse(&mut self) -> Option<Farewell> {
        let storage = self.shared.state.storage.clone();
        loop {
            while let Some(outgoing) = self.client.try_next() {
                if !self.send(outgoing).await {
                    return None;
                }
            }
            if let Some(reason) = self.client.close_reason() {
                return Some(self.farewell(reason));
            }
            if self.must_leave() {
                return Some(self.farewell(CloseReason::CredentialRevoked));
            }
            self.give_buffers_back().await;
            let principal = self.caller.principal();
            let signed_in = principal.is_some();
            let (client, deadline) = (self.client.clone(), self.deadline(principal));
            // A connection with all its calls at work is read again when one is answered.
            let has_room = self.calls.available_permits() > 0 && self.over_since.is_none();
            // Cancel-safe: reading a frame keeps its progress in the socket, the others only wait,
            // and what was not caught up with is read again.
            let step = tokio::select! {
                biased;
                () = self.shared.closing.cancelled() => {
                    return Some(self.last_words().await);
                }
                () = client.changed() => Step::Go,
                () = client.catch_up(storage.as_ref()), if client.needs_catch_up() => Step::Go,
                () = sleep_until(deadline.unwrap_or(self.sign_in_by)), if deadline.is_some() => {
                    if !signed_in {
                        let text = "authentication took too long";
                        return Some(Farewell::new(CloseCode::Policy, text));
                    }
                    Step::Go
                }
                read = self.socket.next(), if has_room => match read {
                    Some(Ok(message)) => self.receive(message, signed_in).await,
                    Some(Err(error)) => self.not_read(error).await,
                    None => Step::Gone,
                },
            };
            match step {
                Step::Go => {}
                Step::Gone => return None,
                Step::End(farewell) => return Some(farewell),
            }
        }
    }

    /// Whether the credential has ended, and the last answers are out or take too long.
    fn must_leave(&mut self) -> bool {
        let grant = self.caller.principal().map(|principal| principal.grant);
        if !grant.is_some_and(|grant| grant.is_over(self.shared.state.clock.now())) {
            // Whoever signed in again meanwhile stays.
            self.over_since = None;
            return false;
        }
        let since = *self.over_since.get_or_insert_with(Instant::now);
        let limits = &self.shared.limits;
        let is_idle = self.calls.available_permits() == limits.calls
            && self.waiting_calls.available_permits() == limits.waiting_calls;
        is_idle || since.elapsed() >= LAST_ANSWERS
    }

    /// When the connection is looked at again at the latest.
    fn deadline(&self, principal: Option<Principal>) -> Option<Instant> {
        let Some(principal) = principal else { return Some(self.sign_in_by) };
        if let Some(since) = self.over_since {
            return Some(since + LAST_ANSWERS);
        }
        let expires_at = principal.grant.expires_at()?;
        Some(Instant::now() + expires_at.since(self.shared.state.clock.now()))
    }

    /// What is said when the gateway stops, after what was told of that.
    async fn last_words(&mut self) -> Farewell {
        while let Some(outgoing) = self.client.try_next() {
            if self.link.is_none() || !self.send(outgoing).await {
                break;
            }
        }
        self.farewell(CloseReason::Stopping)
    }

    fn farewell(&self, reason: CloseReason) -> Farewell {
        match self.link.as_ref().filter(|link| link.connected().is_some()) {
            Some(link) => link.parting(reason).into(),
            None => farewell(reason),
        }
    }

    async fn send(&mut self, outgoing: Outgoing) -> bool {
        if self.over_since.is_some() && matches!(outgoing, Outgoing::Event(_)) {
            return true;
        }
        let (message, place) = match outgoing {
            Outgoing::Event(text) => (Message::Text(text), None),
            Outgoing::Answer(text, place) => (Message::Text(text), place),
            Outgoing::Ping => {
                // A long message that comes slowly leaves no room for a pong.
                let bytes = self.socket.get_ref().bytes();
                if bytes != std::mem::replace(&mut self.bytes_at_ping, bytes) {
                    self.client.is_alive();
                }
                (Message::Ping(Bytes::new()), None)
            }
        };
        self.is_swollen |= message.len() > LARGE;
        let limit = self.shared.limits.send;
        let grant = self.caller.principal().map(|principal| principal.grant).unwrap_or_default();
        let sending = timeout(limit, self.socket.send(message));
        // A peer that reads slowly must not be served beyond the end of its credential.
        let too_long = async {
            grant.ended().await;
            tokio::time::sleep(LAST_ANSWERS).await;
        };
        let sent = tokio::select! {
            biased;
            sent = sending => matches!(sent, Ok(Ok(()))),
            () = too_long => false,
        };
        // The call's place is free once its answer is out, so that answers cannot pile up.
        drop(place);
        sent
    }

    async fn receive(&mut self, message: Message, signed_in: bool) -> Step {
        self.client.is_alive();
        self.received += 1;
        if let Some(farewell) = self.sends_too_many(signed_in) {
            return Step::End(farewell);
        }
        self.is_swollen |= message.len() > LARGE;
        match message {
            Message::Text(text) => return self.call(text, signed_in).await,
            Message::Binary(_) => {
                return Step::End(Farewell::new(
                    CloseCode::Unsupported,
                    "only text is spoken here",
                ));
            }
            Message::Close(_) => return Step::Gone,
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        Step::Go
    }

    /// Counts frames rather than messages: empty ones and pings cost as much.
    fn sends_too_many(&mut self, signed_in: bool) -> Option<Farewell> {
        let (frames, limits) = (self.socket.get_ref().frames(), &self.shared.limits);
        if !signed_in {
            return (frames > u64::from(limits.frames_before_sign_in)).then(|| {
                Farewell::new(CloseCode::Policy, "too many messages before authentication")
            });
        }
        let (began, before) = self.second;
        if began.elapsed() >= Duration::from_secs(1) {
            self.second = (Instant::now(), frames);
            return None;
        }
        (frames - before > u64::from(limits.frames_per_second))
            .then(|| Farewell::new(CloseCode::Policy, "too many messages"))
    }

    async fn call(&mut self, text: Utf8Bytes, signed_in: bool) -> Step {
        let link = typescript::is_request(&text).then(|| self.link());
        let waits = text.len() > SMALL
            || if link.is_some() { frames::may_wait(&text) } else { may_wait(&text) };
        let places = if waits { &self.waiting_calls } else { &self.calls };
        let Ok(place) = places.clone().try_acquire_owned() else {
            let most = self.shared.limits.waiting_calls;
            let message = format!("a connection may have {most} calls waiting");
            let error = OpenClawError::new(ErrorKind::Overloaded, message)
                .with_hint("wait for answers, or use subscribe instead of long polls");
            let refused = match link {
                Some(_) => frames::refuse(&text, error.message()),
                None => refuse(&text, &ErrorObject::from(&error)),
            };
            if let Some(answer) = refused {
                self.client.answer(answer, None);
            }
            return Step::Go;
        };
        if let Some(link) = link {
            return self.frame(link, text, place).await;
        }
        let work = work(self.shared.clone(), self.caller.clone(), self.client.clone(), text, place);
        if signed_in {
            self.shared.tasks.spawn(work);
            return Step::Go;
        }
        // What follows a sign-in is judged by it. Boxed: it would be part of every idle connection.
        Box::pin(work).await;
        if self.caller.principal().is_some() {
            self.socket.get_mut().set_limit(self.shared.limits.bytes);
        }
        Step::Go
    }

    /// A frame of the TypeScript protocol.
    async fn frame(
        &mut self,
        link: Arc<Link>,
        text: Utf8Bytes,
        place: OwnedSemaphorePermit,
    ) -> Step {
        if link.connected().is_some() {
            let client = self.client.clone();
            self.shared.tasks.spawn(async move {
                match frames::answer(&link, &text).await.answer {
                    Some(answer) => client.answer(answer, Some(place)),
                    None => drop(place),
                }
            });
            return Step::Go;
        }
        // What follows a sign-in is judged by it. Boxed: it would be part of every idle connection.
        let outcome = Box::pin(frames::answer(&link, &text)).await;
        if let Some(answer) = outcome.answer {
            self.client.answer(answer, Some(place));
        }
        if self.caller.principal().is_some() {
            self.socket.get_mut().set_limit(self.shared.limits.bytes);
        }
        let Some(parting) = outcome.parting else { return Step::Go };
        while let Some(outgoing) = self.client.try_next() {
            if !self.send(outgoing).await {
                return Step::Gone;
            }
        }
        Step::End(parting.into())
    }

    /// What becomes of a connection whose next message could not be read.
    async fn not_read(&mut self, error: Error) -> Step {
        let refused = match &error {
            Error::Io(error) => {
                error.get_ref().and_then(|inner| inner.downcast_ref::<Refused>()).copied()
            }
            Error::Capacity(_) => Some(Refused::TooLarge),
            Error::Utf8(_) => {
                let text = "the text is no UTF-8";
                return Step::End(Farewell::new(CloseCode::Invalid, text));
            }
            _ => None,
        };
        let Some(refused) = refused else {
            tracing::trace!(%error, "a socket ended with an error");
            return Step::Gone;
        };
        let (code, reason, error) = match refused {
            Refused::TooLarge => (
                CloseCode::Size,
                "the message is too large",
                OpenClawError::new(ErrorKind::PayloadTooLarge, refused.to_string()),
            ),
            Refused::Overloaded => (CloseCode::Again, "too much is being received", overloaded()),
        };
        // Its id was not read.
        let text = failure(&Id::null(), &ErrorObject::from(&error));
        if !self.send(Outgoing::Answer(text.into(), None)).await {
            return Step::Gone;
        }
        Step::End(Farewell { code, reason: reason.into(), is_mid_message: true })
    }

    /// After a large message: a fresh socket over the same stream, because a socket's buffers never
    /// shrink. Not while the old one may hold bytes that it has not handed out: they would be lost.
    async fn give_buffers_back(&mut self) {
        if !self.is_swollen || !self.socket.get_ref().is_handed_out(self.received) {
            return;
        }
        // A socket that cannot be flushed now is found out by its next send.
        if matches!(timeout(self.shared.limits.send, self.socket.flush()).await, Ok(Ok(()))) {
            let stream = self.socket.get_mut().take();
            self.socket = over(stream, self.shared.limits.bytes).await;
        }
        self.is_swollen = false;
    }
}

/// Runs one text's calls and queues the answer with the place it holds.
async fn work(
    shared: Arc<Shared>,
    caller: Arc<Caller>,
    client: Arc<Client>,
    text: Utf8Bytes,
    place: OwnedSemaphorePermit,
) {
    match answer(&shared.state, &caller, &text).await {
        Some(answer) => client.answer(answer, Some(place)),
        None => {
            drop(place);
            client.wake();
        }
    }
}

fn farewell(reason: CloseReason) -> Farewell {
    match reason {
        CloseReason::SlowReader => Farewell::new(CloseCode::Policy, "the client does not read"),
        CloseReason::NoPong => Farewell::new(CloseCode::Policy, "the client does not answer pings"),
        CloseReason::CredentialRevoked => {
            Farewell::new(CloseCode::Policy, "the credential was revoked")
        }
        CloseReason::Stopping => Farewell::new(CloseCode::Away, "the gateway is stopping"),
    }
}

/// A socket over the stream. Sizes are judged by the stream below; the socket's own limit is only a
/// second line.
async fn over(stream: Metered<TokioIo<Upgraded>>, most: usize) -> Socket {
    let settings = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(usize::MAX)
        .max_message_size(Some(most))
        .max_frame_size(Some(most));
    WebSocketStream::from_raw_socket(stream, Role::Server, Some(settings)).await
}
