-- One receipt for each moment that a job was due: nothing runs twice, nothing is forgotten.

CREATE TABLE job_runs (
    job_id TEXT NOT NULL,
    slot BIGINT NOT NULL,
    run_id TEXT,
    session_key TEXT,
    session_id TEXT,
    status TEXT NOT NULL,
    data TEXT NOT NULL,
    owner TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (job_id, slot)
) WITHOUT ROWID;
CREATE INDEX job_runs_open ON job_runs (started_at, job_id, slot) WHERE finished_at IS NULL;
CREATE INDEX job_runs_finished ON job_runs (finished_at) WHERE finished_at IS NOT NULL;
