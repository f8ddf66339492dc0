//! Jobs and the receipts of their runs.

use super::Planner;
use crate::rows::{JobRow, JobRunRow};
use crate::sql::argument::{arguments, json};
use crate::sql::jobs;

impl Planner<'_> {
    pub(super) fn put_job(&mut self, job: &JobRow, expect: Option<i64>) {
        let (id, agent, kind) = (&job.id, &job.agent_id, job.kind.as_str());
        let (data, state) = (json(&job.data), json(&job.state));
        let (due, owner) = (job.due_at, job.owner.as_ref());
        match expect {
            None => {
                let times = (job.created_at, job.updated_at);
                let values = arguments![id, agent, kind, data, state, due, owner, times.0, times.1];
                self.push_guarded(jobs::INSERT, values)
            }
            Some(fence) => {
                let changed = job.updated_at;
                let values = arguments![id, agent, kind, data, state, due, owner, changed, fence];
                self.push_guarded(jobs::UPDATE, values)
            }
        };
    }

    pub(super) fn start_job_run(&mut self, run: &JobRunRow) {
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
        self.push_guarded(jobs::START_RUN, values);
    }

    pub(super) fn end_job_run(&mut self, run: &JobRunRow) {
        let values = arguments![
            &run.job_id,
            run.slot,
            run.status.as_str(),
            json(&run.data),
            run.session_id.as_ref(),
            run.finished_at,
        ];
        self.push_guarded(jobs::END_RUN, values);
    }
}
