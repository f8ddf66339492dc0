//! Jobs and the receipts of their runs.

use async_trait::async_trait;
use openclaw_core::{JobId, Timestamp};

use super::Pace::Quick;
use super::{Read, SqlReads};
use crate::JobReads;
use crate::rows::{JobRow, JobRunRow};
use crate::sql::argument::arguments;
use crate::sql::{decode, jobs};

#[async_trait]
impl<E: SqlReads> JobReads for E {
    async fn job(&self, id: &JobId) -> Read<Option<JobRow>> {
        self.row(jobs::JOB, arguments![id].into(), decode::job).await
    }

    async fn jobs(&self, limit: u32) -> Read<Vec<JobRow>> {
        self.rows(Quick, jobs::JOBS, arguments![limit].into(), decode::job).await
    }

    async fn due_jobs(&self, now: Timestamp, limit: u32) -> Read<Vec<JobRow>> {
        self.rows(Quick, jobs::DUE, arguments![now, limit].into(), decode::job).await
    }

    async fn next_due_job(&self, after: Timestamp) -> Read<Option<Timestamp>> {
        let due = self.row(jobs::NEXT_DUE, arguments![after].into(), decode::integer).await?;
        Ok(due.map(Timestamp::from_millis))
    }

    async fn job_run(&self, id: &JobId, slot: Timestamp) -> Read<Option<JobRunRow>> {
        self.row(jobs::JOB_RUN, arguments![id, slot].into(), decode::job_run).await
    }

    async fn job_runs(&self, id: &JobId, limit: u32) -> Read<Vec<JobRunRow>> {
        self.rows(Quick, jobs::JOB_RUNS, arguments![id, limit].into(), decode::job_run).await
    }

    async fn open_job_runs(&self, limit: u32) -> Read<Vec<JobRunRow>> {
        self.rows(Quick, jobs::OPEN_RUNS, arguments![limit].into(), decode::job_run).await
    }

    async fn job_runs_with_sessions(&self, before: Timestamp, limit: u32) -> Read<Vec<JobRunRow>> {
        let values = arguments![before, limit];
        self.rows(Quick, jobs::KEPT_SESSIONS, values.into(), decode::job_run).await
    }
}
