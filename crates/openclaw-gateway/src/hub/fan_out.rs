use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use openclaw_core::{Clock, RunId, SessionId, SessionKey};
use openclaw_protocol::ScopeSet;
use openclaw_protocol::event::{PresenceEvent, SessionEvent, topic};
use openclaw_storage::{CommitObserver, Committed, CommittedEvent, SessionChange, Storage};
use serde::Serialize;

use super::TopicFilter;
use super::client::{Client, ClientId, Offered, Replay, SubscribeError};
use super::index::Index;
use super::text::{LazyText, live_topic, of_live, of_notice, of_stored};
use super::watch::{SessionWatch, WatchFor, Watches};
use crate::delivery::{LiveEvent, LiveSink};

/// Tells clients what happens.
#[derive(Debug)]
pub struct Hub {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    index: Mutex<Index>,
    watches: Arc<Watches>,
    next_client: AtomicU64,
}

impl Hub {
    /// A hub without clients, which reads stored events from this store.
    pub fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>) -> Self {
        Self {
            storage,
            clock,
            index: Mutex::default(),
            watches: Arc::default(),
            next_client: AtomicU64::new(1),
        }
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().expect("no panic while the index is held")
    }

    /// The store that clients which are behind read from.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// The time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// A new connection, not signed in.
    pub fn connect(&self) -> Arc<Client> {
        let id = ClientId(self.next_client.fetch_add(1, Ordering::Relaxed));
        let client = Arc::new(Client::new(id));
        self.index().add(client.clone());
        client
    }

    /// The connection signed in; a second sign-in replaces the first.
    pub fn sign_in(&self, client: &Arc<Client>, principal: Arc<str>, scopes: ScopeSet) {
        let is_first = client.principal().is_none();
        client.sign_in(principal, scopes);
        if is_first {
            let connections = self.index().signed_in();
            self.notice(topic::PRESENCE, None, &PresenceEvent { connections });
        }
    }

    /// Signs in what is no connection of its own: nobody is told.
    pub(super) fn sign_in_quietly(&self, client: &Client, principal: Arc<str>, scopes: ScopeSet) {
        client.sign_in(principal, scopes);
        self.index().signed_in();
    }

    /// Ends [`Self::sign_in_quietly`].
    pub(super) fn leave_quietly(&self, client: &Arc<Client>) {
        self.index().remove(client);
    }

    /// The connection is over.
    pub fn disconnect(&self, client: &Arc<Client>) {
        let was_signed_in = client.principal().is_some();
        let connections = self.index().remove(client);
        if was_signed_in {
            self.notice(topic::PRESENCE, None, &PresenceEvent { connections });
        }
    }

    /// Makes every connection look again whether what it signed in with still counts.
    pub fn wake_all(&self) {
        self.clients().iter().for_each(|client| client.wake());
    }

    /// Every connection.
    pub fn clients(&self) -> Vec<Arc<Client>> {
        self.index().all().cloned().collect()
    }

    /// Gives a client the events of some topics, of one session where given. With `replay` stored
    /// events come first, then live ones, without gap or double.
    ///
    /// # Errors
    /// When the client has too many subscriptions.
    pub fn subscribe(
        &self,
        client: &Arc<Client>,
        topics: Vec<TopicFilter>,
        session_key: Option<SessionKey>,
        replay: Option<Replay>,
    ) -> Result<String, SubscribeError> {
        // The index first: an event that is committed after the store was read finds the client,
        // one committed before is in what it reads.
        self.index().interest(client, session_key.as_ref());
        let added = client.add_subscription(topics, session_key.clone(), replay);
        if added.is_err() {
            self.index().no_interest(client, session_key.as_ref());
        }
        added
    }

    /// Ends a subscription; whether there was one.
    pub fn unsubscribe(&self, client: &Arc<Client>, id: &str) -> bool {
        let Some(removed) = client.remove_subscription(id) else { return false };
        self.index().no_interest(client, removed.session_key.as_ref());
        true
    }

    /// Gives a client the events of a run until it ends, without a subscription.
    pub fn watch_run(&self, client: &Arc<Client>, run: &RunId) {
        let (is_new, oldest) = client.watch_run(run);
        let mut index = self.index();
        if is_new {
            index.watch_run(client, run);
        }
        if let Some(oldest) = oldest {
            index.forget_run(client, &oldest);
        }
    }

    /// Ends [`Self::watch_run`], for a run that was not begun or has ended without telling.
    pub fn forget_run(&self, client: &Arc<Client>, run: &RunId) {
        client.forget_run(run, None);
        self.index().forget_run(client, run);
    }

    /// Waits on a session for a call that must look again when something happens there.
    pub fn watch_session(&self, key: SessionKey, wants: WatchFor) -> SessionWatch {
        self.watches.watch(key, wants)
    }

    /// Tells those who subscribed to the topic; nothing is stored.
    pub fn notice<D: Serialize>(&self, topic: &str, session_key: Option<&SessionKey>, data: &D) {
        let candidates = self.index().candidates(session_key, None);
        let text = LazyText::new(|| of_notice(topic, session_key, data));
        let offered = Offered { topic, session_key, run_id: None, text: &text };
        candidates.iter().for_each(|client| client.offer_live(&offered, None));
    }

    fn stored(&self, event: &CommittedEvent) {
        self.watches.event(&event.session_key, event.topic);
        let (key, run_id) = (&event.session_key, event.run_id.as_ref());
        let candidates = self.index().candidates(Some(key), run_id);
        if !candidates.is_empty() {
            let (message, data) = (event.message.as_ref(), event.data.as_ref());
            let text =
                LazyText::new(|| of_stored(event.topic, event.seq, key, run_id, message, data));
            let offered =
                Offered { topic: event.topic, session_key: Some(key), run_id, text: &text };
            for client in &candidates {
                client.offer_stored(&offered, &event.session_id, event.seq);
            }
        }
    }

    fn run_ended(&self, run: &RunId, session: &SessionId) {
        let watchers = self.index().end_run(run);
        watchers.iter().for_each(|client| client.forget_run(run, Some(session)));
    }

    fn session(&self, key: &SessionKey, id: &SessionId, change: SessionChange) {
        self.watches.session(key);
        let topic = match change {
            SessionChange::Created => topic::SESSION_CREATED,
            SessionChange::Updated => topic::SESSION_UPDATED,
            SessionChange::Ended => topic::SESSION_ENDED,
            SessionChange::Deleted => topic::SESSION_DELETED,
        };
        self.notice(topic, Some(key), &SessionEvent { session_id: id.clone() });
    }
}

impl CommitObserver for Hub {
    fn committed(&self, committed: Committed) {
        committed.events.iter().for_each(|event| self.stored(event));
        // After all of them: what is committed with the end of a run is still part of it.
        for event in &committed.events {
            let is_end = matches!(event.topic, topic::AGENT_DONE | topic::AGENT_ERROR);
            if let (true, Some(run)) = (is_end, &event.run_id) {
                self.run_ended(run, &event.session_id);
            }
        }
        for (key, id, change) in &committed.sessions {
            self.session(key, id, *change);
        }
    }
}

impl LiveSink for Hub {
    fn live(&self, event: LiveEvent) {
        let candidates = self.index().candidates(Some(&event.session_key), Some(&event.run_id));
        if candidates.is_empty() {
            return;
        }
        let text = LazyText::new(|| of_live(&event));
        let offered = Offered {
            topic: live_topic(&event.event),
            session_key: Some(&event.session_key),
            run_id: Some(&event.run_id),
            text: &text,
        };
        candidates.iter().for_each(|client| client.offer_live(&offered, Some(&event.session_id)));
    }
}
