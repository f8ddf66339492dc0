//! The inbox and the outbox.

use openclaw_core::{ChannelId, ChatId, Inbound, InboxId};

use super::{Note, Planner};
use crate::rows::{InputState, OutboxState};
use crate::sqlite::argument::{Argument, arguments, json, json_or_null};
use crate::sqlite::decode::outbox_kind_word;
use crate::{InputChange, NewInput, NewOutbox, OutboxChange};

const ACCEPT: &str = "INSERT INTO inbox (
    id, run_id, principal, session_id, session_key, message_id, channel_id, chat_id, external_id,
    inbound, options, reply_back, state, status, merged_into, error, attempts, created_at,
    started_at, ended_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
    $20) ON CONFLICT DO NOTHING";

// `instr` over the words of `from` keeps it one statement whatever the states are.
const CHANGE: &str = "UPDATE inbox SET state = $3, status = $4, ended_at = $5,
    attempts = attempts + $6, started_at = COALESCE(started_at, $7),
    merged_into = COALESCE($8, merged_into), delivered = COALESCE($9, delivered),
    reply = COALESCE($10, reply), usage = COALESCE($11, usage), error = COALESCE($12, error)
    WHERE id = $1 AND instr($2, ' ' || state || ' ') > 0";
const OWN: &str = "UPDATE inbox SET owner = $2, fence = $3, lease_until = (
    SELECT lease_until FROM leases
    WHERE resource = 'lane:' || session_key AND leases.owner = $2 AND leases.fence = $3)
    WHERE id = $1";
const REPLACE: &str = "UPDATE inbox SET inbound = json_set($2, '$.external_id', external_id)
    WHERE id = $1 AND state = 'waiting'";

const ENQUEUE: &str = "INSERT INTO outbox (
    id, channel_id, chat_id, thread_id, session_id, session_key, run_id, message_id, kind, chunk,
    outbound, state, attempts, uncertain, next_attempt_at, principal, idempotency_key, created_at,
    updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, $15, $13, $14, $15, $15)
    ON CONFLICT DO NOTHING";
const CHANGE_OUTBOX: &str = "UPDATE outbox SET state = $3, updated_at = $4,
    attempts = attempts + $5, uncertain = uncertain + $6, outbound = COALESCE($7, outbound),
    next_attempt_at = COALESCE($8, next_attempt_at), receipt = COALESCE($9, receipt),
    error = COALESCE($10, error)
    WHERE id = $1 AND instr($2, ' ' || state || ' ') > 0";
const OWN_OUTBOX: &str = "UPDATE outbox SET owner = $2, fence = $3, lease_until = (
    SELECT lease_until FROM leases
    WHERE resource = 'account:' || channel_id AND leases.owner = $2 AND leases.fence = $3)
    WHERE id = $1";
const MIGRATE_CHAT: &str = "UPDATE outbox
    SET chat_id = $3, outbound = json_set(outbound, '$.chat.chat_id', $3)
    WHERE channel_id = $1 AND chat_id = $2 AND state IN ('pending', 'sending')
    RETURNING position";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[ACCEPT, CHANGE, OWN, REPLACE, ENQUEUE, CHANGE_OUTBOX, OWN_OUTBOX, MIGRATE_CHAT];

/// The words with a space on each side, as the statements look for them.
fn words(states: impl Iterator<Item = &'static str>) -> String {
    let mut words = String::from(" ");
    for word in states {
        words.push_str(word);
        words.push(' ');
    }
    words
}

impl Planner<'_> {
    pub(super) fn accept_input(&mut self, new: &NewInput) {
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
        let statement = self.push_guarded(ACCEPT, values);
        self.note(Note::Position { statement });
    }

    pub(super) fn change_input(&mut self, change: &InputChange) {
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
        ];
        self.push_guarded(CHANGE, values);
        self.own(OWN, Argument::from(&change.id), change.owner.as_ref());
    }

    fn own(&mut self, sql: &'static str, id: Argument, owner: Option<&(String, i64)>) {
        if let Some((owner, fence)) = owner {
            self.push(sql, arguments![id, owner, *fence]);
        }
    }

    pub(super) fn replace_input(&mut self, id: &InboxId, inbound: &Inbound) {
        self.push_guarded(REPLACE, arguments![id, json(inbound)]);
    }

    pub(super) fn enqueue(&mut self, new: &NewOutbox) {
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
        let statement = self.push_guarded(ENQUEUE, values);
        self.note(Note::Position { statement });
    }

    pub(super) fn change_outbox(&mut self, change: &OutboxChange) {
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
        ];
        self.push_guarded(CHANGE_OUTBOX, values);
        self.own(OWN_OUTBOX, Argument::from(&change.id), change.owner.as_ref());
    }

    pub(super) fn migrate_chat(&mut self, channel: &ChannelId, from: &ChatId, to: &ChatId) {
        let statement = self.push(MIGRATE_CHAT, arguments![channel, from, to]);
        self.note(Note::Moved { statement });
    }
}
