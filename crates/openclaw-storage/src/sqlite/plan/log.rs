//! Sessions and what is appended to them.

use std::collections::BTreeMap;

use openclaw_core::{ExternalId, MessageContent, MessageId, Session, SessionId, Timestamp};

use super::{Note, Planner};
use crate::assemble::{folded_ids, folded_text};
use crate::sql::memory;
use crate::sqlite::argument::{Argument, arguments, json, json_or_null};
use crate::sqlite::decode::{MessageMetadata, direction_word, session_state_word};
use crate::words;
use crate::{Batch, LogEntry, NewMessage, SessionPatch, Write};

const CREATE: &str = "INSERT INTO sessions (
    id, session_key, agent_id, channel_id, user_id, chat_id, label, config, state, context,
    last_seq, created_at, updated_at, last_activity_at, ended_at, folded_ids, folded_label)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    ON CONFLICT DO NOTHING RETURNING session_key";

// Three statements move a session on, because naming a column in SET rewrites the indexes on it.
const ADVANCE: &str = "UPDATE sessions SET last_seq = last_seq + $2 WHERE id = $1
    RETURNING session_key, last_seq";
const PATCH: &str = "UPDATE sessions SET last_seq = last_seq + $2,
    label = CASE WHEN $3 THEN $4 ELSE label END,
    folded_label = CASE WHEN $3 THEN $5 ELSE folded_label END,
    config = COALESCE($6, config), state = COALESCE($7, state), context = COALESCE($8, context),
    updated_at = COALESCE($9, updated_at)
    WHERE id = $1 AND ended_at IS NULL RETURNING session_key, last_seq";
const PATCH_ACTIVITY: &str = "UPDATE sessions SET last_seq = last_seq + $2,
    label = CASE WHEN $3 THEN $4 ELSE label END,
    folded_label = CASE WHEN $3 THEN $5 ELSE folded_label END,
    config = COALESCE($6, config), state = COALESCE($7, state), context = COALESCE($8, context),
    updated_at = COALESCE($9, updated_at), last_activity_at = $10
    WHERE id = $1 AND ended_at IS NULL RETURNING session_key, last_seq";

const GUARD_SESSION: &str =
    "INSERT INTO guard (holds) SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE id = $1)
    AND '' = '' COLLATE end_of_script";
const END: &str = "UPDATE sessions SET state = 'ended', ended_at = $2, updated_at = $2
    WHERE id = $1 AND ended_at IS NULL RETURNING session_key";

const GUARD_UNUSED: &str = "INSERT INTO guard (holds) SELECT 0 WHERE EXISTS (
    SELECT 1 FROM inbox INDEXED BY inbox_open WHERE ended_at IS NULL
    AND session_key = (SELECT session_key FROM sessions WHERE id = $1) AND session_id = $1)
    AND '' = '' COLLATE end_of_script";
const DELETE_MESSAGES: &str = "DELETE FROM messages WHERE session_id = $1";
const DELETE_TRANSCRIPT: &str = "DELETE FROM transcript WHERE session_id = $1";
const DELETE_EVENTS: &str = "DELETE FROM events WHERE session_id = $1";
const DELETE_INPUTS: &str = "DELETE FROM inbox INDEXED BY inbox_key
    WHERE session_key = (SELECT session_key FROM sessions WHERE id = $1) AND session_id = $1";
const DELETE_OUTBOX: &str = "DELETE FROM outbox
    WHERE session_id = $1 AND state NOT IN ('pending', 'sending') RETURNING state, uncertain";
const DELETE: &str = "DELETE FROM sessions WHERE id = $1 RETURNING session_key";

const INSERT_MESSAGE: &str = "INSERT INTO messages (
    id, session_id, seq, channel_id, chat_id, thread_id, user_id, direction, content, metadata,
    reply_to, external_id, run_id, created_at)
    VALUES ($1, $2, (SELECT last_seq - $3 FROM sessions WHERE id = $2), $4, $5, $6, $7, $8, $9,
    $10, $11, $12, $13, $14)";
const INSERT_TRANSCRIPT: &str = "INSERT INTO transcript (
    session_id, seq, run_id, kind, message_id, data)
    VALUES ($1, (SELECT last_seq - $2 FROM sessions WHERE id = $1), $3, $4, $5, $6)";
const INSERT_EVENT: &str = "INSERT INTO events (session_id, seq, topic, run_id, ref, data)
    VALUES ($1, (SELECT last_seq - $2 FROM sessions WHERE id = $1), $3, $4, $5, $6)";

// What is not indexed yet is indexed as it stands then.
const EDIT_WORDS: &str = "INSERT OR REPLACE INTO message_search (rowid, words)
    SELECT position, $2 FROM messages
    WHERE id = $1 AND position <= (SELECT indexed FROM search_state)";
const DELETE_WORDS: &str = "DELETE FROM message_search WHERE rowid IN (
    SELECT position FROM messages
    WHERE session_id = $1 AND position <= (SELECT indexed FROM search_state))";
// The positions of the newest messages are given out anew.
const STEP_BACK: &str = "UPDATE search_state
    SET indexed = MIN(indexed, (SELECT COALESCE(MAX(position), 0) FROM messages))";

const EDIT_MESSAGE: &str = "UPDATE messages SET content = $2, edited_at = $3 WHERE id = $1";
const SET_EXTERNAL_ID: &str = "UPDATE messages SET external_id = $2 WHERE id = $1";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    CREATE,
    ADVANCE,
    PATCH,
    PATCH_ACTIVITY,
    GUARD_SESSION,
    END,
    GUARD_UNUSED,
    DELETE_MESSAGES,
    DELETE_TRANSCRIPT,
    DELETE_EVENTS,
    DELETE_INPUTS,
    DELETE_OUTBOX,
    DELETE,
    INSERT_MESSAGE,
    INSERT_TRANSCRIPT,
    INSERT_EVENT,
    EDIT_WORDS,
    DELETE_WORDS,
    STEP_BACK,
    EDIT_MESSAGE,
    SET_EXTERNAL_ID,
];

/// All that a batch does to the row of one session that exists before and after it.
#[derive(Debug, Default)]
pub(in crate::sqlite) struct MovesSession<'a> {
    appends: i64,
    appended: i64,
    patch: Option<MergedPatch<'a>>,
    statement: Option<usize>,
}

/// The patches of one session in a batch as one.
#[derive(Debug, Default, Clone, Copy)]
struct MergedPatch<'a> {
    label: Option<Option<&'a str>>,
    config: Option<&'a openclaw_core::SessionConfig>,
    state: Option<openclaw_core::SessionState>,
    context: Option<&'a openclaw_core::SessionContext>,
    last_activity_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
}

impl<'a> MergedPatch<'a> {
    fn add(&mut self, patch: &'a SessionPatch) {
        self.label = patch.label.as_ref().map(Option::as_deref).or(self.label);
        self.config = patch.config.as_ref().or(self.config);
        self.state = patch.state.or(self.state);
        self.context = patch.context.as_ref().or(self.context);
        self.last_activity_at = patch.last_activity_at.or(self.last_activity_at);
        self.updated_at = patch.updated_at.or(self.updated_at);
    }
}

impl<'a> MovesSession<'a> {
    /// The sessions of a batch whose moves can be one statement: those it neither creates, ends
    /// nor deletes, since between those acts a move may do another thing.
    pub(in crate::sqlite) fn of(batch: &'a Batch) -> BTreeMap<&'a SessionId, Self> {
        let mut moves: BTreeMap<&SessionId, Self> = BTreeMap::new();
        for write in &batch.writes {
            match write {
                Write::Append(entry) => moves.entry(&entry.session_id).or_default().appends += 1,
                Write::UpdateSession { id, patch } => {
                    let session = moves.entry(id).or_default();
                    session.patch.get_or_insert_default().add(patch);
                }
                _ => {}
            }
        }
        for write in &batch.writes {
            match write {
                Write::CreateSession(session) => moves.remove(&session.id),
                Write::EndSession { id, .. } | Write::DeleteSession { id } => moves.remove(id),
                _ => None,
            };
        }
        moves
    }
}

impl Planner<'_> {
    pub(super) fn create_session(&mut self, session: &Session) {
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
        let statement = self.push_guarded(CREATE, values);
        self.note(Note::SessionKey { statement });
    }

    pub(super) fn update_session(&mut self, id: &SessionId, patch: &SessionPatch) {
        let statement = self.move_session(id, 0, patch).0;
        self.note(Note::SessionKey { statement });
    }

    /// The statement that moves a session on, and how many appends of the batch follow this write.
    fn move_session(&mut self, id: &SessionId, appends: i64, patch: &SessionPatch) -> (usize, i64) {
        let Some(moves) = self.moves.get_mut(id) else {
            let is_patched = *patch != SessionPatch::default() || appends == 0;
            let mut merged = MergedPatch::default();
            merged.add(patch);
            return (self.push_move(id, appends, is_patched.then_some(&merged)), 0);
        };
        moves.appended += appends;
        let (all, after) = (moves.appends, moves.appends - moves.appended);
        if let Some(statement) = moves.statement {
            return (statement, after);
        }
        let merged = moves.patch;
        let statement = self.push_move(id, all, merged.as_ref());
        if let Some(moves) = self.moves.get_mut(id) {
            moves.statement = Some(statement);
        }
        (statement, after)
    }

    fn push_move(&mut self, id: &SessionId, appends: i64, patch: Option<&MergedPatch>) -> usize {
        let Some(patch) = patch else {
            return self.push_guarded(ADVANCE, arguments![id, appends]);
        };
        let label = patch.label.flatten();
        let values = arguments![
            id,
            appends,
            patch.label.is_some(),
            label,
            label.map(folded_text),
            json_or_null(patch.config),
            patch.state.map(session_state_word),
            json_or_null(patch.context),
            patch.updated_at,
        ];
        match patch.last_activity_at {
            None => self.push_guarded(PATCH, values),
            Some(at) => {
                self.push_guarded(PATCH_ACTIVITY, values.into_iter().chain([Argument::from(at)]))
            }
        }
    }

    pub(super) fn end_session(&mut self, id: &SessionId, at: Timestamp) {
        self.push(GUARD_SESSION, arguments![id]);
        let statement = self.push(END, arguments![id, at]);
        self.note(Note::SessionKey { statement });
    }

    pub(super) fn delete_session(&mut self, id: &SessionId) {
        self.push(GUARD_UNUSED, arguments![id]);
        self.push(DELETE_WORDS, arguments![id]);
        for sql in [memory::FORGET_SESSION_CHUNKS, memory::FORGET_SESSION_FILE] {
            self.push(sql, arguments![id]);
        }
        for sql in [DELETE_MESSAGES, DELETE_TRANSCRIPT, DELETE_EVENTS, DELETE_INPUTS] {
            self.push(sql, arguments![id]);
        }
        self.push(STEP_BACK, []);
        let outbox = self.push(DELETE_OUTBOX, arguments![id]);
        let session = self.push_guarded(DELETE, arguments![id]);
        self.note(Note::Deleted { session, outbox });
    }

    pub(super) fn append(&mut self, entry: &LogEntry) {
        let id = &entry.session_id;
        let (statement, after) = self.move_session(id, 1, &SessionPatch::default());
        self.note(Note::Sequence { statement, after });
        if let Some(message) = &entry.message {
            self.insert_message(entry, message, after);
        }
        if let Some(draft) = &entry.transcript {
            let values = arguments![
                id,
                after,
                entry.run_id.as_ref(),
                draft.kind.as_str(),
                draft.message_id.as_ref(),
                json(&draft.data),
            ];
            self.push(INSERT_TRANSCRIPT, values);
        }
        if let Some(draft) = &entry.event {
            let values = arguments![
                id,
                after,
                draft.topic,
                entry.run_id.as_ref(),
                draft.message_id.as_ref(),
                json_or_null(draft.data.as_ref()),
            ];
            self.push(INSERT_EVENT, values);
        }
    }

    fn insert_message(&mut self, entry: &LogEntry, message: &NewMessage, after: i64) {
        let sender = message.sender.as_ref();
        let values = arguments![
            &message.id,
            &entry.session_id,
            after,
            &message.channel_id,
            &message.chat.chat_id,
            message.chat.thread_id.as_ref(),
            sender.map(|sender| &sender.id),
            direction_word(message.direction),
            json(&message.content),
            json_or_null(sender.map(|sender| MessageMetadata { sender }).as_ref()),
            message.reply_to.as_ref(),
            message.external_id.as_ref(),
            entry.run_id.as_ref(),
            entry.at,
        ];
        self.push(INSERT_MESSAGE, values);
    }

    pub(super) fn edit_message(
        &mut self,
        id: &MessageId,
        content: &MessageContent,
        edited_at: Timestamp,
    ) {
        self.push_guarded(EDIT_MESSAGE, arguments![id, json(content), edited_at]);
        self.push(EDIT_WORDS, arguments![id, words::of_content(content).join(" ")]);
    }

    pub(super) fn set_external_id(&mut self, id: &MessageId, external_id: &ExternalId) {
        self.push_guarded(SET_EXTERNAL_ID, arguments![id, external_id]);
    }
}
