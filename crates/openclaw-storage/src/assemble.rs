//! What both engines derive from a batch in the same way.

use std::collections::BTreeMap;

use openclaw_core::{Message, MessageId, SessionId, SessionKey};

use crate::{Committed, CommittedEvent, LogEntry, NewMessage, SessionChange, SessionPatch};

/// Separates the parts of a session's searchable text, so that no search runs across two of them.
const PART_END: char = '\u{1f}';

/// The part of a session's searchable text that never changes.
pub(crate) fn folded_ids(session: &openclaw_core::Session) -> String {
    let parts = [session.session_key.as_str(), session.user_id.as_str(), session.chat_id.as_str()];
    let mut folded = String::new();
    for part in parts {
        folded.push_str(&folded_text(part));
        folded.push(PART_END);
    }
    folded
}

/// Text as it is compared in a search.
pub(crate) fn folded_text(text: &str) -> String {
    text.to_lowercase()
}

/// Whether clients are told of this change of a session.
pub(crate) fn is_visible(patch: &SessionPatch) -> bool {
    patch.label.is_some() || patch.config.is_some() || patch.state.is_some()
}

/// A message as it is stored.
pub(crate) fn message_of(entry: &LogEntry, new: &NewMessage, seq: i64) -> Message {
    Message {
        id: new.id.clone(),
        session_id: entry.session_id.clone(),
        seq,
        channel_id: new.channel_id.clone(),
        direction: new.direction,
        sender: new.sender.clone(),
        chat: new.chat.clone(),
        content: new.content.clone(),
        reply_to: new.reply_to.clone(),
        external_id: new.external_id.clone(),
        run_id: entry.run_id.clone(),
        created_at: entry.at,
        edited_at: None,
    }
}

/// Collects what the observer is told of one batch.
#[derive(Debug, Default)]
pub(crate) struct Report {
    committed: Committed,
    messages: BTreeMap<MessageId, Message>,
}

impl Report {
    /// An entry was appended under this `seq`.
    pub(crate) fn appended(&mut self, entry: &LogEntry, seq: i64) {
        if let Some(new) = &entry.message {
            self.messages.insert(new.id.clone(), message_of(entry, new, seq));
        }
        if let Some(event) = &entry.event {
            let message = event.message_id.as_ref().and_then(|id| self.messages.get(id)).cloned();
            self.committed.events.push(CommittedEvent {
                session_id: entry.session_id.clone(),
                session_key: entry.session_key.clone(),
                seq,
                topic: event.topic,
                run_id: entry.run_id.clone(),
                message,
                data: event.data.clone(),
            });
        }
    }

    /// Something happened to a session.
    pub(crate) fn session(&mut self, key: SessionKey, id: SessionId, change: SessionChange) {
        self.committed.sessions.push((key, id, change));
    }

    /// Outbox rows were added or became due.
    pub(crate) fn outbox_due(&mut self) {
        self.committed.outbox = true;
    }

    /// What the observer is told.
    pub(crate) fn finish(self) -> Committed {
        self.committed
    }
}
