use std::sync::Arc;
use std::time::Duration;

use openclaw_channel_traits::{Channel, DeliveryError};
use openclaw_core::{Outbound, Receipt};
use openclaw_storage::rows::{OutboxKind, OutboxRow, OutboxState};
use openclaw_storage::{ApplyError, Batch, Conflict, Fence, OutboxChange, Write};
use tokio::time::{Instant, sleep, timeout};

use super::dispatcher::{ConversationKey, Delivery, WorkerHandle};

/// The longest a channel may take; it has a shorter limit of its own.
pub(crate) const SEND_LIMIT: Duration = Duration::from_secs(65);
const STORE_PAUSE: Duration = Duration::from_millis(500);
/// A mark that took this long to be stored may be known to another gateway by now, which took the
/// account over and looks after the row: nothing is sent on it.
const MARK_LIMIT: Duration = Duration::from_secs(5);
/// How long a known outcome is kept in memory while the store cannot take it.
const STORE_TRIES: u32 = 120;
/// How long a fence that was lost may turn out to be lost to this gateway itself.
const FENCE_TRIES: u32 = 20;

impl Delivery {
    /// Sends the rows of one conversation in order, until none is left.
    pub(super) async fn work(self: Arc<Self>, key: ConversationKey, handle: Arc<WorkerHandle>) {
        while !self.cancel.is_cancelled() {
            // Before the row is read: under this fence nobody else changes it afterwards.
            let ready = self.ready_channel(&key);
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
            match ready {
                Some((channel, fence)) => self.step(row, channel, Some(fence)).await,
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
    fn ready_channel(&self, key: &ConversationKey) -> Option<(Arc<dyn Channel>, Fence)> {
        Some((self.deps.channels.channel(&key.0)?, self.deps.channels.fence(&key.0)?))
    }

    /// Waits until the channel runs and is held, or delivery stops.
    async fn wait_for_channel(&self, key: &ConversationKey) {
        let mut changes = self.deps.channels.watch_changes();
        loop {
            let mut state = self.deps.channels.watch_state(&key.0);
            if self.ready_channel(key).is_some() {
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
        let began = Instant::now();
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
        row.owner = fence.as_ref().map(|fence| fence.owner.clone());
        row.fence = fence.as_ref().map(|fence| fence.fence);
        if began.elapsed() > MARK_LIMIT {
            return self.unmark(&row, fence.as_ref()).await;
        }
        row.attempts += 1;
        let outcome = self.ask(&row, channel.as_ref()).await;
        let batch = self.after_send(&row, channel.as_ref(), outcome).await;
        self.commit(&row, batch, fence.as_ref()).await;
    }

    /// Takes a mark back under the fence it was made with, so only where the row is still ours: nothing
    /// was sent on it, and a row that stays marked would be taken for one of unknown outcome.
    async fn unmark(&self, row: &OutboxRow, fence: Option<&Fence>) {
        let now = self.deps.clock.now();
        let change = OutboxChange::new(
            row.id.clone(),
            vec![OutboxState::Sending],
            OutboxState::Pending,
            now,
        );
        let batch = Batch::new().with(Write::ChangeOutbox(Box::new(change)));
        self.commit(row, batch, fence).await;
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
                Err(ApplyError::Conflict(Conflict::FenceLost { .. })) if attempt < FENCE_TRIES => {
                    match self.look_for_fence(row, &batch).await {
                        Regained::Fence(fresh) => batch.fences = vec![fresh],
                        // Between the account's being taken anew and this gateway's noting it.
                        Regained::NotYet => self.pause_commit().await,
                        Regained::Row => {
                            tracing::info!(outbox = %row.id, "an outbox row was taken elsewhere");
                            break;
                        }
                    }
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

    /// The channel may have been connected anew while its service was asked, so that the account is
    /// held under a later fence. The row must be as it was left all the same: another gateway may
    /// have had the account in between.
    async fn look_for_fence(&self, row: &OutboxRow, batch: &Batch) -> Regained {
        let fresh = self.deps.channels.fence(&row.channel_id);
        let Some(fresh) =
            fresh.filter(|fresh| fresh.owner == self.deps.owner && !batch.fences.contains(fresh))
        else {
            return Regained::NotYet;
        };
        match self.deps.storage.outbox(&row.id).await {
            Ok(Some(stored))
                if (stored.state, &stored.owner, stored.fence)
                    == (row.state, &row.owner, row.fence) =>
            {
                Regained::Fence(fresh)
            }
            Ok(_) => Regained::Row,
            Err(error) => {
                tracing::warn!(outbox = %row.id, %error, "the store cannot say who has a row, trying again");
                Regained::NotYet
            }
        }
    }
}

/// What is known after a fence was lost.
enum Regained {
    /// This gateway holds the account again, and the row is as it left it.
    Fence(Fence),
    /// It does not hold it, so far.
    NotYet,
    /// Another gateway had the row in between.
    Row,
}
