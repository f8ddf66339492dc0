use openclaw_core::Timestamp;

use super::state::State;
use crate::assemble::Report;
use crate::{Applied, Batch, Conflict, Fence, Write};

/// What one batch gives out while it is applied.
pub(super) struct Effects {
    pub(super) now: Timestamp,
    pub(super) report: Report,
    pub(super) applied: Applied,
}

impl Effects {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { now, report: Report::default(), applied: Applied::default() }
    }
}

impl State {
    /// Applies all of a batch; after a conflict the caller rolls back.
    pub(super) fn apply(&mut self, batch: &Batch, effects: &mut Effects) -> Result<(), Conflict> {
        for fence in &batch.fences {
            self.check_fence(fence)?;
        }
        for write in &batch.writes {
            self.apply_write(write, effects)?;
        }
        Ok(())
    }

    fn check_fence(&self, fence: &Fence) -> Result<(), Conflict> {
        let holds = self.leases.get(&fence.resource).is_some_and(|lease| {
            lease.owner == fence.owner && lease.fence == fence.fence && lease.is_given()
        });
        if holds { Ok(()) } else { Err(Conflict::FenceLost { resource: fence.resource.clone() }) }
    }

    fn apply_write(&mut self, write: &Write, effects: &mut Effects) -> Result<(), Conflict> {
        match write {
            Write::CreateSession(session) => self.create_session(session, effects),
            Write::UpdateSession { id, patch } => self.update_session(id, patch, effects),
            Write::EndSession { id, at } => self.end_session(id, *at, effects),
            Write::DeleteSession { id } => self.delete_session(id, effects),
            Write::Append(entry) => self.append(entry, effects),
            Write::EditMessage { id, content, edited_at } => self.change_message(id, |message| {
                message.content = content.clone();
                message.edited_at = Some(*edited_at);
            }),
            Write::SetMessageExternalId { id, external_id } => {
                self.change_message(id, |message| message.external_id = Some(external_id.clone()))
            }
            Write::AcceptInput(new) => self.accept_input(new, effects),
            Write::ChangeInput(change) => self.change_input(change),
            Write::ReplaceInput { id, inbound } => self.replace_input(id, inbound),
            Write::Enqueue(new) => self.enqueue(new, effects),
            Write::ChangeOutbox(change) => self.change_outbox(change, effects),
            Write::MigrateChat { channel_id, from, to } => {
                self.migrate_chat(channel_id, from, to, effects);
                Ok(())
            }
            Write::UpsertUser(user) => {
                self.upsert_user(user);
                Ok(())
            }
            Write::PutValue { key, value, expect } => self.put_value(key, value, expect.as_ref()),
            Write::DeleteValue { key } => {
                self.values.remove(key);
                Ok(())
            }
            Write::RequestPairing { channel_id, user_id, display_name, code, expires_at, at } => {
                self.request_pairing(
                    (channel_id.clone(), user_id.clone()),
                    display_name.as_ref(),
                    (code, *expires_at),
                    *at,
                );
                Ok(())
            }
            Write::ApprovePairing { channel_id, user_id, owner, at } => {
                self.approve_pairing((channel_id.clone(), user_id.clone()), *owner, *at)
            }
            Write::RemovePairing { channel_id, user_id } => {
                self.pairings.remove(&(channel_id.clone(), user_id.clone()));
                Ok(())
            }
            Write::TakeLease { resource, owner, ttl } => {
                let lease = self.take_lease(resource, owner, effects.now, *ttl)?;
                effects.applied.leases.push(lease);
                Ok(())
            }
            Write::RenewLeases { owner, leases, ttl } => {
                self.renew_leases(owner, leases, effects.now.plus(*ttl));
                Ok(())
            }
            Write::PutJob { job, expect } => self.put_job(job, *expect),
            Write::DeleteJob { id } => self.delete_job(id),
            Write::StartJobRun(run) => self.start_job_run(run),
            Write::EndJobRun(run) => self.end_job_run(run),
            Write::ForgetJobSession { job_id, slot } => {
                self.forget_job_session(job_id, *slot);
                Ok(())
            }
            Write::PruneJobRuns { before } => {
                self.prune_job_runs(*before);
                Ok(())
            }
            Write::ReleaseLease(fence) => {
                self.release_lease(fence);
                Ok(())
            }
            Write::Memory(write) => {
                self.memory(write);
                Ok(())
            }
        }
    }
}
