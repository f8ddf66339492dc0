use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use openclaw_core::{RunId, SessionId, SessionKey};
use openclaw_protocol::ScopeSet;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::catch_up::{Announced, Cursor};
use super::filter::{Subscription, may_see};
use super::queue::{Outgoing, Queue};

/// Names a connection within this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// Subscriptions that one client may have.
const MAX_SUBSCRIPTIONS: usize = 64;
/// Runs that one client is told of without a subscription; beyond it the oldest is forgotten.
const MAX_RUNS: usize = 1_024;

/// Stored events to send before the live ones.
#[derive(Debug, Clone)]
pub struct Replay {
    /// The life of the session.
    pub session_id: SessionId,
    /// Its key.
    pub session_key: SessionKey,
    /// The first `seq` wanted, at most one above the last there is.
    pub from_seq: i64,
}

/// Why a subscription is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// There are too many.
    #[error("a connection may have at most {MAX_SUBSCRIPTIONS} subscriptions")]
    TooMany,
}

/// Why a connection is ended from within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// It did not read for too long.
    SlowReader,
    /// It gave no sign of life.
    NoPong,
    /// Its credential is not valid any more.
    CredentialRevoked,
    /// The gateway stops.
    Stopping,
}

/// One connection: what it wants, what waits for it, and where it is behind.
#[derive(Debug)]
pub struct Client {
    id: ClientId,
    inner: Mutex<Inner>,
    wake: Notify,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    principal: Option<Arc<str>>,
    pub(super) scopes: ScopeSet,
    subscriptions: Vec<Subscription>,
    runs: Vec<Watched>,
    pub(super) queue: Queue,
    /// Sessions whose stored events are read from the store first, or were just now.
    pub(super) cursors: HashMap<SessionId, Cursor>,
    close: Option<CloseReason>,
    missed_pongs: u8,
    next_subscription: u64,
}

/// A run whose events the client gets without a subscription.
#[derive(Debug)]
struct Watched {
    run: RunId,
    /// It is over; the client is still behind in this session and has to read the end.
    ended_in: Option<SessionId>,
}

impl Inner {
    /// Whether any subscription or watched run wants it, and the scopes allow it.
    pub(super) fn wants(&self, topic: &str, key: Option<&SessionKey>, run: Option<&RunId>) -> bool {
        let is_watched = run.is_some_and(|run| self.watches(run));
        (is_watched || self.subscriptions.iter().any(|sub| sub.matches(topic, key)))
            && may_see(self.scopes, topic)
    }

    /// Queues what later ones make up for; left out where there is no room.
    fn offer(&mut self, text: Utf8Bytes) {
        if self.queue.has_room(text.len()) {
            self.queue.push_event(text);
        } else if self.queue.overflows() {
            self.close.get_or_insert(CloseReason::SlowReader);
        }
    }

    pub(super) fn watches(&self, run: &RunId) -> bool {
        self.runs.iter().any(|watched| watched.run == *run)
    }

    pub(super) fn subscriptions(&self) -> impl Iterator<Item = &Subscription> {
        self.subscriptions.iter()
    }

    pub(super) fn drop_ended_runs(&mut self, session: &SessionId) {
        self.runs.retain(|watched| watched.ended_in.as_ref() != Some(session));
    }
}

impl Client {
    pub(super) fn new(id: ClientId) -> Self {
        Self { id, inner: Mutex::default(), wake: Notify::new() }
    }

    /// The connection.
    pub fn id(&self) -> ClientId {
        self.id
    }

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no panic while a client is held")
    }

    /// Makes its connection look again at what there is to do.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Who signed in; `None` before.
    pub fn principal(&self) -> Option<Arc<str>> {
        self.inner().principal.clone()
    }

    /// What the connection may do.
    pub fn scopes(&self) -> ScopeSet {
        self.inner().scopes
    }

    pub(super) fn sign_in(&self, principal: Arc<str>, scopes: ScopeSet) {
        let mut inner = self.inner();
        inner.principal = Some(principal);
        inner.scopes = scopes;
    }

    pub(super) fn add_subscription(
        &self,
        topics: Vec<super::TopicFilter>,
        session_key: Option<SessionKey>,
        replay: Option<Replay>,
    ) -> Result<String, SubscribeError> {
        let mut inner = self.inner();
        if inner.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return Err(SubscribeError::TooMany);
        }
        inner.next_subscription += 1;
        let id = inner.next_subscription.to_string();
        inner.subscriptions.push(Subscription { id: id.clone(), topics, session_key });
        if let Some(Replay { session_id, session_key, from_seq }) = replay {
            Cursor::replay(&mut inner.cursors, session_id, session_key, &id, from_seq);
            drop(inner);
            self.wake();
        }
        Ok(id)
    }

    pub(super) fn remove_subscription(&self, id: &str) -> Option<Subscription> {
        let mut inner = self.inner();
        let position = inner.subscriptions.iter().position(|sub| sub.id == id)?;
        inner.cursors.values_mut().for_each(|cursor| cursor.forget(id));
        Some(inner.subscriptions.swap_remove(position))
    }

    pub(super) fn has_general_subscription(&self) -> bool {
        self.inner().subscriptions.iter().any(|sub| sub.session_key.is_none())
    }

    pub(super) fn has_subscription_of(&self, key: &SessionKey) -> bool {
        self.inner().subscriptions.iter().any(|sub| sub.session_key.as_ref() == Some(key))
    }

    /// Whether it is watched only from now on, and the run that is forgotten for it.
    pub(super) fn watch_run(&self, run: &RunId) -> (bool, Option<RunId>) {
        let mut inner = self.inner();
        if inner.watches(run) {
            return (false, None);
        }
        let oldest = (inner.runs.len() >= MAX_RUNS).then(|| inner.runs.remove(0).run);
        inner.runs.push(Watched { run: run.clone(), ended_in: None });
        (true, oldest)
    }

    pub(super) fn forget_run(&self, run: &RunId, session: Option<&SessionId>) {
        let mut inner = self.inner();
        let behind = session.filter(|id| inner.cursors.get(*id).is_some_and(Cursor::is_behind));
        match behind {
            Some(session) => {
                for watched in inner.runs.iter_mut().filter(|watched| watched.run == *run) {
                    watched.ended_in = Some(session.clone());
                }
            }
            None => inner.runs.retain(|watched| watched.run != *run),
        }
    }

    pub(super) fn take_interests(&self) -> (Vec<Subscription>, Vec<RunId>) {
        let mut inner = self.inner();
        inner.queue.clear();
        inner.cursors = HashMap::new();
        let runs = std::mem::take(&mut inner.runs).into_iter().map(|watched| watched.run);
        (std::mem::take(&mut inner.subscriptions), runs.collect())
    }

    /// Queues an event that is not stored; dropped where there is no room, and while the client is
    /// behind in the session, whose stored events come first.
    pub(super) fn offer_live(&self, event: &Offered<'_>, session: Option<&SessionId>) {
        let mut inner = self.inner();
        if !inner.wants(event.topic, event.session_key, event.run_id) {
            return;
        }
        if session.and_then(|id| inner.cursors.get(id)).is_some_and(Cursor::is_behind) {
            return;
        }
        let Some(text) = event.text.get() else { return };
        inner.offer(text);
        drop(inner);
        self.wake();
    }

    /// Queues a stored event, or notes where to read on from when there is no room.
    pub(super) fn offer_stored(&self, event: &Offered<'_>, session: &SessionId, seq: i64) {
        let mut inner = self.inner();
        if !inner.wants(event.topic, event.session_key, event.run_id) {
            return;
        }
        match inner.cursors.get_mut(session).map(|cursor| cursor.announce(seq)) {
            Some(Announced::Skip) => return,
            Some(Announced::Read) => {
                let is_owed = inner
                    .cursors
                    .get(session)
                    .is_some_and(|cursor| inner.is_owed(cursor, event.topic, event.run_id, seq));
                if !is_owed {
                    return;
                }
            }
            Some(Announced::Follow) => {
                inner.cursors.remove(session);
            }
            None => {}
        }
        let Some(text) = event.text.get() else { return };
        if inner.queue.has_room(text.len()) {
            inner.queue.push_event(text);
        } else if let Some(key) = event.session_key {
            Cursor::fall_behind(&mut inner.cursors, session, key, seq);
            if inner.queue.overflows() {
                inner.close.get_or_insert(CloseReason::SlowReader);
            }
        }
        drop(inner);
        self.wake();
    }

    /// Queues a text that later ones make up for; left out where there is no room.
    pub fn offer_frame(&self, text: Utf8Bytes) {
        let mut inner = self.inner();
        inner.offer(text);
        drop(inner);
        self.wake();
    }

    /// Queues a text that must not be missed; ends the connection of a client that leaves no room
    /// for it.
    pub fn need_frame(&self, text: Utf8Bytes) {
        let mut inner = self.inner();
        if inner.queue.has_reserve(text.len()) {
            inner.queue.push_event(text);
        } else {
            inner.close.get_or_insert(CloseReason::SlowReader);
        }
        drop(inner);
        self.wake();
    }

    /// Queues the answer to a call.
    pub fn answer(&self, text: String, place: Option<tokio::sync::OwnedSemaphorePermit>) {
        self.inner().queue.push(Outgoing::Answer(Utf8Bytes::from(text), place));
        self.wake();
    }

    /// Asks for a sign of life; a client that gave none twice is ended.
    pub fn ping(&self) {
        let mut inner = self.inner();
        if inner.missed_pongs >= 2 {
            inner.close.get_or_insert(CloseReason::NoPong);
        } else {
            inner.missed_pongs += 1;
            inner.queue.push(Outgoing::Ping);
        }
        drop(inner);
        self.wake();
    }

    /// Notes a sign of life: anything that came in.
    pub fn is_alive(&self) {
        self.inner().missed_pongs = 0;
    }

    /// Ends the connection.
    pub fn close(&self, reason: CloseReason) {
        self.inner().close.get_or_insert(reason);
        self.wake();
    }

    /// Why the connection is to be ended, once it is.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.inner().close
    }

    /// What is next on the way to the client, if there is something.
    pub fn try_next(&self) -> Option<Outgoing> {
        self.inner().queue.pop()
    }

    /// Waits until there may be something to send, to read again, or a reason to end. Cancel-safe.
    pub async fn changed(&self) {
        self.wake.notified().await;
    }
}

/// An event on its way to clients.
pub(super) struct Offered<'a> {
    pub(super) topic: &'a str,
    pub(super) session_key: Option<&'a SessionKey>,
    pub(super) run_id: Option<&'a RunId>,
    pub(super) text: &'a super::text::LazyText<'a>,
}
