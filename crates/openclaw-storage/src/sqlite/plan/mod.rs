//! Turns a batch into one script.

mod jobs;
mod log;
mod memory;
mod people;
mod queues;

use std::collections::BTreeMap;

use openclaw_core::{SessionId, Timestamp};

use super::argument::{Argument, arguments};
use super::script::{GUARD_CHANGED_ONE, Script};
use crate::sql::jobs as job_statements;
use crate::{Batch, Fence, Write};

pub(super) use self::log::MovesSession;

const GUARD_FENCE: &str = "INSERT INTO guard (holds) SELECT 0 WHERE NOT EXISTS (
    SELECT 1 FROM leases WHERE resource = $1 AND owner = $2 AND fence = $3 AND lease_until > 0)
    AND '' = '' COLLATE end_of_script";

/// What is read from the outcome of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Note {
    /// The session's key and last `seq` are in the statement's row; so many appends of the batch follow.
    Sequence { statement: usize, after: i64 },
    /// The session's key is in the statement's row, where it returned one.
    SessionKey { statement: usize },
    /// The session's key and, in the other statement's rows, the outbox rows that went with it.
    Deleted { session: usize, outbox: usize },
    /// The position is the statement's row id.
    Position { statement: usize },
    /// The statement returned a row for each outbox row that became due.
    Moved { statement: usize },
    /// The lease is in the statement's row.
    Lease { statement: usize },
}

/// A batch as a script.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) script: Script,
    /// By the write's index.
    pub(super) notes: BTreeMap<usize, Note>,
}

/// How the writes of a batch become statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grouping {
    /// All that moves one session on is one statement.
    PerSession,
    /// Each write has its own statements, so that a failing one names its write.
    PerWrite,
}

impl Plan {
    pub(super) fn new(batch: &Batch, grouping: Grouping, now: Timestamp) -> Self {
        let mut planner = Planner {
            plan: Self { script: Script::default(), notes: BTreeMap::new() },
            moves: match grouping {
                Grouping::PerSession => MovesSession::of(batch),
                Grouping::PerWrite => BTreeMap::new(),
            },
            write: 0,
            now,
        };
        for fence in &batch.fences {
            planner.fence(fence);
        }
        for (index, write) in batch.writes.iter().enumerate() {
            planner.write = index;
            planner.write(write);
        }
        planner.plan
    }
}

struct Planner<'a> {
    plan: Plan,
    moves: BTreeMap<&'a SessionId, MovesSession<'a>>,
    write: usize,
    now: Timestamp,
}

impl Planner<'_> {
    fn fence(&mut self, fence: &Fence) {
        let values = arguments![&fence.resource, &fence.owner, fence.fence];
        self.plan.script.push(None, GUARD_FENCE, values);
    }

    fn push(&mut self, sql: &'static str, values: impl IntoIterator<Item = Argument>) -> usize {
        self.plan.script.push(Some(self.write), sql, values)
    }

    /// Adds a statement that must change exactly one row.
    fn push_guarded(
        &mut self,
        sql: &'static str,
        values: impl IntoIterator<Item = Argument>,
    ) -> usize {
        let statement = self.push(sql, values);
        self.push(GUARD_CHANGED_ONE, []);
        statement
    }

    fn note(&mut self, note: Note) {
        self.plan.notes.insert(self.write, note);
    }

    fn write(&mut self, write: &Write) {
        match write {
            Write::CreateSession(session) => self.create_session(session),
            Write::UpdateSession { id, patch } => self.update_session(id, patch),
            Write::EndSession { id, at } => self.end_session(id, *at),
            Write::DeleteSession { id } => self.delete_session(id),
            Write::Append(entry) => self.append(entry),
            Write::EditMessage { id, content, edited_at } => {
                self.edit_message(id, content, *edited_at);
            }
            Write::SetMessageExternalId { id, external_id } => {
                self.set_external_id(id, external_id);
            }
            Write::AcceptInput(new) => self.accept_input(new),
            Write::ChangeInput(change) => self.change_input(change),
            Write::ReplaceInput { id, inbound } => self.replace_input(id, inbound),
            Write::Enqueue(new) => self.enqueue(new),
            Write::ChangeOutbox(change) => self.change_outbox(change),
            Write::MigrateChat { channel_id, from, to } => self.migrate_chat(channel_id, from, to),
            Write::UpsertUser(user) => self.upsert_user(user),
            Write::PutValue { key, value, expect } => self.put_value(key, value, expect.as_ref()),
            Write::DeleteValue { key } => self.delete_value(key),
            Write::RequestPairing { channel_id, user_id, display_name, code, expires_at, at } => {
                let values =
                    arguments![channel_id, user_id, display_name.as_ref(), code, *expires_at, *at];
                self.push(people::REQUEST_PAIRING, values);
            }
            Write::ApprovePairing { channel_id, user_id, owner, at } => {
                let values = arguments![channel_id, user_id, *owner, *at];
                self.push_guarded(people::APPROVE_PAIRING, values);
            }
            Write::RemovePairing { channel_id, user_id } => {
                self.push(people::REMOVE_PAIRING, arguments![channel_id, user_id]);
            }
            Write::TakeLease { resource, owner, ttl } => {
                let until = self.now.plus(*ttl);
                let values = arguments![resource, owner, until, self.now];
                let statement = self.push_guarded(people::TAKE_LEASE, values);
                self.note(Note::Lease { statement });
            }
            Write::RenewLeases { owner, leases, ttl } => {
                let until = self.now.plus(*ttl);
                let values = arguments![owner, until, leases.resource(), leases.beginning()];
                self.push(people::RENEW_LEASES, values);
            }
            Write::PutJob { job, expect } => self.put_job(job, *expect),
            Write::DeleteJob { id } => {
                self.push_guarded(job_statements::DELETE, arguments![id]);
            }
            Write::StartJobRun(run) => self.start_job_run(run),
            Write::EndJobRun(run) => self.end_job_run(run),
            Write::ForgetJobSession { job_id, slot } => {
                self.push(job_statements::FORGET_SESSION, arguments![job_id, *slot]);
            }
            Write::PruneJobRuns { before } => {
                self.push(job_statements::PRUNE_RUNS, arguments![*before]);
            }
            Write::ReleaseLease(fence) => {
                let values = arguments![&fence.resource, &fence.owner, fence.fence];
                self.push(people::RELEASE_LEASE, values);
            }
            Write::Memory(write) => self.memory(write),
        }
    }
}

/// Every statement that writes, for tests.
#[cfg(test)]
pub(super) fn statements() -> Vec<&'static str> {
    [
        &[GUARD_FENCE, GUARD_CHANGED_ONE],
        log::STATEMENTS,
        queues::STATEMENTS,
        people::STATEMENTS,
        crate::sql::memory::WRITES,
        job_statements::WRITES,
    ]
    .concat()
}
