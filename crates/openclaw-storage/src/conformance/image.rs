use std::fmt::Debug;

use openclaw_core::{
    AgentId, ChannelId, ChatAddress, InboxId, MessageId, OutboxId, RunId, SessionId, SessionKey,
    Timestamp, UserId,
};

use crate::rows::{MemorySource, MessageQuery, SessionQuery};
use crate::{Storage, StorageError, search_memory};

/// The names under which a test looks for rows.
#[derive(Debug, Clone, Default)]
pub struct Universe {
    /// Sessions.
    pub sessions: Vec<SessionId>,
    /// Their keys.
    pub keys: Vec<SessionKey>,
    /// Messages.
    pub messages: Vec<MessageId>,
    /// Inputs.
    pub inputs: Vec<InboxId>,
    /// Runs.
    pub runs: Vec<RunId>,
    /// Outbox rows.
    pub outbox: Vec<OutboxId>,
    /// Channel accounts.
    pub channels: Vec<ChannelId>,
    /// Chats.
    pub chats: Vec<ChatAddress>,
    /// People.
    pub users: Vec<UserId>,
    /// Leases.
    pub resources: Vec<String>,
    /// Pairing codes.
    pub codes: Vec<String>,
    /// Agents.
    pub agents: Vec<AgentId>,
    /// Texts of what they can search, whose hashes begin with `#`.
    pub texts: Vec<String>,
}

struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, what: impl Debug, read: Result<impl Debug, StorageError>) {
        let shown = read.expect("the store is read");
        self.0.push(format!("{what:?}: {shown:?}"));
    }
}

/// All that a store answers about a universe, one line for each read. Two stores with the same
/// contents give the same lines.
pub async fn image(storage: &dyn Storage, universe: &Universe) -> Vec<String> {
    let mut lines = Lines(Vec::new());
    sessions(storage, universe, &mut lines).await;
    log(storage, universe, &mut lines).await;
    queues(storage, universe, &mut lines).await;
    people(storage, universe, &mut lines).await;
    memory(storage, universe, &mut lines).await;
    lines.0
}

async fn sessions(storage: &dyn Storage, universe: &Universe, lines: &mut Lines) {
    for id in &universe.sessions {
        lines.add(("session", id), storage.session(id).await);
    }
    for key in &universe.keys {
        lines.add(("live", key), storage.session_by_key(key).await);
    }
    lines.add("live sessions", storage.count_sessions().await);
    let mut query = SessionQuery { limit: 2, ..SessionQuery::default() };
    loop {
        let page = storage.list_sessions(&query).await.expect("the store is read");
        lines.0.push(format!("page: {page:?}"));
        if page.next_cursor.is_none() {
            break;
        }
        query.cursor = page.next_cursor;
    }
    for channel in &universe.channels {
        let query = SessionQuery {
            limit: 10,
            channel_id: Some(channel.clone()),
            search: Some("A".to_owned()),
            ..SessionQuery::default()
        };
        lines.add(("found", channel), storage.list_sessions(&query).await);
    }
}

async fn log(storage: &dyn Storage, universe: &Universe, lines: &mut Lines) {
    for id in &universe.messages {
        lines.add(("message", id), storage.message(id).await);
    }
    for text in ["1", "edited", "edited 3*"] {
        let query = MessageQuery { text: text.to_owned(), limit: 3, ..MessageQuery::default() };
        lines.add(("words", text), storage.search_messages(&query).await);
    }
    for id in &universe.sessions {
        lines.add(("history", id), storage.messages_before(id, None, 3).await);
        lines.add(("history before 3", id), storage.messages_before(id, Some(3), 10).await);
        lines.add(("history after", id), storage.messages_after(id, 1, 10).await);
        lines.add(("events", id), storage.events_after(id, 0, 1_000).await);
        lines.add(("transcript", id), storage.transcript_tail(id, 1_000, 1 << 20).await);
        lines.add(("transcript after", id), storage.transcript_after(id, 2, 3).await);
        lines.add(("short transcript", id), storage.transcript_tail(id, 5, 40).await);
        for run in &universe.runs {
            lines.add(("transcript of", id, run), storage.transcript_of_run(id, run).await);
        }
    }
}

async fn queues(storage: &dyn Storage, universe: &Universe, lines: &mut Lines) {
    for id in &universe.inputs {
        lines.add(("input", id), storage.input(id).await);
    }
    for run in &universe.runs {
        lines.add(("input of", run), storage.input_by_run(run).await);
        lines.add(("outbox of", run), storage.outbox_of_run(run).await);
    }
    for key in &universe.keys {
        lines.add(("open inputs", key), storage.open_inputs(key, 100).await);
        lines.add(("recent inputs", key), storage.recent_inputs(Some(key), 3).await);
    }
    lines.add("open keys", storage.keys_with_open_inputs().await);
    let since = Timestamp::from_millis(5_000);
    lines.add("unattended keys", storage.unattended_keys("one", since).await);
    lines.add("recent inputs", storage.recent_inputs(None, 4).await);
    lines.add("backlog", storage.backlog().await);
    for id in &universe.outbox {
        lines.add(("outbox", id), storage.outbox(id).await);
        lines.add(("outbox by key", id), storage.outbox_by_idempotency_key(id.as_str()).await);
    }
    lines.add("open conversations", storage.open_conversations().await);
    lines.add("troubled", storage.troubled_outbox(3).await);
    for channel in &universe.channels {
        for chat in &universe.chats {
            lines.add(("to send", channel, chat), storage.open_outbox(channel, chat, 100).await);
            for message in &universe.messages {
                let external = super::external(message.as_str());
                let chat = &chat.chat_id;
                let found = storage.message_by_external_id(channel, chat, &external).await;
                lines.add(("message as", channel, chat, message), found);
            }
            for run in &universe.runs {
                let external = super::external(run.as_str());
                let chat = &chat.chat_id;
                let found = storage.input_by_external_id(channel, chat, &external).await;
                lines.add(("input as", channel, chat, run), found);
            }
        }
    }
}

async fn people(storage: &dyn Storage, universe: &Universe, lines: &mut Lines) {
    for channel in &universe.channels {
        for user in &universe.users {
            lines.add(("user", channel, user), storage.user(channel, user).await);
            lines.add(("pairing", channel, user), storage.pairing(channel, user).await);
        }
        lines.add(("pairings", channel), storage.pairings(Some(channel)).await);
    }
    lines.add("pairings", storage.pairings(None).await);
    for code in &universe.codes {
        let now = Timestamp::from_millis(5_000);
        lines.add(("code", code), storage.pairing_by_code(code, now).await);
    }
    lines.add("values", storage.values("").await);
    for resource in &universe.resources {
        lines.add(("lease", resource), storage.lease(resource).await);
        lines.add(("value", resource), storage.value(resource).await);
    }
}

async fn memory(storage: &dyn Storage, universe: &Universe, lines: &mut Lines) {
    let hashes: Vec<String> = universe.texts.iter().map(|text| format!("#{text}")).collect();
    for agent in &universe.agents {
        for source in MemorySource::ALL {
            let files = storage.memory_files(agent, source).await.expect("the store is read");
            for file in &files {
                let last = storage.last_memory_chunk(agent, source, &file.path).await;
                lines.add(("last chunk", &file.path), last);
            }
            lines.0.push(format!("files of {agent}: {files:?}"));
        }
        lines.add(("chunks", agent), storage.memory_chunks_of(agent, &hashes).await);
        for text in &universe.texts {
            lines.add(("found", agent, text), search_memory(storage, agent, text).await);
        }
        lines.add(("to index", agent), storage.unindexed_sessions(agent, None, 2).await);
        for model in ["m", "n"] {
            let lacking = storage.texts_without_vector(agent, model, None, 3).await;
            lines.add(("without vector", agent, model), lacking);
            let vectors = storage.memory_vectors_after(agent, model, 0, 100).await;
            let vectors =
                vectors.map(|rows| rows.into_iter().map(|row| row.vector).collect::<Vec<_>>());
            lines.add(("vectors", agent, model), vectors);
        }
    }
}
