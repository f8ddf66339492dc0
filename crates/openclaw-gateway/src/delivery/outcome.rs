use std::time::Duration;

use openclaw_channel_traits::{Channel, DeliveryError, Found, Lookup, Reconcile};
use openclaw_config::OnUncertain;
use openclaw_core::{Outbound, Receipt, SendMessage};
use openclaw_storage::rows::{OutboxKind, OutboxRow, OutboxState};
use openclaw_storage::{Batch, EventDraft, LogEntry, OutboxChange, Write};
use serde_json::json;

use super::dispatcher::Delivery;

/// What cannot be given over for this long is given up and reported.
const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 3_600);
/// A send of unknown outcome is repeated at most this often.
const RESENDS: u32 = 3;
const LOOKUP_LIMIT: Duration = Duration::from_secs(20);

impl Delivery {
    /// The writes that follow from a channel's answer.
    pub(super) async fn after_send(
        &self,
        row: &OutboxRow,
        channel: &dyn Channel,
        outcome: Result<Receipt, DeliveryError>,
    ) -> Batch {
        match outcome {
            Ok(receipt) => self.sent(row, receipt),
            Err(DeliveryError::RetryAfter(pause)) => {
                self.wait(row, pause, "the service asks to wait".to_owned())
            }
            Err(DeliveryError::Unreachable(why)) => self.wait(row, self.backoff(row.attempts), why),
            // A refused credential is the owner's to mend; the message waits for it.
            Err(DeliveryError::Auth(why)) => {
                tracing::error!(channel = %row.channel_id, outbox = %row.id, "channel {} refuses the credential: {why}", row.channel_id);
                self.later(row, self.backoff(row.attempts), why)
            }
            Err(DeliveryError::Migrated(to)) => self.migrated(row, to),
            Err(DeliveryError::Unknown(why)) => self.after_uncertain(row, channel, why).await,
            Err(DeliveryError::Refused(_)) if is_edit_of_reply(row) => self.as_new_message(row),
            Err(
                error @ (DeliveryError::Blocked(_)
                | DeliveryError::TooLarge(_)
                | DeliveryError::Unsupported(_)
                | DeliveryError::Refused(_)),
            ) => self.failed(row, error.to_string()),
        }
    }

    /// The writes for a row that was given over and not confirmed.
    pub(super) async fn after_uncertain(
        &self,
        row: &OutboxRow,
        channel: &dyn Channel,
        why: String,
    ) -> Batch {
        if row.outbound.is_idempotent() {
            return self.later(row, self.backoff(row.attempts), why);
        }
        if row.kind == OutboxKind::Preview {
            // The answer itself follows; a second half-finished text helps nobody.
            return self.unknown(row, why);
        }
        match channel.descriptor().reconcile {
            Reconcile::Deduplicates => {
                tracing::info!(outbox = %row.id, channel = %row.channel_id, why, "outcome of a send is not known; sending again with the same key");
                self.later(row, self.backoff(row.attempts), why)
            }
            Reconcile::LooksUp => self.look_up(row, channel, why).await,
            Reconcile::Neither => self.decide_uncertain(row, why),
        }
    }

    async fn look_up(&self, row: &OutboxRow, channel: &dyn Channel, why: String) -> Batch {
        let Outbound::Send(send) = &row.outbound else { return self.decide_uncertain(row, why) };
        let lookup = Lookup::OwnMessage {
            chat: send.chat.clone(),
            key: row.id.clone(),
            text: send.text.clone(),
            since: row.updated_at,
        };
        match tokio::time::timeout(LOOKUP_LIMIT, channel.lookup(lookup)).await {
            Ok(Ok(Found::OwnMessage(Some(message)))) => {
                tracing::info!(outbox = %row.id, channel = %row.channel_id, "a send of unknown outcome had arrived");
                self.sent(
                    row,
                    Receipt { external_id: Some(message.external_id), sent_at: message.sent_at },
                )
            }
            Ok(Ok(Found::OwnMessage(None))) => self.later(row, Duration::ZERO, why),
            Ok(Ok(_)) => self.decide_uncertain(row, why),
            // The row stays as it is and is looked up again.
            Ok(Err(error)) => self.still_sending(row, format!("{why}; cannot look it up: {error}")),
            Err(_) => self.still_sending(row, format!("{why}; looking it up took too long")),
        }
    }

    fn decide_uncertain(&self, row: &OutboxRow, why: String) -> Batch {
        let resend = match self.deps.config.borrow().delivery.on_uncertain {
            OnUncertain::Resend => row.uncertain < RESENDS,
            OnUncertain::Skip => false,
        };
        if !resend {
            return self.unknown(row, why);
        }
        tracing::warn!(outbox = %row.id, channel = %row.channel_id, chat = %row.chat.chat_id, why,
            "what became of a message to {} is not known; sending it again, it may arrive twice", row.chat.chat_id);
        let mut change = self.change(row, OutboxState::Pending);
        change.uncertain = true;
        change.error = Some(why);
        change.next_attempt_at = Some(self.deps.clock.now().plus(self.backoff(row.uncertain)));
        Batch::new().with(Write::ChangeOutbox(Box::new(change)))
    }

    fn sent(&self, row: &OutboxRow, receipt: Receipt) -> Batch {
        let mut change = self.change(row, OutboxState::Sent);
        change.receipt = Some(receipt.clone());
        let mut batch = Batch::new().with(Write::ChangeOutbox(Box::new(change)));
        if row.kind == OutboxKind::Preview {
            return batch;
        }
        if let (Some(message), Some(external_id), 0) =
            (&row.message_id, &receipt.external_id, row.chunk)
        {
            batch.push(Write::SetMessageExternalId {
                id: message.clone(),
                external_id: external_id.clone(),
            });
        }
        batch.writes.extend(self.event(
            row,
            "message.sent",
            json!({
                "message_id": row.message_id,
                "outbox_id": row.id,
                "channel_id": row.channel_id,
                "chat_id": row.chat.chat_id,
                "chunk": row.chunk,
                "external_id": receipt.external_id,
            }),
        ));
        batch
    }

    fn wait(&self, row: &OutboxRow, pause: Duration, why: String) -> Batch {
        tracing::warn!(outbox = %row.id, channel = %row.channel_id, chat = %row.chat.chat_id,
            pause_ms = pause.as_millis() as u64, attempt = row.attempts,
            "a message to {} has to wait: {why}", row.chat.chat_id);
        self.later(row, pause, why)
    }

    fn later(&self, row: &OutboxRow, pause: Duration, why: String) -> Batch {
        let now = self.deps.clock.now();
        if now.since(row.created_at) > GIVE_UP_AFTER {
            return self.failed(row, format!("given up after a day: {why}"));
        }
        let mut change = self.change(row, OutboxState::Pending);
        change.next_attempt_at = Some(now.plus(pause));
        change.error = Some(why);
        Batch::new().with(Write::ChangeOutbox(Box::new(change)))
    }

    fn still_sending(&self, row: &OutboxRow, why: String) -> Batch {
        let now = self.deps.clock.now();
        if now.since(row.created_at) > GIVE_UP_AFTER {
            return self.unknown(row, why);
        }
        let mut change = OutboxChange::new(
            row.id.clone(),
            vec![OutboxState::Sending],
            OutboxState::Sending,
            now,
        );
        change.next_attempt_at = Some(now.plus(self.backoff(row.attempts)));
        change.error = Some(why);
        Batch::new().with(Write::ChangeOutbox(Box::new(change)))
    }

    fn migrated(&self, row: &OutboxRow, to: openclaw_core::ChatId) -> Batch {
        tracing::info!(channel = %row.channel_id, from = %row.chat.chat_id, to = %to, "a chat moved to another id");
        let change = self.change(row, OutboxState::Pending);
        Batch::new().with(Write::ChangeOutbox(Box::new(change))).with(Write::MigrateChat {
            channel_id: row.channel_id.clone(),
            from: row.outbound.chat().chat_id.clone(),
            to,
        })
    }

    fn failed(&self, row: &OutboxRow, why: String) -> Batch {
        tracing::error!(outbox = %row.id, channel = %row.channel_id, chat = %row.chat.chat_id, why,
            "a message to {} could not be delivered: {why}", row.chat.chat_id);
        self.ended(row, OutboxState::Failed, why)
    }

    fn unknown(&self, row: &OutboxRow, why: String) -> Batch {
        tracing::error!(outbox = %row.id, channel = %row.channel_id, chat = %row.chat.chat_id, why,
            "what became of a message to {} is not known and it is not sent again", row.chat.chat_id);
        self.ended(row, OutboxState::Unknown, why)
    }

    fn ended(&self, row: &OutboxRow, state: OutboxState, why: String) -> Batch {
        let mut change = self.change(row, state);
        change.error = Some(why.clone());
        let mut batch = Batch::new().with(Write::ChangeOutbox(Box::new(change)));
        if row.kind != OutboxKind::Preview {
            batch.writes.extend(self.event(
                row,
                "message.failed",
                json!({
                    "message_id": row.message_id,
                    "outbox_id": row.id,
                    "channel_id": row.channel_id,
                    "chat_id": row.chat.chat_id,
                    "chunk": row.chunk,
                    "state": state.as_str(),
                    "error": why,
                }),
            ));
        }
        batch
    }

    /// The preview that an answer was to replace is gone from the chat.
    fn as_new_message(&self, row: &OutboxRow) -> Batch {
        let Outbound::Edit(edit) = &row.outbound else { return Batch::new() };
        let mut change = self.change(row, OutboxState::Pending);
        change.outbound = Some(Outbound::Send(SendMessage {
            chat: edit.chat.clone(),
            text: edit.text.clone(),
            media: Vec::new(),
            buttons: Vec::new(),
            reply_to: None,
            key: row.id.clone(),
        }));
        Batch::new().with(Write::ChangeOutbox(Box::new(change)))
    }

    fn change(&self, row: &OutboxRow, to: OutboxState) -> OutboxChange {
        OutboxChange::new(row.id.clone(), vec![OutboxState::Sending], to, self.deps.clock.now())
    }

    fn event(
        &self,
        row: &OutboxRow,
        topic: &'static str,
        data: serde_json::Value,
    ) -> Option<Write> {
        let session_id = row.session_id.clone()?;
        let session_key = row.session_key.clone()?;
        Some(Write::Append(Box::new(LogEntry {
            session_id,
            session_key,
            run_id: row.run_id.clone(),
            message: None,
            transcript: None,
            event: Some(EventDraft { topic, message_id: None, data: Some(data) }),
            at: self.deps.clock.now(),
        })))
    }

    /// 1, 2, 4, … seconds to 5 minutes, half of it jittered.
    fn backoff(&self, attempts: u32) -> Duration {
        let full = Duration::from_secs(1)
            .saturating_mul(1 << attempts.saturating_sub(1).min(9))
            .min(Duration::from_secs(300));
        let half = full / 2;
        half + Duration::from_millis(self.deps.rng.below(half.as_millis() as u64 + 1))
    }
}

fn is_edit_of_reply(row: &OutboxRow) -> bool {
    matches!(row.kind, OutboxKind::Reply | OutboxKind::Notice)
        && matches!(row.outbound, Outbound::Edit(_))
}
