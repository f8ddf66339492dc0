use std::any::Any;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openclaw_core::{
    AgentId, ChannelId, ChatAddress, ChatId, ChatKind, Clock, Conversation, Direction, ExternalId,
    Inbound, InboundKind, InboxId, MessageContent, MessageId, Outbound, OutboxId, RunId,
    SendMessage, Sender, Session, SessionConfig, SessionContext, SessionId, SessionKey,
    SessionState, Timestamp, UserId,
};

use crate::rows::{InputState, OutboxKind, OutboxState, RunOptions};
use crate::{
    Applied, ApplyError, Batch, CommitObserver, Committed, Conflict, EventDraft, LogEntry,
    NewInput, NewMessage, NewOutbox, Storage, Write,
};

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows this moment.
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_millis()))
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// An observer that remembers what it was told.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Vec<Committed>>);

impl Recorder {
    /// What was told since the last call.
    pub fn take(&self) -> Vec<Committed> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl CommitObserver for Recorder {
    fn committed(&self, committed: Committed) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(committed);
    }
}

/// A store for one test, and what must live as long as it.
pub struct Opened {
    /// The store.
    pub storage: Arc<dyn Storage>,
    /// Such as its folder.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// A fresh store with a clock at 1,000,000 ms and an observer.
pub struct Fixture {
    /// The store.
    pub storage: Arc<dyn Storage>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// Its observer.
    pub observer: Arc<Recorder>,
    _keep: Box<dyn Any + Send + Sync>,
}

impl Fixture {
    /// Opens a store.
    pub async fn open<F, O>(open: F) -> Self
    where
        F: FnOnce(Arc<dyn Clock>, Arc<dyn CommitObserver>) -> O,
        O: Future<Output = Opened>,
    {
        let clock = Arc::new(ManualClock::at(at(1_000_000)));
        let observer = Arc::new(Recorder::default());
        let opened = open(clock.clone(), observer.clone()).await;
        Self { storage: opened.storage, clock, observer, _keep: opened.keep }
    }

    /// Applies writes that must be accepted.
    pub async fn apply(&self, writes: impl IntoIterator<Item = Write>) -> Applied {
        let batch = Batch { fences: Vec::new(), writes: writes.into_iter().collect() };
        self.storage.apply(batch).await.expect("the batch is accepted")
    }

    /// Applies writes that must be refused.
    pub async fn refused(&self, writes: impl IntoIterator<Item = Write>) -> Conflict {
        let batch = Batch { fences: Vec::new(), writes: writes.into_iter().collect() };
        self.refused_batch(batch).await
    }

    /// Applies a batch that must be refused.
    pub async fn refused_batch(&self, batch: Batch) -> Conflict {
        match self.storage.apply(batch).await {
            Err(ApplyError::Conflict(conflict)) => conflict,
            other => panic!("expected a conflict, got {other:?}"),
        }
    }

    /// Creates the session of this name.
    pub async fn with_session(&self, name: &str) -> Session {
        let session = session(name);
        self.apply([Write::CreateSession(Box::new(session.clone()))]).await;
        session
    }
}

/// A moment in milliseconds.
pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// The channel of this kind.
pub fn channel(kind: &str) -> ChannelId {
    ChannelId::new(kind).expect("a channel id")
}

/// The chat of this id.
pub fn chat(id: &str) -> ChatAddress {
    ChatAddress { chat_id: ChatId::new(id).expect("a chat id"), thread_id: None }
}

/// A service's id.
pub fn external(id: &str) -> ExternalId {
    ExternalId::new(id).expect("an external id")
}

/// A session's id.
pub fn session_id(name: &str) -> SessionId {
    SessionId::new(format!("session-{name}")).expect("a session id")
}

/// A session's key.
pub fn session_key(name: &str) -> SessionKey {
    SessionKey::parse(&format!("agent:main:{name}")).expect("a session key")
}

/// A message's id.
pub fn message_id(name: &str) -> MessageId {
    MessageId::new(format!("message-{name}")).expect("a message id")
}

/// An input's id.
pub fn inbox_id(name: &str) -> InboxId {
    InboxId::new(format!("input-{name}")).expect("an inbox id")
}

/// An outbox row's id.
pub fn outbox_id(name: &str) -> OutboxId {
    OutboxId::new(format!("outbox-{name}")).expect("an outbox id")
}

/// A run's id.
pub fn run(name: &str) -> RunId {
    RunId::new(format!("run-{name}")).expect("a run id")
}

/// A person's id.
pub fn user_id(name: &str) -> UserId {
    UserId::new(name).expect("a user id")
}

/// A new session of this name, of the web channel.
pub fn session(name: &str) -> Session {
    Session {
        id: session_id(name),
        session_key: session_key(name),
        agent_id: AgentId::main(),
        channel_id: ChannelId::web(),
        user_id: user_id("owner"),
        chat_id: chat(name).chat_id,
        label: None,
        config: SessionConfig::default(),
        state: SessionState::Idle,
        context: SessionContext::default(),
        last_seq: 0,
        created_at: at(1_000),
        updated_at: at(1_000),
        last_activity_at: at(1_000),
        ended_at: None,
    }
}

/// A message to store.
pub fn said(id: &str, text: &str) -> NewMessage {
    NewMessage {
        id: message_id(id),
        channel_id: ChannelId::web(),
        direction: Direction::Outbound,
        sender: None,
        chat: chat("room"),
        content: MessageContent::text(text),
        reply_to: None,
        external_id: None,
    }
}

/// An entry that holds a message and the event that points at it.
pub fn entry(session: &str, message: &str) -> LogEntry {
    LogEntry {
        session_id: session_id(session),
        session_key: session_key(session),
        run_id: None,
        message: Some(said(message, message)),
        transcript: None,
        event: Some(EventDraft {
            topic: "message.received",
            message_id: Some(message_id(message)),
            data: None,
        }),
        at: at(2_000),
    }
}

/// A waiting input of this name to a session.
pub fn input(session: &str, name: &str) -> NewInput {
    NewInput {
        id: inbox_id(name),
        run_id: run(name),
        principal: "channel:telegram".to_owned(),
        session_id: session_id(session),
        session_key: session_key(session),
        message_id: message_id(name),
        inbound: Inbound {
            conversation: Conversation {
                channel_id: channel("telegram"),
                chat_id: chat("42").chat_id,
                kind: ChatKind::Direct,
                thread_id: None,
                title: None,
            },
            external_id: external(name),
            kind: InboundKind::Message,
            sender: Sender {
                id: user_id("7"),
                display_name: Some("Ada".to_owned()),
                username: None,
                roles: Vec::new(),
                is_bot: false,
            },
            content: MessageContent::text(name),
            reply_to: None,
            mentions_self: false,
            sent_at: at(1_500),
        },
        options: RunOptions::default(),
        reply_back: true,
        state: InputState::Waiting,
        error: None,
        merged_into: None,
        at: at(2_000),
    }
}

/// A pending row of this name to a chat of Telegram.
pub fn outbox(name: &str, to: &str) -> NewOutbox {
    NewOutbox {
        id: outbox_id(name),
        channel_id: channel("telegram"),
        session_id: None,
        session_key: None,
        run_id: None,
        message_id: None,
        kind: OutboxKind::Reply,
        chunk: 0,
        outbound: Outbound::Send(SendMessage {
            chat: chat(to),
            text: name.to_owned(),
            media: Vec::new(),
            buttons: Vec::new(),
            reply_to: None,
            key: outbox_id(name),
        }),
        state: OutboxState::Pending,
        principal: None,
        idempotency_key: None,
        at: at(3_000),
    }
}
