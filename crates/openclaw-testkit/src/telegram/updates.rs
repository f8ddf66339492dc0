use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::answer::{ApiError, ApiResult};
use super::bot::FakeBot;
use super::call::Call;
use super::catalog::{ONLY_BY_NAME, UPDATE_KINDS};

const FIRST_UPDATE_ID: i64 = 700_000_001;

/// The queue of updates that the client has not confirmed.
#[derive(Debug)]
pub(crate) struct Updates {
    queue: VecDeque<(i64, Value)>,
    next_id: i64,
    allowed: Option<Vec<String>>,
    /// Rises with every poll; an older poll that still waits is ended by a newer one.
    polls: u64,
    pub(crate) confirmed: u64,
    /// How many polls were answered with updates.
    pub(crate) batches: u64,
}

impl Default for Updates {
    fn default() -> Self {
        Self {
            queue: VecDeque::new(),
            next_id: FIRST_UPDATE_ID,
            allowed: None,
            polls: 0,
            confirmed: 0,
            batches: 0,
        }
    }
}

impl Updates {
    /// Queues an update if its kind is wanted.
    pub(crate) fn push(&mut self, kind: &str, content: Value) {
        let wanted = match &self.allowed {
            Some(allowed) => allowed.iter().any(|allowed| allowed == kind),
            None => !ONLY_BY_NAME.contains(&kind),
        };
        if wanted {
            self.push_raw(json!({ kind: content }));
        }
    }

    /// Queues whatever it is, under the next id.
    pub(crate) fn push_raw(&mut self, mut update: Value) {
        let id = self.next_id;
        self.next_id += 1;
        update["update_id"] = Value::from(id);
        self.queue.push_back((id, update));
    }

    pub(crate) fn pending(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn pending_ids(&self) -> Vec<i64> {
        self.queue.iter().map(|(id, _)| *id).collect()
    }

    pub(crate) fn last_id(&self) -> i64 {
        self.next_id - 1
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
    }

    fn confirm(&mut self, offset: i64) {
        if offset < 0 {
            let keep = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
            while self.queue.len() > keep {
                self.queue.pop_front();
                self.confirmed += 1;
            }
            return;
        }
        while self.queue.front().is_some_and(|(id, _)| *id < offset) {
            self.queue.pop_front();
            self.confirmed += 1;
        }
    }

    fn batch(&self, limit: usize) -> Vec<Value> {
        self.queue.iter().take(limit).map(|(_, update)| update.clone()).collect()
    }
}

/// `getUpdates` with real long polling.
pub(crate) async fn get_updates(bot: &FakeBot, call: &Call) -> ApiResult {
    let limit = call.integer("limit").unwrap_or(100).clamp(1, 100);
    let limit = usize::try_from(limit).unwrap_or(100);
    let timeout = u64::try_from(call.integer("timeout").unwrap_or(0)).unwrap_or(0).min(50);
    let deadline = Instant::now() + Duration::from_secs(timeout);
    let mut changes = bot.changes();
    let poll = bot.change(|state| {
        if state.webhook.is_some() {
            return Err(ApiError::conflict(
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
            ));
        }
        if let Some(allowed) = call.json("allowed_updates") {
            let allowed = allowed_kinds(allowed, &mut state.violations);
            state.updates.allowed = (!allowed.is_empty()).then_some(allowed);
        }
        state.updates.confirm(call.integer("offset").unwrap_or(0));
        state.updates.polls += 1;
        Ok(state.updates.polls)
    })?;
    loop {
        changes.mark_unchanged();
        {
            let state = bot.read();
            if state.updates.polls != poll {
                return Err(ApiError::conflict(
                    "terminated by other getUpdates request; make sure that only one bot instance is running",
                ));
            }
            if state.revoked {
                return Err(ApiError::unauthorized());
            }
        }
        let batch = bot.change_if(|state| {
            let batch = state.updates.batch(limit);
            state.updates.batches += u64::from(!batch.is_empty());
            (!batch.is_empty()).then_some(batch)
        });
        if let Some(batch) = batch {
            return Ok(Value::Array(batch));
        }
        match tokio::time::timeout_at(deadline, changes.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Ok(json!([])),
        }
    }
}

pub(crate) fn allowed_kinds(allowed: &Value, violations: &mut Vec<String>) -> Vec<String> {
    let mut kinds = Vec::new();
    for kind in allowed.as_array().into_iter().flatten() {
        match kind.as_str() {
            Some(kind) if UPDATE_KINDS.contains(&kind) => kinds.push(kind.to_owned()),
            _ => violations.push(format!("allowed_updates: unknown kind {kind}")),
        }
    }
    kinds
}
