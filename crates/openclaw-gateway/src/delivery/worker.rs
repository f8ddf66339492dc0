use std::sync::Arc;
use std::time::Duration;

use openclaw_channel_traits::{Channel, DeliveryError};
use openclaw_core::{Outbound, Receipt};
use openclaw_storage::rows::{OutboxKind, OutboxRow, OutboxState};
use openclaw_storage::{ApplyError, Batch, Conflict, Fence, OutboxChange, Write};
use tokio::time::{sleep, timeout};

use super::dispatcher::{ConversationKey, Delivery, WorkerHandle};

/// The longest a channel may take; it has a shorter limit of its own.
const SEND_LIMIT: Duration = Duration::from_secs(65);
const STORE_PAUSE: Duration = Duration::from_millis(500);
/// How long a known outcome is kept in memory while the store cannot take it.
const STORE_TRIES: u32 = 120;
/// How long a fence that was lost may turn out to be lost to this gateway itself.
const FENCE_TRIES: u32 = 20;

impl Delivery {
    /// Sends the rows of one conversation in order, until none is left.
    pub(super) async fn work(self: Arc<Self>, key: ConversationKey, handle: Arc<WorkerHandle>) {
        while !self.cancel.is_cancelled() {
            let rows = match self.deps.storage.open_outbox(&key.0, &key.1, 1).await {
                Ok(rows) => rows,
                Err(error) => {
                    tracing::warn!(channel = %key.0, %error, "cannot read the outbox, trying again");
                    self.pause(STORE_PAUSE, &handle).await;
                    continue;
                }
            };
            let Some(row) = rows.into_iter().next() else {
                if self.retire(&key, &handle) {
                    return;
                }
                continue;
            };
            let wait = row.next_attempt_at.since(self.deps.clock.now());
            if !wait.is_zero() {
                self.pause(wait, &handle).await;
                continue;
            }
            match self.held_channel(&key) {
                Some((channel, fence)) => self.step(row, channel, fence).await,
                // While this gateway did not hold the account another one may have sent the row.
                None => self.wait_for_channel(&key).await,
            }
        }
    }

    /// Waits, at most so long; new rows or a stop end it early.
    async fn pause(&self, limit: Duration, handle: &WorkerHandle) {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => {}
            () = handle.wake.notified() => {}
            () = sleep(limit) => {}
        }
    }

    /// The running channel and the fence it is held under.
    fn held_channel(&self, key: &ConversationKey) -> Option<(Arc<dyn Channel>, Option<Fence>)> {
        let (channel, fence) =
            (self.deps.channels.channel(&key.0)?, self.deps.channels.fence(&key.0)?);
        Some((channel, Some(fence)))
    }

    /// Waits until the channel runs, or delivery stops.
    async fn wait_for_channel(&self, key: &ConversationKey) {
        let mut changes = self.deps.channels.watch_changes();
        loop {
            let mut state = self.deps.channels.watch_state(&key.0);
            if self.held_channel(key).is_some() {
                return;
            }
            let state_changed = async {
                match state.as_mut() {
                    Some(state) => state.changed().await.is_ok(),
                    None => std::future::pending().await,
                }
            };
            // The pause covers a supervision that is replaced between two looks.
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return,
                changed = changes.changed() => if changed.is_err() { return },
                _ = state_changed => {}
                () = sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    /// Brings one row one step further.
    async fn step(&self, row: OutboxRow, channel: Arc<dyn Channel>, fence: Option<Fence>) {
        match row.state {
            OutboxState::Sending => {
                let found = "it was being sent when the gateway ended".to_owned();
                let batch = self.after_uncertain(&row, channel.as_ref(), found).await;
                self.commit(&row, batch, fence.as_ref()).await;
            }
            OutboxState::Pending => self.send(row, channel, fence).await,
            OutboxState::Sent | OutboxState::Failed | OutboxState::Unknown => {}
        }
    }

    async fn send(&self, mut row: OutboxRow, channel: Arc<dyn Channel>, fence: Option<Fence>) {
        let edit = self.edit_of_preview(&row, channel.as_ref()).await;
        let now = self.deps.clock.now();
        let mut mark = OutboxChange::new(
            row.id.clone(),
            vec![OutboxState::Pending],
            OutboxState::Sending,
            now,
        );
        mark.owner = fence.as_ref().map(|fence| (fence.owner.clone(), fence.fence));
        mark.outbound.clone_from(&edit);
        if let Some(edit) = edit {
            row.outbound = edit;
        }
        let mut batch = Batch::new().with(Write::ChangeOutbox(Box::new(mark)));
        batch.fences.extend(fence.clone());
        match self.deps.storage.apply(batch).await {
            Ok(_) => {}
            // Somebody else took the row or the account: the next look shows who.
            Err(ApplyError::Conflict(conflict)) => {
                tracing::info!(outbox = %row.id, %conflict, "an outbox row was taken elsewhere");
                sleep(STORE_PAUSE).await;
                return;
            }
            Err(ApplyError::Storage(error)) => {
                tracing::warn!(outbox = %row.id, %error, "the store cannot note a send, so nothing is sent yet");
                sleep(STORE_PAUSE).await;
                return;
            }
        }
        row.state = OutboxState::Sending;
        row.attempts += 1;
        let outcome = self.ask(&row, channel.as_ref()).await;
        let batch = self.after_send(&row, channel.as_ref(), outcome).await;
        self.commit(&row, batch, fence.as_ref()).await;
    }

    async fn ask(&self, row: &OutboxRow, channel: &dyn Channel) -> Result<Receipt, DeliveryError> {
        match timeout(SEND_LIMIT, channel.deliver(row.outbound.clone())).await {
            Ok(outcome) => outcome,
            Err(_) => {
                Err(DeliveryError::Unknown(format!("no answer in {}s", SEND_LIMIT.as_secs())))
            }
        }
    }

    /// The first chunk of an answer replaces the run's preview, where one stands in the chat.
    async fn edit_of_preview(&self, row: &OutboxRow, channel: &dyn Channel) -> Option<Outbound> {
        let run = row.run_id.as_ref()?;
        let Outbound::Send(send) = &row.outbound else { return None };
        let may_replace = matches!(row.kind, OutboxKind::Reply | OutboxKind::Notice)
            && row.chunk == 0
            // A refused edit falls back to a new message with its second attempt.
            && row.attempts == 0
            && send.media.is_empty()
            && channel.descriptor().streams_by_edit;
        if !may_replace {
            return None;
        }
        let rows = match self.deps.storage.outbox_of_run(run).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(outbox = %row.id, %error, "cannot look for a preview, sending a new message");
                return None;
            }
        };
        let target = rows
            .into_iter()
            .filter(|other| other.kind == OutboxKind::Preview && other.state == OutboxState::Sent)
            .find_map(|other| other.receipt?.external_id)?;
        Some(Outbound::Edit(openclaw_core::EditMessage {
            chat: send.chat.clone(),
            target,
            text: send.text.clone(),
        }))
    }

    /// Stores an outcome. A store that cannot take it is asked again, and so is one for which the
    /// account has been taken anew by this gateway: forgetting a known outcome would make it an
    /// unknown one.
    async fn commit(&self, row: &OutboxRow, batch: Batch, fence: Option<&Fence>) {
        let mut batch = batch;
        batch.fences.extend(fence.cloned());
        for attempt in 0..STORE_TRIES {
            match self.deps.storage.apply(batch.clone()).await {
                Ok(_) => break,
                Err(ApplyError::Conflict(Conflict::Missing { what, id })) => {
                    // Its session was deleted meanwhile: the row itself still has to end.
                    tracing::debug!(outbox = %row.id, what, id, "what a send belonged to is gone");
                    batch.writes.retain(|write| {
                        matches!(write, Write::ChangeOutbox(_) | Write::MigrateChat { .. })
                    });
                    if attempt > 0 {
                        break;
                    }
                }
                Err(ApplyError::Conflict(Conflict::FenceLost { .. }))
                    if self.take_fresh_fence(row, &mut batch) => {}
                // Between the account's being taken anew and this gateway's noting it.
                Err(ApplyError::Conflict(Conflict::FenceLost { .. })) if attempt < FENCE_TRIES => {
                    self.pause_commit().await;
                }
                Err(ApplyError::Conflict(conflict)) => {
                    tracing::warn!(outbox = %row.id, %conflict, "the outcome of a send was overtaken");
                    break;
                }
                Err(ApplyError::Storage(error)) => {
                    if attempt == 0 {
                        tracing::warn!(outbox = %row.id, %error, "the store cannot note the outcome of a send, trying again");
                    }
                    if self.cancel.is_cancelled() {
                        break;
                    }
                    self.pause_commit().await;
                }
            }
        }
        self.progress.send_modify(|count| *count += 1);
    }

    /// A stop of delivery ends it early, for one more try.
    async fn pause_commit(&self) {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => {}
            () = sleep(STORE_PAUSE) => {}
        }
    }

    /// The channel was connected anew while its service was asked, so the account is held under a
    /// later fence. `false` when it is not, or not by this gateway.
    fn take_fresh_fence(&self, row: &OutboxRow, batch: &mut Batch) -> bool {
        let Some(fresh) = self.deps.channels.fence(&row.channel_id) else { return false };
        if fresh.owner != self.deps.owner || batch.fences.contains(&fresh) {
            return false;
        }
        batch.fences = vec![fresh];
        true
    }
}
