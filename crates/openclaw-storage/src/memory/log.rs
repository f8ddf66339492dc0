//! Sessions and what is appended to them.

use std::cmp::Reverse;

use openclaw_core::{Message, MessageId, Session, SessionId, SessionState, Timestamp};

use super::apply::Effects;
use super::state::{Activity, State, StoredEvent, all_of};
use crate::assemble::{is_visible, message_of};
use crate::rows::{MemorySource, OutboxRow, TranscriptRow};
use crate::{Conflict, LogEntry, SessionChange, SessionPatch};

fn activity(session: &Session) -> Activity {
    (Reverse(session.last_activity_at), Reverse(session.id.clone()))
}

impl State {
    pub(super) fn create_session(
        &mut self,
        session: &Session,
        effects: &mut Effects,
    ) -> Result<(), Conflict> {
        let is_live = session.ended_at.is_none();
        if is_live && let Some(holder) = self.live_keys.get(&session.session_key) {
            return Err(Conflict::SessionKeyTaken { session_id: holder.clone() });
        }
        if self.sessions.contains(&session.id) {
            return Err(Conflict::SessionKeyTaken { session_id: session.id.clone() });
        }
        if is_live {
            self.live_keys.insert(session.session_key.clone(), session.id.clone());
            self.live_activity.insert(activity(session), ());
        }
        self.sessions.insert(session.id.clone(), session.clone());
        effects.report.session(
            session.session_key.clone(),
            session.id.clone(),
            SessionChange::Created,
        );
        Ok(())
    }

    pub(super) fn update_session(
        &mut self,
        id: &SessionId,
        patch: &SessionPatch,
        effects: &mut Effects,
    ) -> Result<(), Conflict> {
        let live = self.sessions.get(id).filter(|session| session.ended_at.is_none());
        let old = live.ok_or_else(|| Conflict::missing("session", id))?.clone();
        let SessionPatch { label, config, state, context, last_activity_at, updated_at } =
            patch.clone();
        let new = Session {
            label: label.unwrap_or_else(|| old.label.clone()),
            config: config.unwrap_or_else(|| old.config.clone()),
            state: state.unwrap_or(old.state),
            context: context.unwrap_or_else(|| old.context.clone()),
            last_activity_at: last_activity_at.unwrap_or(old.last_activity_at),
            updated_at: updated_at.unwrap_or(old.updated_at),
            ..old.clone()
        };
        if new.last_activity_at != old.last_activity_at {
            self.live_activity.remove(&activity(&old));
            self.live_activity.insert(activity(&new), ());
        }
        if is_visible(patch) {
            effects.report.session(new.session_key.clone(), id.clone(), SessionChange::Updated);
        }
        self.sessions.insert(id.clone(), new);
        Ok(())
    }

    pub(super) fn end_session(
        &mut self,
        id: &SessionId,
        at: Timestamp,
        effects: &mut Effects,
    ) -> Result<(), Conflict> {
        let old = self.sessions.get(id).ok_or_else(|| Conflict::missing("session", id))?.clone();
        if old.ended_at.is_some() {
            return Ok(());
        }
        self.live_keys.remove(&old.session_key);
        self.live_activity.remove(&activity(&old));
        effects.report.session(old.session_key.clone(), id.clone(), SessionChange::Ended);
        let new = Session { state: SessionState::Ended, ended_at: Some(at), updated_at: at, ..old };
        self.sessions.insert(id.clone(), new);
        Ok(())
    }

    pub(super) fn delete_session(
        &mut self,
        id: &SessionId,
        effects: &mut Effects,
    ) -> Result<(), Conflict> {
        let session =
            self.sessions.get(id).ok_or_else(|| Conflict::missing("session", id))?.clone();
        let inputs: Vec<i64> = self
            .inputs_of_key
            .range(all_of(&session.session_key))
            .map(|((_, position), ())| *position)
            .filter(|position| self.inputs.get(position).is_some_and(|row| row.session_id == *id))
            .collect();
        let is_open =
            |position: &i64| self.inputs.get(position).is_some_and(|row| !row.state.is_final());
        if inputs.iter().any(is_open) {
            return Err(Conflict::session_in_use(id));
        }
        if session.ended_at.is_none() {
            self.live_keys.remove(&session.session_key);
            self.live_activity.remove(&activity(&session));
        }
        self.sessions.remove(id);
        for position in inputs {
            self.remove_input(position);
        }
        self.remove_outbox_of(id);
        self.remove_log_of(id);
        self.forget_memory(&session.agent_id, MemorySource::Sessions, Some(id.as_str()));
        effects.report.session(session.session_key, id.clone(), SessionChange::Deleted);
        Ok(())
    }

    fn remove_outbox_of(&mut self, id: &SessionId) {
        let ended: Vec<OutboxRow> = self
            .outbox_sessions
            .range(all_of(id))
            .filter_map(|((_, position), ())| self.outbox.get(position))
            .filter(|row| row.state.is_final())
            .cloned()
            .collect();
        for row in ended {
            self.remove_outbox(&row);
        }
    }

    fn remove_log_of(&mut self, id: &SessionId) {
        let seqs = |keys: Vec<&(SessionId, i64)>| -> Vec<i64> {
            keys.into_iter().map(|(_, seq)| *seq).collect()
        };
        for seq in seqs(self.message_log.range(all_of(id)).map(|(key, _)| key).collect()) {
            let stored = self.message_log.remove(&(id.clone(), seq));
            if let Some(message) = stored.and_then(|id| self.messages.remove(&id)) {
                self.unlink_external_id(&message);
            }
        }
        for seq in seqs(self.transcript.range(all_of(id)).map(|(key, _)| key).collect()) {
            let stored = self.transcript.remove(&(id.clone(), seq));
            if let Some(run) = stored.and_then(|row| row.run_id.clone()) {
                self.transcript_runs.remove(&(run, id.clone(), seq));
            }
        }
        for seq in seqs(self.events.range(all_of(id)).map(|(key, _)| key).collect()) {
            self.events.remove(&(id.clone(), seq));
        }
    }

    pub(super) fn append(
        &mut self,
        entry: &LogEntry,
        effects: &mut Effects,
    ) -> Result<(), Conflict> {
        let id = &entry.session_id;
        let mut session =
            self.sessions.get(id).ok_or_else(|| Conflict::missing("session", id))?.clone();
        session.last_seq += 1;
        let seq = session.last_seq;
        self.sessions.insert(id.clone(), session);
        if let Some(new) = &entry.message {
            if self.messages.contains(&new.id) {
                return Err(Conflict::message_stored(&new.id));
            }
            let message = message_of(entry, new, seq);
            self.link_external_id(&message);
            self.message_log.insert((id.clone(), seq), message.id.clone());
            self.messages.insert(message.id.clone(), message);
        }
        if let Some(draft) = &entry.transcript {
            let row = TranscriptRow {
                session_id: id.clone(),
                seq,
                run_id: entry.run_id.clone(),
                kind: draft.kind,
                message_id: draft.message_id.clone(),
                data: draft.data.clone(),
            };
            if let Some(run) = &row.run_id {
                self.transcript_runs.insert((run.clone(), id.clone(), seq), ());
            }
            self.transcript.insert((id.clone(), seq), row);
        }
        if let Some(draft) = &entry.event {
            let event = StoredEvent {
                topic: draft.topic,
                run_id: entry.run_id.clone(),
                message_id: draft.message_id.clone(),
                data: draft.data.clone(),
            };
            self.events.insert((id.clone(), seq), event);
        }
        effects.report.appended(entry, seq);
        effects.applied.seqs.push(seq);
        Ok(())
    }

    pub(super) fn change_message(
        &mut self,
        id: &MessageId,
        change: impl FnOnce(&mut Message),
    ) -> Result<(), Conflict> {
        let old = self.messages.get(id).ok_or_else(|| Conflict::missing("message", id))?.clone();
        let mut new = old.clone();
        change(&mut new);
        self.unlink_external_id(&old);
        self.link_external_id(&new);
        self.messages.insert(id.clone(), new);
        Ok(())
    }

    fn link_external_id(&mut self, message: &Message) {
        if let Some(external_id) = &message.external_id {
            let key = (
                message.channel_id.clone(),
                message.chat.chat_id.clone(),
                external_id.clone(),
                message.id.clone(),
            );
            self.message_externals.insert(key, ());
        }
    }

    fn unlink_external_id(&mut self, message: &Message) {
        if let Some(external_id) = &message.external_id {
            let key = (
                message.channel_id.clone(),
                message.chat.chat_id.clone(),
                external_id.clone(),
                message.id.clone(),
            );
            self.message_externals.remove(&key);
        }
    }
}
