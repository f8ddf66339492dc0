//! Statements over jobs and their receipts; both engines understand them.

macro_rules! job {
    () => {
        "id, agent_id, kind, data, state, due_at, owner, COALESCE(fence, 0), created_at, updated_at"
    };
}

macro_rules! job_run {
    () => {
        "job_id, slot, run_id, session_key, session_id, status, data, owner, started_at, finished_at"
    };
}

pub(crate) const INSERT: &str = "INSERT INTO jobs (
    id, agent_id, kind, data, state, due_at, owner, fence, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9) ON CONFLICT DO NOTHING";
pub(crate) const UPDATE: &str = "UPDATE jobs SET agent_id = $2, kind = $3, data = $4, state = $5,
    due_at = $6, owner = $7, fence = fence + 1, updated_at = $8 WHERE id = $1 AND fence = $9";
pub(crate) const DELETE: &str = "DELETE FROM jobs WHERE id = $1";
pub(crate) const START_RUN: &str = "INSERT INTO job_runs (
    job_id, slot, run_id, session_key, session_id, status, data, owner, started_at, finished_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING";
pub(crate) const END_RUN: &str = "UPDATE job_runs
    SET status = $3, data = $4, session_id = $5, finished_at = $6
    WHERE job_id = $1 AND slot = $2 AND finished_at IS NULL";
pub(crate) const FORGET_SESSION: &str =
    "UPDATE job_runs SET session_id = NULL WHERE job_id = $1 AND slot = $2";
pub(crate) const PRUNE_RUNS: &str =
    "DELETE FROM job_runs WHERE finished_at < $1 AND session_id IS NULL";

pub(crate) const JOB: &str = concat!("SELECT ", job!(), " FROM jobs WHERE id = $1");
pub(crate) const JOBS: &str =
    concat!("SELECT ", job!(), " FROM jobs ORDER BY created_at, id LIMIT $1 + 0");
pub(crate) const DUE: &str = concat!(
    "SELECT ",
    job!(),
    " FROM jobs WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2 + 0"
);
pub(crate) const NEXT_DUE: &str =
    "SELECT due_at FROM jobs WHERE due_at IS NOT NULL AND due_at > $1 ORDER BY due_at LIMIT 1";
pub(crate) const JOB_RUN: &str =
    concat!("SELECT ", job_run!(), " FROM job_runs WHERE job_id = $1 AND slot = $2");
pub(crate) const JOB_RUNS: &str = concat!(
    "SELECT ",
    job_run!(),
    " FROM job_runs WHERE job_id = $1 ORDER BY slot DESC LIMIT $2 + 0"
);
pub(crate) const OPEN_RUNS: &str = concat!(
    "SELECT ",
    job_run!(),
    " FROM job_runs WHERE finished_at IS NULL ORDER BY started_at, job_id, slot LIMIT $1 + 0"
);
pub(crate) const KEPT_SESSIONS: &str = concat!(
    "SELECT ",
    job_run!(),
    " FROM job_runs WHERE finished_at < $1 AND session_id IS NOT NULL
    ORDER BY finished_at, job_id, slot LIMIT $2 + 0"
);
pub(crate) const STATE_OF_RUN: &str = "SELECT status FROM job_runs WHERE job_id = $1 AND slot = $2";
pub(crate) const IS_THERE: &str = "SELECT 1 FROM jobs WHERE id = $1";

#[cfg(test)]
pub(crate) const WRITES: &[&str] =
    &[INSERT, UPDATE, DELETE, START_RUN, END_RUN, FORGET_SESSION, PRUNE_RUNS];
#[cfg(test)]
pub(crate) const READS: &[&str] = &[
    JOB,
    JOBS,
    DUE,
    NEXT_DUE,
    JOB_RUN,
    JOB_RUNS,
    OPEN_RUNS,
    KEPT_SESSIONS,
    STATE_OF_RUN,
    IS_THERE,
];
