-- One receipt for each moment that a job was due: nothing runs twice, nothing is forgotten.

CREATE TABLE job_runs (
    job_id TEXT COLLATE "C" NOT NULL,
    slot BIGINT NOT NULL,
    run_id TEXT COLLATE "C",
    session_key TEXT COLLATE "C",
    session_id TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL,
    data TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (job_id, slot)
);
CREATE INDEX job_runs_open ON job_runs (started_at, job_id, slot) WHERE finished_at IS NULL;
CREATE INDEX job_runs_finished ON job_runs (finished_at) WHERE finished_at IS NOT NULL;
