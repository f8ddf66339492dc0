//! Jobs and the receipts of their runs.

use async_trait::async_trait;
use openclaw_core::{JobId, Timestamp};

use super::MemoryStorage;
use super::state::State;
use crate::rows::{JobRow, JobRunRow};
use crate::{Conflict, JobReads, StorageError};

type Read<T> = Result<T, StorageError>;

impl State {
    pub(super) fn put_job(&mut self, job: &JobRow, expect: Option<i64>) -> Result<(), Conflict> {
        let present = self.jobs.get(&job.id);
        let (fence, created_at) = match (present, expect) {
            (None, None) => (1, job.created_at),
            (Some(present), Some(fence)) if present.fence == fence => {
                (fence + 1, present.created_at)
            }
            (Some(_), _) => return Err(Conflict::job_changed(&job.id)),
            (None, Some(_)) => return Err(Conflict::missing("job", &job.id)),
        };
        self.jobs.insert(job.id.clone(), JobRow { fence, created_at, ..job.clone() });
        Ok(())
    }

    pub(super) fn delete_job(&mut self, id: &JobId) -> Result<(), Conflict> {
        match self.jobs.remove(id) {
            Some(_) => Ok(()),
            None => Err(Conflict::missing("job", id)),
        }
    }

    pub(super) fn start_job_run(&mut self, run: &JobRunRow) -> Result<(), Conflict> {
        let key = (run.job_id.clone(), run.slot);
        if let Some(stored) = self.job_runs.get(&key) {
            return Err(Conflict::job_run_is(&run.job_id, run.slot, stored.status));
        }
        self.job_runs.insert(key, run.clone());
        Ok(())
    }

    pub(super) fn end_job_run(&mut self, run: &JobRunRow) -> Result<(), Conflict> {
        let key = (run.job_id.clone(), run.slot);
        let stored = self
            .job_runs
            .get(&key)
            .ok_or_else(|| Conflict::job_run_missing(&run.job_id, run.slot))?;
        if stored.finished_at.is_some() {
            return Err(Conflict::job_run_is(&run.job_id, run.slot, stored.status));
        }
        let ended = JobRunRow {
            status: run.status,
            data: run.data.clone(),
            session_id: run.session_id.clone(),
            finished_at: run.finished_at,
            ..stored.clone()
        };
        self.job_runs.insert(key, ended);
        Ok(())
    }

    pub(super) fn forget_job_session(&mut self, id: &JobId, slot: Timestamp) {
        let key = (id.clone(), slot);
        if let Some(run) = self.job_runs.get(&key).cloned() {
            self.job_runs.insert(key, JobRunRow { session_id: None, ..run });
        }
    }

    pub(super) fn prune_job_runs(&mut self, before: Timestamp) {
        let old: Vec<(JobId, Timestamp)> = self
            .job_runs
            .iter()
            .filter(|(_, run)| run.finished_at.is_some_and(|at| at < before))
            .filter(|(_, run)| run.session_id.is_none())
            .map(|(key, _)| key.clone())
            .collect();
        for key in old {
            self.job_runs.remove(&key);
        }
    }

    fn sorted_runs<K: Ord>(
        &self,
        keep: impl Fn(&JobRunRow) -> bool,
        by: impl Fn(&JobRunRow) -> K,
        limit: u32,
    ) -> Vec<JobRunRow> {
        let mut runs: Vec<JobRunRow> =
            self.job_runs.iter().map(|(_, run)| run).filter(|run| keep(run)).cloned().collect();
        runs.sort_by_key(|run| (by(run), run.job_id.clone(), run.slot));
        runs.truncate(limit as usize);
        runs
    }
}

#[async_trait]
impl JobReads for MemoryStorage {
    async fn job(&self, id: &JobId) -> Read<Option<JobRow>> {
        self.read(|state| state.jobs.get(id).cloned())
    }

    async fn jobs(&self, limit: u32) -> Read<Vec<JobRow>> {
        self.read(|state| {
            let mut jobs: Vec<JobRow> = state.jobs.iter().map(|(_, job)| job.clone()).collect();
            jobs.sort_by_key(|job| (job.created_at, job.id.clone()));
            jobs.truncate(limit as usize);
            jobs
        })
    }

    async fn due_jobs(&self, now: Timestamp, limit: u32) -> Read<Vec<JobRow>> {
        self.read(|state| {
            let due = |job: &&JobRow| job.due_at.is_some_and(|at| at <= now);
            let mut jobs: Vec<JobRow> =
                state.jobs.iter().map(|(_, job)| job).filter(due).cloned().collect();
            jobs.sort_by_key(|job| (job.due_at, job.id.clone()));
            jobs.truncate(limit as usize);
            jobs
        })
    }

    async fn next_due_job(&self, after: Timestamp) -> Read<Option<Timestamp>> {
        self.read(|state| {
            state.jobs.iter().filter_map(|(_, job)| job.due_at).filter(|at| *at > after).min()
        })
    }

    async fn job_run(&self, id: &JobId, slot: Timestamp) -> Read<Option<JobRunRow>> {
        self.read(|state| state.job_runs.get(&(id.clone(), slot)).cloned())
    }

    async fn job_runs(&self, id: &JobId, limit: u32) -> Read<Vec<JobRunRow>> {
        self.read(|state| {
            let from = (id.clone(), Timestamp::from_millis(i64::MIN));
            let to = (id.clone(), Timestamp::from_millis(i64::MAX));
            let runs = state.job_runs.range(from..=to).rev().take(limit as usize);
            runs.map(|(_, run)| run.clone()).collect()
        })
    }

    async fn open_job_runs(&self, limit: u32) -> Read<Vec<JobRunRow>> {
        self.read(|state| {
            state.sorted_runs(|run| run.finished_at.is_none(), |run| run.started_at, limit)
        })
    }

    async fn job_runs_with_sessions(&self, before: Timestamp, limit: u32) -> Read<Vec<JobRunRow>> {
        self.read(|state| {
            let is_kept = |run: &JobRunRow| {
                run.session_id.is_some() && run.finished_at.is_some_and(|at| at < before)
            };
            state.sorted_runs(is_kept, |run| run.finished_at, limit)
        })
    }
}
