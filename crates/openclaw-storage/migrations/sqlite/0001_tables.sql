-- Times are integer milliseconds, ids and JSON are text, flags are 0 or 1.

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    session_key TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    label TEXT,
    config TEXT NOT NULL,
    state TEXT NOT NULL,
    context TEXT NOT NULL,
    last_seq BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    last_activity_at BIGINT NOT NULL,
    ended_at BIGINT,
    folded_ids TEXT NOT NULL,
    folded_label TEXT
);
CREATE UNIQUE INDEX sessions_live_key ON sessions (session_key) WHERE ended_at IS NULL;
CREATE INDEX sessions_live_activity ON sessions (last_activity_at DESC, id DESC)
    WHERE ended_at IS NULL;

CREATE TABLE messages (
    position INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL REFERENCES sessions (id),
    seq BIGINT NOT NULL,
    channel_id TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    thread_id TEXT,
    user_id TEXT,
    direction TEXT NOT NULL,
    content TEXT NOT NULL,
    metadata TEXT,
    reply_to TEXT,
    external_id TEXT,
    run_id TEXT,
    created_at BIGINT NOT NULL,
    edited_at BIGINT
);
CREATE UNIQUE INDEX messages_log ON messages (session_id, seq);
CREATE INDEX messages_external ON messages (channel_id, chat_id, external_id)
    WHERE external_id IS NOT NULL;

CREATE TABLE users (
    channel_id TEXT NOT NULL,
    channel_user_id TEXT NOT NULL,
    global_user_id TEXT,
    display_name TEXT,
    metadata TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (channel_id, channel_user_id)
) WITHOUT ROWID;

CREATE TABLE config (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    updated_at BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE events (
    session_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    topic TEXT NOT NULL,
    run_id TEXT,
    ref TEXT,
    data TEXT,
    PRIMARY KEY (session_id, seq)
) WITHOUT ROWID;

CREATE TABLE transcript (
    session_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    run_id TEXT,
    kind TEXT NOT NULL,
    message_id TEXT,
    data TEXT NOT NULL,
    PRIMARY KEY (session_id, seq)
);
CREATE INDEX transcript_run ON transcript (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE inbox (
    position INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    run_id TEXT NOT NULL UNIQUE,
    principal TEXT NOT NULL,
    session_id TEXT NOT NULL,
    session_key TEXT NOT NULL,
    message_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    external_id TEXT NOT NULL,
    inbound TEXT NOT NULL,
    options TEXT NOT NULL,
    reply_back BIGINT NOT NULL,
    state TEXT NOT NULL,
    status TEXT NOT NULL,
    merged_into TEXT,
    delivered BIGINT,
    reply TEXT,
    usage TEXT,
    error TEXT,
    attempts BIGINT NOT NULL,
    owner TEXT,
    lease_until BIGINT,
    fence BIGINT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT,
    UNIQUE (channel_id, chat_id, external_id)
);
CREATE INDEX inbox_key ON inbox (session_key, position);
CREATE INDEX inbox_open ON inbox (session_key, position) WHERE ended_at IS NULL;

CREATE TABLE outbox (
    position INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    channel_id TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    thread_id TEXT,
    session_id TEXT,
    session_key TEXT,
    run_id TEXT,
    message_id TEXT,
    kind TEXT NOT NULL,
    chunk BIGINT NOT NULL,
    outbound TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    uncertain BIGINT NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    receipt TEXT,
    error TEXT,
    principal TEXT,
    idempotency_key TEXT,
    owner TEXT,
    lease_until BIGINT,
    fence BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX outbox_idempotency ON outbox (idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX outbox_run ON outbox (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX outbox_session ON outbox (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX outbox_open ON outbox (channel_id, chat_id, thread_id, position)
    WHERE state IN ('pending', 'sending');
CREATE INDEX outbox_troubled ON outbox (position, state) WHERE state IN ('unknown', 'failed');
CREATE INDEX outbox_resent ON outbox (uncertain) WHERE uncertain > 0;

CREATE TABLE pairings (
    channel_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    display_name TEXT,
    code TEXT,
    expires_at BIGINT,
    approved_at BIGINT,
    is_owner BIGINT NOT NULL,
    denied BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (channel_id, user_id)
) WITHOUT ROWID;
CREATE INDEX pairings_code ON pairings (code) WHERE code IS NOT NULL;

CREATE TABLE leases (
    resource TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    fence BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX leases_owner ON leases (owner) WHERE lease_until > 0;

CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    agent_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at BIGINT,
    owner TEXT,
    lease_until BIGINT,
    fence BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX jobs_due ON jobs (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE channel_accounts (
    channel_id TEXT NOT NULL PRIMARY KEY,
    data TEXT NOT NULL,
    owner TEXT,
    lease_until BIGINT,
    fence BIGINT,
    updated_at BIGINT NOT NULL
) WITHOUT ROWID;

-- The words of the messages up to position `indexed`; the texts are in the messages.
CREATE VIRTUAL TABLE message_search USING fts5 (
    words, content = '', contentless_delete = 1, detail = none,
    tokenize = "unicode61 remove_diacritics 0"
);
CREATE TABLE search_state (indexed BIGINT NOT NULL);
INSERT INTO search_state (indexed) VALUES (0);

-- Never holds a row: inserting one fails, which ends the script of a batch at a broken precondition.
CREATE TABLE guard (holds BIGINT NOT NULL CHECK (holds));
