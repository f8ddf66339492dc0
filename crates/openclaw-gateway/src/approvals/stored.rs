use std::sync::Arc;

use async_trait::async_trait;
use openclaw_core::{
    AgentId, ChannelId, ChatId, Clock, IdGen, OutboxId, Session, SessionId, SessionKey, UserId,
};
use openclaw_protocol::event::topic;
use openclaw_storage::{Batch, EventDraft, LogEntry, Storage, Write};
use openclaw_tools::approvals::{Allowed, ApprovalLog, ApprovalRequest, Resolution};
use serde::Serialize;

use super::wire::resolved;
use super::{approval, prompt};

/// Values under this prefix are `<agent>/<key>`.
const PREFIX: &str = "approvals/";

/// Approvals in the store: requests as events of their session, what is allowed always as values.
#[derive(Debug)]
pub struct StoredApprovals {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGen>,
}

impl StoredApprovals {
    /// In this store.
    pub fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>, ids: Arc<dyn IdGen>) -> Self {
        Self { storage, clock, ids }
    }

    /// The question in the chat that the run came from.
    async fn question(&self, request: &ApprovalRequest) -> Result<Option<Write>, String> {
        let Some(run) = &request.run_id else { return Ok(None) };
        let asked = self.storage.input_by_run(run).await;
        let asked = asked.map_err(|error| format!("the store cannot be read: {error}"))?;
        let id = OutboxId::new(self.ids.new_id()).map_err(|error| error.to_string())?;
        Ok(asked.and_then(|asked| prompt::question(id, request, &asked)))
    }

    async fn tell(
        &self,
        request: &ApprovalRequest,
        topic: &'static str,
        data: &impl Serialize,
        beside: Option<Write>,
    ) -> Result<(), String> {
        let session = self.storage.session_by_key(&request.session_key).await;
        let session = session.map_err(|error| format!("the store cannot be read: {error}"))?;
        let mut batch = Batch::new();
        let session = match session {
            Some(session) => session.id,
            // What is asked by hand may be the first that happens in a session.
            None => {
                let begun = self.begin_session(&request.session_key)?;
                let id = begun.id.clone();
                batch.push(Write::CreateSession(Box::new(begun)));
                id
            }
        };
        let data = serde_json::to_value(data).map_err(|error| error.to_string())?;
        let entry = LogEntry {
            session_id: session,
            session_key: request.session_key.clone(),
            run_id: request.run_id.clone(),
            message: None,
            transcript: None,
            event: Some(EventDraft { topic, message_id: None, data: Some(data) }),
            at: self.clock.now(),
        };
        batch.push(Write::Append(Box::new(entry)));
        batch.writes.extend(beside);
        self.apply_all(batch).await
    }

    fn begin_session(&self, key: &SessionKey) -> Result<Session, String> {
        let unusable = |error: openclaw_core::InvalidId| error.to_string();
        Ok(Session::begin(
            SessionId::new(self.ids.new_id()).map_err(unusable)?,
            key.clone(),
            ChannelId::web(),
            UserId::new("owner").map_err(unusable)?,
            ChatId::new(key.rest()).map_err(unusable)?,
            self.clock.now(),
        ))
    }

    async fn apply(&self, write: Write) -> Result<(), String> {
        self.apply_all(Batch::new().with(write)).await
    }

    async fn apply_all(&self, batch: Batch) -> Result<(), String> {
        let applied = self.storage.apply(batch).await;
        applied.map(drop).map_err(|error| format!("it could not be stored: {error}"))
    }
}

fn place(agent: &AgentId, key: &str) -> String {
    format!("{PREFIX}{agent}/{key}")
}

#[async_trait]
impl ApprovalLog for StoredApprovals {
    async fn requested(&self, request: &ApprovalRequest) -> Result<(), String> {
        let question = self.question(request).await?;
        self.tell(request, topic::APPROVAL_REQUESTED, &approval(request), question).await
    }

    async fn resolved(&self, request: &ApprovalRequest, resolution: &Resolution) {
        let event = resolved(request, resolution);
        if let Err(error) = self.tell(request, topic::APPROVAL_RESOLVED, &event, None).await {
            tracing::warn!(id = request.id, error, "the end of an approval was not stored");
        }
    }

    async fn allowed(&self, agent: &AgentId, key: &str) -> Result<Option<Allowed>, String> {
        let value = self.storage.value(&place(agent, key)).await;
        let value = value.map_err(|error| format!("the store cannot be read: {error}"))?;
        // What cannot be read allows nothing.
        Ok(value.and_then(|value| serde_json::from_str(&value).ok()))
    }

    async fn all_allowed(&self) -> Result<Vec<(String, Allowed)>, String> {
        let values = self.storage.values(PREFIX).await;
        let values = values.map_err(|error| format!("the store cannot be read: {error}"))?;
        let all = values.into_iter().filter_map(|(place, value)| {
            let (_, key) = place.rsplit_once('/')?;
            Some((key.to_owned(), serde_json::from_str(&value).ok()?))
        });
        Ok(all.collect())
    }

    async fn allow(&self, key: &str, allowed: &Allowed) -> Result<(), String> {
        let value = serde_json::to_string(allowed).map_err(|error| error.to_string())?;
        let key = place(&allowed.agent_id, key);
        self.apply(Write::PutValue { key, value, expect: None }).await
    }

    async fn forget(&self, agent: &AgentId, key: &str) -> Result<bool, String> {
        let was_there = self.allowed(agent, key).await?.is_some();
        self.apply(Write::DeleteValue { key: place(agent, key) }).await?;
        Ok(was_there)
    }
}
