//! Sessions and what is appended to them.

use openclaw_core::{ExternalId, MessageContent, MessageId, Session, SessionId, Timestamp};

use super::{Held, Outcome, Writing};
use crate::assemble::{folded_ids, folded_text, is_visible};
use crate::sql::argument::{arguments, json, json_or_null};
use crate::sql::decode::{self, MessageMetadata, direction_word, session_state_word};
use crate::sql::memory;
use crate::words;
use crate::{LogEntry, SessionChange, SessionPatch};

const CREATE: &str = "INSERT INTO sessions (
    id, session_key, agent_id, channel_id, user_id, chat_id, label, config, state, context,
    last_seq, created_at, updated_at, last_activity_at, ended_at, folded_ids, folded_label)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    ON CONFLICT DO NOTHING";
const PATCH: &str = "UPDATE sessions SET
    label = CASE WHEN $2 <> 0 THEN $3 ELSE label END,
    folded_label = CASE WHEN $2 <> 0 THEN $4 ELSE folded_label END,
    config = COALESCE($5, config), state = COALESCE($6, state), context = COALESCE($7, context),
    updated_at = COALESCE($8, updated_at), last_activity_at = COALESCE($9, last_activity_at)
    WHERE id = $1 AND ended_at IS NULL RETURNING session_key";

// Also holds the row, so that no entry or input comes to it until this transaction has ended.
const HOLD: &str = "SELECT session_key FROM sessions WHERE id = $1 FOR UPDATE";
const END: &str = "UPDATE sessions SET state = 'ended', ended_at = $2, updated_at = $2
    WHERE id = $1 AND ended_at IS NULL";
const IN_USE: &str = "SELECT 1::bigint FROM inbox
    WHERE session_key = $2 AND ended_at IS NULL AND session_id = $1 LIMIT 1";
const DELETE_MESSAGES: &str = "DELETE FROM messages WHERE session_id = $1";
const DELETE_TRANSCRIPT: &str = "DELETE FROM transcript WHERE session_id = $1";
const DELETE_EVENTS: &str = "DELETE FROM events WHERE session_id = $1";
const DELETE_INPUTS: &str = "DELETE FROM inbox WHERE session_key = $2 AND session_id = $1";
const DELETE_OUTBOX: &str = "DELETE FROM outbox
    WHERE session_id = $1 AND state NOT IN ('pending', 'sending')";
const DELETE: &str = "DELETE FROM sessions WHERE id = $1";

// One statement, because each is a trip to the server.
const APPEND: &str = "WITH moved AS (
        UPDATE sessions SET last_seq = last_seq + 1 WHERE id = $1 RETURNING last_seq
    ), said AS (
        INSERT INTO messages (id, session_id, seq, channel_id, chat_id, thread_id, user_id,
            direction, content, metadata, reply_to, external_id, run_id, created_at, search)
        SELECT $3::text, $1, last_seq, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text,
            $10::text, $11::text, $12::text, $2::text, $13::bigint,
            array_to_tsvector(array_remove(string_to_array($20::text, ' '), ''))
        FROM moved WHERE $3::text IS NOT NULL
        ON CONFLICT DO NOTHING RETURNING 1
    ), seen AS (
        INSERT INTO transcript (session_id, seq, run_id, kind, message_id, data)
        SELECT $1, last_seq, $2::text, $14::text, $15::text, $16::text
        FROM moved WHERE $14::text IS NOT NULL
    ), told AS (
        INSERT INTO events (session_id, seq, topic, run_id, ref, data)
        SELECT $1, last_seq, $17::text, $2::text, $18::text, $19::text
        FROM moved WHERE $17::text IS NOT NULL
    )
    SELECT last_seq, (SELECT COUNT(*) FROM said) FROM moved";

const EDIT_MESSAGE: &str = "UPDATE messages SET content = $2, edited_at = $3,
    search = array_to_tsvector(array_remove(string_to_array($4::text, ' '), '')) WHERE id = $1";
const SET_EXTERNAL_ID: &str = "UPDATE messages SET external_id = $2 WHERE id = $1";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    CREATE,
    PATCH,
    HOLD,
    END,
    IN_USE,
    DELETE_MESSAGES,
    DELETE_TRANSCRIPT,
    DELETE_EVENTS,
    DELETE_INPUTS,
    DELETE_OUTBOX,
    DELETE,
    APPEND,
    EDIT_MESSAGE,
    SET_EXTERNAL_ID,
];

impl Writing<'_> {
    pub(super) async fn create_session(&mut self, session: &Session) -> Outcome {
        let values = arguments![
            &session.id,
            &session.session_key,
            &session.agent_id,
            &session.channel_id,
            &session.user_id,
            &session.chat_id,
            session.label.as_deref(),
            json(&session.config),
            session_state_word(session.state),
            json(&session.context),
            session.last_seq,
            session.created_at,
            session.updated_at,
            session.last_activity_at,
            session.ended_at,
            folded_ids(session),
            session.label.as_deref().map(folded_text),
        ];
        let held = Held::when_one(self.changed(CREATE, values).await?);
        let key = session.session_key.clone();
        self.report.session(key, session.id.clone(), SessionChange::Created);
        Ok(held)
    }

    pub(super) async fn update_session(&mut self, id: &SessionId, patch: &SessionPatch) -> Outcome {
        let label = patch.label.as_ref().and_then(Option::as_deref);
        let values = arguments![
            id,
            patch.label.is_some(),
            label,
            label.map(folded_text),
            json_or_null(patch.config.as_ref()),
            patch.state.map(session_state_word),
            json_or_null(patch.context.as_ref()),
            patch.updated_at,
            patch.last_activity_at,
        ];
        let Some(key) = self.optional(PATCH, values, decode::session_key).await? else {
            return Ok(Held::No);
        };
        if is_visible(patch) {
            self.report.session(key, id.clone(), SessionChange::Updated);
        }
        Ok(Held::Yes)
    }

    pub(super) async fn end_session(&mut self, id: &SessionId, at: Timestamp) -> Outcome {
        let Some(key) = self.optional(HOLD, arguments![id], decode::session_key).await? else {
            return Ok(Held::No);
        };
        if self.changed(END, arguments![id, at]).await? > 0 {
            self.report.session(key, id.clone(), SessionChange::Ended);
        }
        Ok(Held::Yes)
    }

    pub(super) async fn delete_session(&mut self, id: &SessionId) -> Outcome {
        let Some(key) = self.optional(HOLD, arguments![id], decode::session_key).await? else {
            return Ok(Held::No);
        };
        let in_use = self.optional(IN_USE, arguments![id, &key], |_| Ok(())).await?;
        if in_use.is_some() {
            return Ok(Held::No);
        }
        let forgets = [memory::FORGET_SESSION_CHUNKS, memory::FORGET_SESSION_FILE];
        let deletes = [DELETE_MESSAGES, DELETE_TRANSCRIPT, DELETE_EVENTS, DELETE_OUTBOX];
        for sql in forgets.into_iter().chain(deletes) {
            self.changed(sql, arguments![id]).await?;
        }
        self.changed(DELETE_INPUTS, arguments![id, &key]).await?;
        self.changed(DELETE, arguments![id]).await?;
        self.report.session(key, id.clone(), SessionChange::Deleted);
        Ok(Held::Yes)
    }

    pub(super) async fn append(&mut self, entry: &LogEntry) -> Outcome {
        let message = entry.message.as_ref();
        let sender = message.and_then(|message| message.sender.as_ref());
        let transcript = entry.transcript.as_ref();
        let event = entry.event.as_ref();
        let values = arguments![
            &entry.session_id,
            entry.run_id.as_ref(),
            message.map(|message| &message.id),
            message.map(|message| &message.channel_id),
            message.map(|message| &message.chat.chat_id),
            message.and_then(|message| message.chat.thread_id.as_ref()),
            sender.map(|sender| &sender.id),
            message.map(|message| direction_word(message.direction)),
            json_or_null(message.map(|message| &message.content)),
            json_or_null(sender.map(|sender| MessageMetadata { sender }).as_ref()),
            message.and_then(|message| message.reply_to.as_ref()),
            message.and_then(|message| message.external_id.as_ref()),
            entry.at,
            transcript.map(|draft| draft.kind.as_str()),
            transcript.and_then(|draft| draft.message_id.as_ref()),
            json_or_null(transcript.map(|draft| &draft.data)),
            event.map(|draft| draft.topic),
            event.and_then(|draft| draft.message_id.as_ref()),
            json_or_null(event.and_then(|draft| draft.data.as_ref())),
            message.map(|message| words::of_content(&message.content).join(" ")),
        ];
        let row = self.optional(APPEND, values, decode::two_integers).await?;
        let Some((seq, said)) = row else { return Ok(Held::No) };
        if message.is_some() && said == 0 {
            return Ok(Held::No);
        }
        self.report.appended(entry, seq);
        self.applied.seqs.push(seq);
        Ok(Held::Yes)
    }

    pub(super) async fn edit_message(
        &mut self,
        id: &MessageId,
        content: &MessageContent,
        edited_at: Timestamp,
    ) -> Outcome {
        let values = arguments![id, json(content), edited_at, words::of_content(content).join(" ")];
        Ok(Held::when_one(self.changed(EDIT_MESSAGE, values).await?))
    }

    pub(super) async fn set_external_id(
        &mut self,
        id: &MessageId,
        external_id: &ExternalId,
    ) -> Outcome {
        let values = arguments![id, external_id];
        Ok(Held::when_one(self.changed(SET_EXTERNAL_ID, values).await?))
    }
}
