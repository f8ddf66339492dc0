//! The inbox and the outbox.

use openclaw_core::{ChannelId, ChatId, Inbound, InboxId};

use super::{Held, Outcome, Writing};
use crate::rows::{InputState, OutboxState};
use crate::sql::argument::{arguments, json, json_or_null};
use crate::sql::decode::{self, outbox_kind_word};
use crate::{InputChange, NewInput, NewOutbox, OutboxChange};

const ACCEPT: &str = "INSERT INTO inbox (
    id, run_id, principal, session_id, session_key, message_id, channel_id, chat_id, external_id,
    inbound, options, reply_back, state, status, merged_into, error, attempts, created_at,
    started_at, ended_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
    $20) ON CONFLICT DO NOTHING RETURNING position";
const CHANGE: &str = "UPDATE inbox SET state = $3, status = $4, ended_at = $5,
    attempts = attempts + $6, started_at = COALESCE(started_at, $7),
    merged_into = COALESCE($8, merged_into), delivered = COALESCE($9, delivered),
    reply = COALESCE($10, reply), usage = COALESCE($11, usage), error = COALESCE($12, error),
    owner = COALESCE($13, owner), fence = COALESCE($14, fence),
    lease_until = CASE WHEN $13::text IS NULL THEN lease_until ELSE (
        SELECT l.lease_until FROM leases l
        WHERE l.resource = 'lane:' || session_key AND l.owner = $13 AND l.fence = $14) END
    WHERE id = $1 AND state = ANY(string_to_array($2, ' '))";
const WAITING: &str =
    "SELECT external_id FROM inbox WHERE id = $1 AND state = 'waiting' FOR UPDATE";
const REPLACE: &str = "UPDATE inbox SET inbound = $2 WHERE id = $1";

const ENQUEUE: &str = "INSERT INTO outbox (
    id, channel_id, chat_id, thread_id, session_id, session_key, run_id, message_id, kind, chunk,
    outbound, state, attempts, uncertain, next_attempt_at, principal, idempotency_key, created_at,
    updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, $15, $13, $14, $15, $15)
    ON CONFLICT DO NOTHING RETURNING position";
const CHANGE_OUTBOX: &str = "UPDATE outbox SET state = $3, updated_at = $4,
    attempts = attempts + $5, uncertain = uncertain + $6, outbound = COALESCE($7, outbound),
    next_attempt_at = COALESCE($8, next_attempt_at), receipt = COALESCE($9, receipt),
    error = COALESCE($10, error),
    owner = COALESCE($11, owner), fence = COALESCE($12, fence),
    lease_until = CASE WHEN $11::text IS NULL THEN lease_until ELSE (
        SELECT l.lease_until FROM leases l
        WHERE l.resource = 'account:' || channel_id AND l.owner = $11 AND l.fence = $12) END
    WHERE id = $1 AND state = ANY(string_to_array($2, ' '))";
const UNSENT: &str = "SELECT position, outbound FROM outbox
    WHERE channel_id = $1 AND chat_id = $2 AND state IN ('pending', 'sending')
    ORDER BY position FOR UPDATE";
const MOVE: &str = "UPDATE outbox SET chat_id = $2, outbound = $3 WHERE position = $1";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[ACCEPT, CHANGE, WAITING, REPLACE, ENQUEUE, CHANGE_OUTBOX, UNSENT, MOVE];

fn words(states: impl Iterator<Item = &'static str>) -> String {
    states.collect::<Vec<_>>().join(" ")
}

impl Writing<'_> {
    pub(super) async fn accept_input(&mut self, new: &NewInput) -> Outcome {
        let conversation = &new.inbound.conversation;
        let is_running = new.state == InputState::Running;
        let values = arguments![
            &new.id,
            &new.run_id,
            &new.principal,
            &new.session_id,
            &new.session_key,
            &new.message_id,
            &conversation.channel_id,
            &conversation.chat_id,
            &new.inbound.external_id,
            json(&new.inbound),
            json(&new.options),
            new.reply_back,
            new.state.as_str(),
            new.first_status().as_str(),
            new.merged_into.as_ref(),
            json_or_null(new.error.as_ref()),
            is_running,
            new.at,
            is_running.then_some(new.at),
            new.state.is_final().then_some(new.at),
        ];
        let position = self.optional(ACCEPT, values, decode::integer).await?;
        Ok(self.placed(position))
    }

    fn placed(&mut self, position: Option<i64>) -> Held {
        let Some(position) = position else { return Held::No };
        self.applied.positions.push(position);
        Held::Yes
    }

    pub(super) async fn change_input(&mut self, change: &InputChange) -> Outcome {
        let is_running = change.to == InputState::Running;
        let values = arguments![
            &change.id,
            words(change.from.iter().map(|state| state.as_str())),
            change.to.as_str(),
            change.status.as_str(),
            change.to.is_final().then_some(change.at),
            is_running,
            is_running.then_some(change.at),
            change.merged_into.as_ref(),
            change.delivered,
            change.reply.as_ref(),
            json_or_null(change.usage.as_ref()),
            json_or_null(change.error.as_ref()),
            change.owner.as_ref().map(|(owner, _)| owner),
            change.owner.as_ref().map(|(_, fence)| *fence),
        ];
        Ok(Held::when_one(self.changed(CHANGE, values).await?))
    }

    pub(super) async fn replace_input(&mut self, id: &InboxId, inbound: &Inbound) -> Outcome {
        let stored = self.optional(WAITING, arguments![id], decode::external_id).await?;
        let Some(external_id) = stored else { return Ok(Held::No) };
        let inbound = Inbound { external_id, ..inbound.clone() };
        self.changed(REPLACE, arguments![id, json(&inbound)]).await?;
        Ok(Held::Yes)
    }

    pub(super) async fn enqueue(&mut self, new: &NewOutbox) -> Outcome {
        let chat = new.outbound.chat();
        let values = arguments![
            &new.id,
            &new.channel_id,
            &chat.chat_id,
            chat.thread_id.as_ref(),
            new.session_id.as_ref(),
            new.session_key.as_ref(),
            new.run_id.as_ref(),
            new.message_id.as_ref(),
            outbox_kind_word(new.kind),
            new.chunk,
            json(&new.outbound),
            new.state.as_str(),
            new.principal.as_ref(),
            new.idempotency_key.as_ref(),
            new.at,
        ];
        let position = self.optional(ENQUEUE, values, decode::integer).await?;
        if !new.state.is_final() {
            self.report.outbox_due();
        }
        Ok(self.placed(position))
    }

    pub(super) async fn change_outbox(&mut self, change: &OutboxChange) -> Outcome {
        let values = arguments![
            &change.id,
            words(change.from.iter().map(|state| state.as_str())),
            change.to.as_str(),
            change.at,
            change.to == OutboxState::Sending,
            change.uncertain,
            json_or_null(change.outbound.as_ref()),
            change.next_attempt_at,
            json_or_null(change.receipt.as_ref()),
            change.error.as_ref(),
            change.owner.as_ref().map(|(owner, _)| owner),
            change.owner.as_ref().map(|(_, fence)| *fence),
        ];
        if change.to == OutboxState::Pending {
            self.report.outbox_due();
        }
        Ok(Held::when_one(self.changed(CHANGE_OUTBOX, values).await?))
    }

    pub(super) async fn migrate_chat(
        &mut self,
        channel: &ChannelId,
        from: &ChatId,
        to: &ChatId,
    ) -> Outcome {
        let values = arguments![channel, from];
        let rows = super::query::all(self.connection, UNSENT, values, decode::unsent).await?;
        for (position, mut outbound) in rows {
            outbound.chat_mut().chat_id = to.clone();
            self.changed(MOVE, arguments![position, to, json(&outbound)]).await?;
            self.report.outbox_due();
        }
        Ok(Held::Yes)
    }
}
