//! What clients of the TypeScript protocol are told: every event once as text for all of them.

mod listener;
mod presence;
mod translate;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use openclaw_core::{Clock, RunId, SessionKey};
use openclaw_protocol::Scope;
use openclaw_protocol::event::{DeviceResolvedEvent, topic};
use openclaw_protocol::typescript::connect::{PresenceEntry, StateVersion};
use openclaw_protocol::typescript::event as frame;
use openclaw_protocol::typescript::events::{ChatMessage, ChatPayload, ChatState, name};
use openclaw_storage::{Committed, CommittedEvent};
use serde::Serialize;
use serde_json::json;
use tokio_tungstenite::tungstenite::Utf8Bytes;

pub(crate) use listener::Listener;
use presence::Presence;
use translate::{Run, Told};

use super::hello::this_gateway;
use super::methods::approvals;
use crate::auth::devices::Request;
use crate::delivery::LiveEvent;

/// Runs whose text is followed; beyond it one that is silent longest is forgotten.
const MOST_RUNS: usize = 4_096;

/// The clients that connected by the TypeScript protocol, and what they are told.
#[derive(Debug)]
pub struct Audience {
    clock: Arc<dyn Clock>,
    /// The program's version.
    version: &'static str,
    inner: Mutex<Inner>,
    /// How many listen: without any, nothing is translated.
    listening: AtomicUsize,
}

#[derive(Debug, Default)]
struct Inner {
    listeners: Vec<Listener>,
    /// Of the last event that went to all.
    seq: u64,
    version: StateVersion,
    presence: Presence,
    runs: HashMap<RunId, Run>,
}

/// Whom an event is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For<'a> {
    /// Everybody.
    Everyone,
    /// Everybody with this scope.
    All(Scope),
    /// Those who want to see the tools of this session's runs, having begun one.
    Tools(&'a SessionKey),
}

/// Whether an event may be left out for who does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worth {
    /// What comes later tells the same.
    Droppable,
    /// Who misses it is ended.
    Needed,
}

impl Audience {
    /// One without listeners.
    pub fn new(clock: Arc<dyn Clock>, version: &'static str) -> Self {
        Self { clock, version, inner: Mutex::default(), listening: AtomicUsize::new(0) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no panic while the audience is held")
    }

    /// Whether nobody listens.
    pub fn is_empty(&self) -> bool {
        self.listening.load(Ordering::Relaxed) == 0
    }

    pub(crate) fn join(&self, listener: Listener, presence: Option<(String, PresenceEntry)>) {
        let mut inner = self.inner();
        inner.listeners.push(listener);
        self.listening.store(inner.listeners.len(), Ordering::Relaxed);
        if let Some((key, entry)) = presence {
            inner.presence.connected(key, entry);
            self.tell_presence(&mut inner);
        }
    }

    pub(crate) fn leave(&self, client: crate::hub::ClientId, presence: Option<&str>) {
        let now = self.clock.now();
        let mut inner = self.inner();
        inner.listeners.retain(|listener| listener.client.id() != client);
        self.listening.store(inner.listeners.len(), Ordering::Relaxed);
        if inner.listeners.is_empty() {
            inner.runs = HashMap::new();
        }
        if let Some(key) = presence {
            inner.presence.disconnected(key, now);
            self.tell_presence(&mut inner);
        }
    }

    /// A client began a run: from now on it sees the tools of that session's runs, if it can.
    pub(crate) fn began_run(&self, client: crate::hub::ClientId, session: &SessionKey) {
        let mut inner = self.inner();
        if let Some(listener) = inner.listeners.iter_mut().find(|it| it.client.id() == client) {
            listener.began_run(session);
        }
    }

    /// This gateway among those who are here.
    pub(crate) fn this_gateway(&self) -> PresenceEntry {
        this_gateway(self.version, self.clock.now())
    }

    /// Who is here: this gateway, then those that count, latest first.
    pub(crate) fn presence(&self) -> Vec<PresenceEntry> {
        self.present(&mut self.inner())
    }

    fn present(&self, inner: &mut Inner) -> Vec<PresenceEntry> {
        let mut entries = vec![self.this_gateway()];
        entries.extend(inner.presence.entries(self.clock.now()));
        entries
    }

    fn tell_presence(&self, inner: &mut Inner) {
        inner.version.presence += 1;
        let version = Some(inner.version);
        let payload = json!({ "presence": self.present(inner) });
        inner.tell(For::All(Scope::Read), name::PRESENCE, &payload, version, Worth::Droppable);
    }

    /// Somebody told of themselves.
    pub(crate) fn seen(&self, key: String, entry: PresenceEntry) {
        let mut inner = self.inner();
        inner.presence.seen(key, entry);
        self.tell_presence(&mut inner);
    }

    /// How often presence and health have changed.
    pub(crate) fn version(&self) -> StateVersion {
        self.inner().version
    }

    /// Gives a sign of life.
    pub(crate) fn tick(&self) {
        let ts = self.clock.now().as_millis();
        self.broadcast(name::TICK, &json!({ "ts": ts }), For::Everyone, Worth::Droppable);
    }

    /// Tells how things stand.
    pub(crate) fn health(&self, snapshot: &serde_json::Value) {
        let mut inner = self.inner();
        inner.version.health += 1;
        let version = Some(inner.version);
        inner.tell(For::All(Scope::Read), name::HEALTH, snapshot, version, Worth::Droppable);
    }

    /// Tells that the gateway stops.
    pub(crate) fn shutdown(&self) {
        let payload = json!({ "reason": "service stopping" });
        self.broadcast(name::SHUTDOWN, &payload, For::Everyone, Worth::Droppable);
    }

    /// Tells what happened to a job.
    pub(crate) fn cron(&self, payload: &serde_json::Value) {
        self.broadcast(name::CRON, payload, For::All(Scope::Read), Worth::Needed);
    }

    /// Tells what became of a heartbeat.
    pub(crate) fn heartbeat(&self, payload: &serde_json::Value) {
        self.broadcast(name::HEARTBEAT, payload, For::All(Scope::Read), Worth::Droppable);
    }

    /// Tells that a device waits for approval.
    pub(crate) fn pair_requested(&self, request: &Request) {
        let payload = super::methods::devices::request(request);
        let to = For::All(Scope::Pairing);
        self.broadcast(name::PAIR_REQUESTED, &payload, to, Worth::Droppable);
    }

    /// Tells that a device was approved or turned away.
    pub(crate) fn pair_resolved(&self, event: &DeviceResolvedEvent) {
        let payload = json!({
            "requestId": event.request_id,
            "deviceId": event.device_id,
            "decision": if event.is_approved { "approved" } else { "rejected" },
            "ts": self.clock.now().as_millis(),
        });
        let to = For::All(Scope::Pairing);
        self.broadcast(name::PAIR_RESOLVED, &payload, to, Worth::Droppable);
    }

    /// Tells the end of a run that nobody sees the end of otherwise: another took it, or it was
    /// never begun.
    pub(crate) fn chat_ended(
        &self,
        run: &RunId,
        session: &SessionKey,
        state: ChatState,
        text: Option<String>,
        error_message: Option<String>,
    ) {
        let now = self.clock.now().as_millis();
        let payload = ChatPayload {
            run_id: run.as_str(),
            session_key: session.as_str(),
            seq: 0,
            state,
            message: text
                .filter(|text| !text.is_empty())
                .map(|text| ChatMessage::text("assistant", text, now)),
            delta_text: None,
            replace: None,
            error_message,
            stop_reason: None,
        };
        self.broadcast(name::CHAT, &payload, For::All(Scope::Read), Worth::Needed);
    }

    fn broadcast<P: Serialize>(&self, event: &str, payload: &P, to: For<'_>, worth: Worth) {
        if !self.is_empty() {
            self.inner().tell(to, event, payload, None, worth);
        }
    }

    /// A command waits for approval, or does not any more.
    fn approval(&self, event: &CommittedEvent) -> Result<(), serde_json::Error> {
        let data = event.data.clone().unwrap_or_default();
        let (name, payload) = match event.topic {
            topic::APPROVAL_REQUESTED => {
                (name::APPROVAL_REQUESTED, approvals::requested(&serde_json::from_value(data)?))
            }
            _ => {
                let now = self.clock.now();
                let payload = approvals::resolved(&serde_json::from_value(data)?, now);
                (name::APPROVAL_RESOLVED, payload)
            }
        };
        self.broadcast(name, &payload, For::All(Scope::Approvals), Worth::Needed);
        Ok(())
    }

    fn stored(&self, event: &CommittedEvent) {
        if matches!(event.topic, topic::APPROVAL_REQUESTED | topic::APPROVAL_RESOLVED) {
            if let Err(error) = self.approval(event) {
                tracing::error!(%error, "an approval cannot be read and is not told");
            }
            return;
        }
        let Some(run_id) = &event.run_id else { return };
        let now = self.clock.now();
        let mut inner = self.inner();
        let told = match event.topic {
            topic::AGENT_STARTED => inner.run(run_id).started(run_id, &event.session_key, now),
            topic::AGENT_TOOL => {
                let Some(data) = &event.data else { return };
                inner.run(run_id).tool(run_id, &event.session_key, data, now)
            }
            topic::AGENT_COMPACTION => inner.run(run_id).compacted(run_id, &event.session_key, now),
            topic::AGENT_DONE | topic::AGENT_ERROR => {
                let mut run = inner.runs.remove(run_id).unwrap_or_default();
                run.ended(run_id, &event.session_key, event.topic, event.data.as_ref(), now)
            }
            _ => return,
        };
        inner.tell_all(&event.session_key, told);
    }

    /// A batch was committed.
    pub(crate) fn committed(&self, committed: &Committed) {
        if !self.is_empty() {
            committed.events.iter().for_each(|event| self.stored(event));
        }
    }

    /// A running turn tells something.
    pub(crate) fn live(&self, event: &LiveEvent) {
        if self.is_empty() {
            return;
        }
        let now = self.clock.now();
        let mut inner = self.inner();
        let told =
            inner.run(&event.run_id).live(&event.run_id, &event.session_key, &event.event, now);
        inner.tell_all(&event.session_key, told);
    }
}

impl Inner {
    fn run(&mut self, run: &RunId) -> &mut Run {
        if self.runs.len() >= MOST_RUNS && !self.runs.contains_key(run) {
            let silent = self.runs.iter().min_by_key(|(_, run)| run.last_at());
            if let Some(silent) = silent.map(|(id, _)| id.clone()) {
                self.runs.remove(&silent);
            }
        }
        self.runs.entry(run.clone()).or_default()
    }

    fn tell_all(&mut self, session: &SessionKey, told: Vec<Told>) {
        for told in told {
            match told {
                Told::Agent { payload, is_tool: true } => {
                    self.tell(For::Tools(session), name::AGENT, &payload, None, Worth::Needed);
                }
                Told::Agent { payload, is_tool: false } => {
                    let is_text = payload["stream"] == "assistant";
                    let worth = if is_text { Worth::Droppable } else { Worth::Needed };
                    self.tell(For::All(Scope::Read), name::AGENT, &payload, None, worth);
                }
                Told::Chat { payload, is_end } => {
                    let worth = if is_end { Worth::Needed } else { Worth::Droppable };
                    self.tell(For::All(Scope::Read), name::CHAT, &payload, None, worth);
                }
            }
        }
    }

    fn tell<P: Serialize>(
        &mut self,
        to: For<'_>,
        event: &str,
        payload: &P,
        version: Option<StateVersion>,
        worth: Worth,
    ) {
        let seq = match to {
            For::Everyone | For::All(_) => {
                self.seq += 1;
                Some(self.seq)
            }
            For::Tools(_) => None,
        };
        let text = match frame(event, payload, seq, version) {
            Ok(text) => Utf8Bytes::from(text),
            Err(error) => {
                tracing::error!(event, %error, "an event cannot be written as JSON and is not sent");
                return;
            }
        };
        for listener in self.listeners.iter().filter(|listener| listener.hears(to)) {
            match worth {
                Worth::Droppable => listener.client.offer_frame(text.clone()),
                Worth::Needed => listener.client.need_frame(text.clone()),
            }
        }
    }
}
