//! Jobs and the receipts of their runs.

use openclaw_core::{JobId, Timestamp};

use super::{Held, Outcome, Writing};
use crate::rows::{JobRow, JobRunRow};
use crate::sql::argument::{arguments, json};
use crate::sql::jobs;

impl Writing<'_> {
    pub(super) async fn put_job(&mut self, job: &JobRow, expect: Option<i64>) -> Outcome {
        let (id, agent, kind) = (&job.id, &job.agent_id, job.kind.as_str());
        let (data, state) = (json(&job.data), json(&job.state));
        let (due, owner) = (job.due_at, job.owner.as_ref());
        let rows = match expect {
            None => {
                let times = (job.created_at, job.updated_at);
                let values = arguments![id, agent, kind, data, state, due, owner, times.0, times.1];
                self.changed(jobs::INSERT, values).await?
            }
            Some(fence) => {
                let changed = job.updated_at;
                let values = arguments![id, agent, kind, data, state, due, owner, changed, fence];
                self.changed(jobs::UPDATE, values).await?
            }
        };
        Ok(Held::when_one(rows))
    }

    pub(super) async fn delete_job(&mut self, id: &JobId) -> Outcome {
        Ok(Held::when_one(self.changed(jobs::DELETE, arguments![id]).await?))
    }

    pub(super) async fn start_job_run(&mut self, run: &JobRunRow) -> Outcome {
        let values = arguments![
            &run.job_id,
            run.slot,
            run.run_id.as_ref(),
            run.session_key.as_ref(),
            run.session_id.as_ref(),
            run.status.as_str(),
            json(&run.data),
            &run.owner,
            run.started_at,
            run.finished_at,
        ];
        Ok(Held::when_one(self.changed(jobs::START_RUN, values).await?))
    }

    pub(super) async fn end_job_run(&mut self, run: &JobRunRow) -> Outcome {
        let values = arguments![
            &run.job_id,
            run.slot,
            run.status.as_str(),
            json(&run.data),
            run.session_id.as_ref(),
            run.finished_at,
        ];
        Ok(Held::when_one(self.changed(jobs::END_RUN, values).await?))
    }

    pub(super) async fn forget_job_session(&mut self, id: &JobId, slot: Timestamp) -> Outcome {
        self.changed(jobs::FORGET_SESSION, arguments![id, slot]).await?;
        Ok(Held::Yes)
    }

    pub(super) async fn prune_job_runs(&mut self, before: Timestamp) -> Outcome {
        self.changed(jobs::PRUNE_RUNS, arguments![before]).await?;
        Ok(Held::Yes)
    }
}
