//! Finds out why a write did not hold, in the transaction in which it failed.

use openclaw_core::{ChannelId, ChatId, ExternalId, InboxId, MessageId, OutboxId, SessionId};

use super::argument::{Argument, arguments};
use super::cells::{Cells, Decoded};
use super::{decode, jobs};
use crate::{Batch, Conflict, NewInput, NewOutbox, Write};

const FENCE: &str = "SELECT 1 FROM leases
    WHERE resource = $1 AND owner = $2 AND fence = $3 AND lease_until > 0";
const SESSION_BY_KEY: &str = "SELECT id FROM sessions WHERE session_key = $1 AND ended_at IS NULL";
const SESSION: &str = "SELECT 1 FROM sessions WHERE id = $1";
const MESSAGE: &str = "SELECT 1 FROM messages WHERE id = $1";
const INPUT_STATE: &str = "SELECT state FROM inbox WHERE id = $1";
const INPUT_BY_EXTERNAL: &str = "SELECT run_id, principal FROM inbox
    WHERE channel_id = $1 AND chat_id = $2 AND external_id = $3";
const INPUT_BY_RUN: &str = "SELECT run_id, principal FROM inbox WHERE run_id = $1";
const OUTBOX_STATE: &str = "SELECT state FROM outbox WHERE id = $1";
const OUTBOX_BY_KEY: &str =
    "SELECT id, message_id, principal FROM outbox WHERE idempotency_key = $1";
const LEASE: &str = "SELECT resource, owner, lease_until, fence FROM leases WHERE resource = $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    FENCE,
    SESSION_BY_KEY,
    SESSION,
    MESSAGE,
    INPUT_STATE,
    INPUT_BY_EXTERNAL,
    INPUT_BY_RUN,
    OUTBOX_STATE,
    OUTBOX_BY_KEY,
    LEASE,
];

/// A connection that can be asked for one row.
pub(crate) trait Asked: Send {
    /// The engine's rows.
    type Row: Cells;

    /// The first row, where there is one.
    fn first<T: Send>(
        &mut self,
        sql: &'static str,
        values: Vec<Argument>,
        decode: fn(&Self::Row) -> Decoded<T>,
    ) -> impl Future<Output = Result<Option<T>, sqlx::Error>> + Send;
}

/// Looks for the conflict of one write.
pub(crate) struct Inquiry<'a, C> {
    connection: &'a mut C,
}

type Found = Result<Option<Conflict>, sqlx::Error>;

impl<'a, C: Asked> Inquiry<'a, C> {
    pub(crate) fn on(connection: &'a mut C) -> Self {
        Self { connection }
    }

    async fn ask<T: Send>(
        &mut self,
        sql: &'static str,
        values: impl IntoIterator<Item = Argument>,
        decode: fn(&C::Row) -> Decoded<T>,
    ) -> Result<Option<T>, sqlx::Error> {
        self.connection.first(sql, values.into_iter().collect(), decode).await
    }

    async fn exists(
        &mut self,
        sql: &'static str,
        values: impl IntoIterator<Item = Argument>,
    ) -> Result<bool, sqlx::Error> {
        Ok(self.ask(sql, values, |_| Ok(())).await?.is_some())
    }

    /// The first fence of the batch that does not hold.
    pub(crate) async fn fence(&mut self, batch: &Batch) -> Found {
        for fence in &batch.fences {
            let values = arguments![&fence.resource, &fence.owner, fence.fence];
            if !self.exists(FENCE, values).await? {
                return Ok(Some(Conflict::FenceLost { resource: fence.resource.clone() }));
            }
        }
        Ok(None)
    }

    /// Why the write failed; `None` when nothing speaks against it.
    pub(crate) async fn write(&mut self, write: &Write) -> Found {
        match write {
            Write::CreateSession(session) => self.session_taken(session).await,
            Write::UpdateSession { id, .. } => Ok(Some(Conflict::missing("session", id))),
            Write::EndSession { id, .. } => self.missing_session(id).await,
            Write::DeleteSession { id } => {
                let missing = self.missing_session(id).await?;
                Ok(Some(missing.unwrap_or_else(|| Conflict::session_in_use(id))))
            }
            Write::Append(entry) => {
                let missing = self.missing_session(&entry.session_id).await?;
                match (&entry.message, missing) {
                    (Some(message), None) => self.message_stored(&message.id).await,
                    (_, missing) => Ok(missing),
                }
            }
            Write::EditMessage { id, .. } | Write::SetMessageExternalId { id, .. } => {
                Ok(Some(Conflict::missing("message", id)))
            }
            Write::AcceptInput(new) => self.input_taken(new).await,
            Write::ChangeInput(change) => self.input_state(&change.id).await,
            Write::ReplaceInput { id, .. } => self.input_state(id).await,
            Write::Enqueue(new) => self.outbox_taken(new).await,
            Write::ChangeOutbox(change) => self.outbox_state(&change.id).await,
            Write::PutValue { key, .. } => Ok(Some(Conflict::ValueChanged { key: key.clone() })),
            Write::ApprovePairing { channel_id, user_id, .. } => {
                Ok(Some(Conflict::pairing_missing(channel_id, user_id)))
            }
            Write::TakeLease { resource, .. } => {
                let held = self.ask(LEASE, arguments![resource], decode::lease).await?;
                Ok(held.map(|lease| Conflict::lease_held(&lease)))
            }
            Write::PutJob { job, .. } => {
                let is_there = self.exists(jobs::IS_THERE, arguments![&job.id]).await?;
                Ok(Some(match is_there {
                    true => Conflict::job_changed(&job.id),
                    false => Conflict::missing("job", &job.id),
                }))
            }
            Write::DeleteJob { id } => Ok(Some(Conflict::missing("job", id))),
            Write::StartJobRun(run) | Write::EndJobRun(run) => {
                let values = arguments![&run.job_id, run.slot];
                let status = self.ask(jobs::STATE_OF_RUN, values, decode::state).await?;
                Ok(Some(match status {
                    Some(status) => Conflict::job_run_is(&run.job_id, run.slot, status),
                    None => Conflict::job_run_missing(&run.job_id, run.slot),
                }))
            }
            Write::ForgetJobSession { .. }
            | Write::PruneJobRuns { .. }
            | Write::MigrateChat { .. }
            | Write::UpsertUser(_)
            | Write::DeleteValue { .. }
            | Write::RequestPairing { .. }
            | Write::RemovePairing { .. }
            | Write::RenewLeases { .. }
            | Write::ReleaseLease(_)
            | Write::Memory(_) => Ok(None),
        }
    }

    async fn session_taken(&mut self, session: &openclaw_core::Session) -> Found {
        if session.ended_at.is_none() {
            let values = arguments![&session.session_key];
            let holder = self.ask(SESSION_BY_KEY, values, decode::session_id).await?;
            if let Some(session_id) = holder {
                return Ok(Some(Conflict::SessionKeyTaken { session_id }));
            }
        }
        let is_stored = self.exists(SESSION, arguments![&session.id]).await?;
        Ok(is_stored.then(|| Conflict::SessionKeyTaken { session_id: session.id.clone() }))
    }

    async fn missing_session(&mut self, id: &SessionId) -> Found {
        let is_stored = self.exists(SESSION, arguments![id]).await?;
        Ok((!is_stored).then(|| Conflict::missing("session", id)))
    }

    async fn message_stored(&mut self, id: &MessageId) -> Found {
        let is_stored = self.exists(MESSAGE, arguments![id]).await?;
        Ok(is_stored.then(|| Conflict::message_stored(id)))
    }

    async fn input_taken(&mut self, new: &NewInput) -> Found {
        let conversation = &new.inbound.conversation;
        let event: (&ChannelId, &ChatId, &ExternalId) =
            (&conversation.channel_id, &conversation.chat_id, &new.inbound.external_id);
        let values = arguments![event.0, event.1, event.2];
        let stored = self.ask(INPUT_BY_EXTERNAL, values, decode::run_and_principal).await?;
        if let Some((run_id, _)) = stored {
            return Ok(Some(Conflict::DuplicateInput { run_id }));
        }
        let stored =
            self.ask(INPUT_BY_RUN, arguments![&new.run_id], decode::run_and_principal).await?;
        if let Some((run_id, principal)) = stored {
            return Ok(Some(Conflict::RunIdTaken { run_id, principal }));
        }
        let state = self.ask(INPUT_STATE, arguments![&new.id], decode::state).await?;
        Ok(state.map(|state| Conflict::input_is(&new.id, state)))
    }

    async fn input_state(&mut self, id: &InboxId) -> Found {
        let state = self.ask(INPUT_STATE, arguments![id], decode::state).await?;
        Ok(Some(
            state.map_or_else(
                || Conflict::missing("input", id),
                |state| Conflict::input_is(id, state),
            ),
        ))
    }

    async fn outbox_taken(&mut self, new: &NewOutbox) -> Found {
        if let Some(key) = &new.idempotency_key {
            let values = arguments![key];
            let taken = self.ask(OUTBOX_BY_KEY, values, decode::outbox_identity).await?;
            if let Some((id, message_id, principal)) = taken {
                return Ok(Some(Conflict::key_taken(message_id, &id, principal)));
            }
        }
        let state = self.ask(OUTBOX_STATE, arguments![&new.id], decode::state).await?;
        Ok(state.map(|state| Conflict::outbox_is(&new.id, state)))
    }

    async fn outbox_state(&mut self, id: &OutboxId) -> Found {
        let state = self.ask(OUTBOX_STATE, arguments![id], decode::state).await?;
        Ok(Some(state.map_or_else(
            || Conflict::missing("outbox", id),
            |state| Conflict::outbox_is(id, state),
        )))
    }
}
