//! Does the writes of a batch, one after another, within a transaction.

mod jobs;
mod log;
mod memory;
mod people;
mod queues;

use openclaw_core::Timestamp;
use sqlx::postgres::PgConnection;

use super::query;
use crate::assemble::Report;
use crate::sql::argument::{Argument, arguments};
use crate::sql::cells::Decoded;
use crate::sql::conflicts::Inquiry;
use crate::{Applied, Batch, Committed, Conflict, Fence, Write};

// Keeps another gateway from taking the lease before this transaction has ended, and does not wait
// for nor hold up a renewal, which changes no key.
const HOLD_FENCE: &str = "SELECT 1::bigint FROM leases
    WHERE resource = $1 AND owner = $2 AND fence = $3 AND lease_until > 0 FOR KEY SHARE";

/// What a batch did.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) applied: Applied,
    pub(super) committed: Committed,
}

/// Why a batch was not done; the transaction is to be undone.
#[derive(Debug)]
pub(super) enum Stopped {
    /// A precondition did not hold.
    Refused(Conflict),
    /// The engine failed.
    Broken(sqlx::Error),
}

impl From<sqlx::Error> for Stopped {
    fn from(error: sqlx::Error) -> Self {
        Self::Broken(error)
    }
}

/// Whether a write's preconditions held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Yes,
    No,
}

impl Held {
    /// For a statement that must change exactly one row.
    fn when_one(rows: u64) -> Self {
        if rows == 1 { Self::Yes } else { Self::No }
    }
}

type Outcome = Result<Held, sqlx::Error>;

pub(super) struct Writing<'c> {
    connection: &'c mut PgConnection,
    now: Timestamp,
    /// The moment leases go by; `None` is the server's clock.
    lease_now: Option<Timestamp>,
    report: Report,
    applied: Applied,
}

impl<'c> Writing<'c> {
    pub(super) fn new(
        connection: &'c mut PgConnection,
        now: Timestamp,
        lease_now: Option<Timestamp>,
    ) -> Self {
        let (report, applied) = (Report::default(), Applied::default());
        Self { connection, now, lease_now, report, applied }
    }

    pub(super) async fn all(mut self, batch: &Batch) -> Result<Done, Stopped> {
        for fence in &batch.fences {
            self.hold(fence).await?;
        }
        for write in &batch.writes {
            if self.write(write).await? == Held::No {
                let conflict = Inquiry::on(self.connection).write(write).await?;
                // What was in the way is gone again: the next try finds it so.
                return Err(conflict.map_or_else(gone, Stopped::Refused));
            }
        }
        Ok(Done { applied: self.applied, committed: self.report.finish() })
    }

    async fn hold(&mut self, fence: &Fence) -> Result<(), Stopped> {
        let values = arguments![&fence.resource, &fence.owner, fence.fence];
        match query::optional(self.connection, HOLD_FENCE, values, |_| Ok(())).await? {
            Some(()) => Ok(()),
            None => Err(Stopped::Refused(Conflict::FenceLost { resource: fence.resource.clone() })),
        }
    }

    async fn changed(
        &mut self,
        sql: &'static str,
        values: impl IntoIterator<Item = Argument>,
    ) -> Result<u64, sqlx::Error> {
        query::changed(self.connection, sql, values).await
    }

    async fn optional<T>(
        &mut self,
        sql: &'static str,
        values: impl IntoIterator<Item = Argument>,
        decode: fn(&sqlx::postgres::PgRow) -> Decoded<T>,
    ) -> Result<Option<T>, sqlx::Error> {
        query::optional(self.connection, sql, values, decode).await
    }

    async fn write(&mut self, write: &Write) -> Outcome {
        match write {
            Write::CreateSession(session) => self.create_session(session).await,
            Write::UpdateSession { id, patch } => self.update_session(id, patch).await,
            Write::EndSession { id, at } => self.end_session(id, *at).await,
            Write::DeleteSession { id } => self.delete_session(id).await,
            Write::Append(entry) => self.append(entry).await,
            Write::EditMessage { id, content, edited_at } => {
                self.edit_message(id, content, *edited_at).await
            }
            Write::SetMessageExternalId { id, external_id } => {
                self.set_external_id(id, external_id).await
            }
            Write::AcceptInput(new) => self.accept_input(new).await,
            Write::ChangeInput(change) => self.change_input(change).await,
            Write::ReplaceInput { id, inbound } => self.replace_input(id, inbound).await,
            Write::Enqueue(new) => self.enqueue(new).await,
            Write::ChangeOutbox(change) => self.change_outbox(change).await,
            Write::MigrateChat { channel_id, from, to } => {
                self.migrate_chat(channel_id, from, to).await
            }
            Write::UpsertUser(user) => self.upsert_user(user).await,
            Write::PutValue { key, value, expect } => {
                self.put_value(key, value, expect.as_ref()).await
            }
            Write::DeleteValue { key } => self.delete_value(key).await,
            Write::RequestPairing { channel_id, user_id, display_name, code, expires_at, at } => {
                let values =
                    arguments![channel_id, user_id, display_name.as_ref(), code, *expires_at, *at];
                self.request_pairing(values).await
            }
            Write::ApprovePairing { channel_id, user_id, owner, at } => {
                self.approve_pairing(arguments![channel_id, user_id, *owner, *at]).await
            }
            Write::RemovePairing { channel_id, user_id } => {
                self.remove_pairing(arguments![channel_id, user_id]).await
            }
            Write::TakeLease { resource, owner, ttl } => {
                self.take_lease(resource, owner, *ttl).await
            }
            Write::RenewLeases { owner, leases, ttl } => {
                self.renew_leases(owner, leases, *ttl).await
            }
            Write::PutJob { job, expect } => self.put_job(job, *expect).await,
            Write::DeleteJob { id } => self.delete_job(id).await,
            Write::StartJobRun(run) => self.start_job_run(run).await,
            Write::EndJobRun(run) => self.end_job_run(run).await,
            Write::ForgetJobSession { job_id, slot } => {
                self.forget_job_session(job_id, *slot).await
            }
            Write::PruneJobRuns { before } => self.prune_job_runs(*before).await,
            Write::ReleaseLease(fence) => self.release_lease(fence).await,
            Write::Memory(write) => self.memory(write).await,
        }
    }
}

/// A row that was in the way and is no longer.
fn gone() -> Stopped {
    Stopped::Broken(sqlx::Error::Protocol("what was in the way is gone again".to_owned()))
}

/// Every statement that writes, for tests.
#[cfg(test)]
pub(super) fn statements() -> Vec<&'static str> {
    [
        &[HOLD_FENCE],
        log::STATEMENTS,
        queues::STATEMENTS,
        people::STATEMENTS,
        crate::sql::memory::WRITES,
        crate::sql::jobs::WRITES,
    ]
    .concat()
}
