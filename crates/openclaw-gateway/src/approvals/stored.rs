use std::sync::Arc;

use async_trait::async_trait;
use openclaw_core::{AgentId, Clock};
use openclaw_protocol::event::topic;
use openclaw_storage::{Batch, EventDraft, LogEntry, Storage, Write};
use openclaw_tools::approvals::{Allowed, ApprovalLog, ApprovalRequest, Resolution};
use serde::Serialize;

use super::approval;
use super::wire::resolved;

/// Values under this prefix are `<agent>/<key>`.
const PREFIX: &str = "approvals/";

/// Approvals in the store: requests as events of their session, what is allowed always as values.
#[derive(Debug)]
pub struct StoredApprovals {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
}

impl StoredApprovals {
    /// In this store.
    pub fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>) -> Self {
        Self { storage, clock }
    }

    async fn tell(
        &self,
        request: &ApprovalRequest,
        topic: &'static str,
        data: &impl Serialize,
    ) -> Result<(), String> {
        let session = self.storage.session_by_key(&request.session_key).await;
        let session = session.map_err(|error| format!("the store cannot be read: {error}"))?;
        let Some(session) = session else {
            return Err("this session does not exist yet, so nobody can be told".to_owned());
        };
        let data = serde_json::to_value(data).map_err(|error| error.to_string())?;
        let entry = LogEntry {
            session_id: session.id,
            session_key: request.session_key.clone(),
            run_id: request.run_id.clone(),
            message: None,
            transcript: None,
            event: Some(EventDraft { topic, message_id: None, data: Some(data) }),
            at: self.clock.now(),
        };
        self.apply(Write::Append(Box::new(entry))).await
    }

    async fn apply(&self, write: Write) -> Result<(), String> {
        let applied = self.storage.apply(Batch::new().with(write)).await;
        applied.map(drop).map_err(|error| format!("it could not be stored: {error}"))
    }
}

fn place(agent: &AgentId, key: &str) -> String {
    format!("{PREFIX}{agent}/{key}")
}

#[async_trait]
impl ApprovalLog for StoredApprovals {
    async fn requested(&self, request: &ApprovalRequest) -> Result<(), String> {
        self.tell(request, topic::APPROVAL_REQUESTED, &approval(request)).await
    }

    async fn resolved(&self, request: &ApprovalRequest, resolution: &Resolution) {
        let event = resolved(request, resolution);
        if let Err(error) = self.tell(request, topic::APPROVAL_RESOLVED, &event).await {
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
