//! The inbox and the outbox.

use crate::sql::read::{QueueSql, input, outbox};

pub(super) const QUEUES: QueueSql = QueueSql {
    input: INPUT,
    input_by_run: INPUT_BY_RUN,
    input_by_external_id: INPUT_BY_EXTERNAL_ID,
    open_inputs: OPEN_INPUTS,
    open_keys: OPEN_KEYS,
    unattended_keys: UNATTENDED_KEYS,
    recent_inputs: RECENT_INPUTS,
    recent_inputs_of_key: RECENT_INPUTS_OF_KEY,
    usage: USAGE,
    outbox: OUTBOX,
    outbox_by_key: OUTBOX_BY_KEY,
    open_conversations: OPEN_CONVERSATIONS,
    open_outbox: OPEN_OUTBOX,
    outbox_of_run: OUTBOX_OF_RUN,
    troubled: TROUBLED,
};

const INPUT: &str = concat!("SELECT ", input!(), " FROM inbox WHERE id = $1");
const INPUT_BY_RUN: &str = concat!("SELECT ", input!(), " FROM inbox WHERE run_id = $1");
const INPUT_BY_EXTERNAL_ID: &str = concat!(
    "SELECT ",
    input!(),
    " FROM inbox WHERE channel_id = $1 AND chat_id = $2 AND external_id = $3"
);
const OPEN_INPUTS: &str = concat!(
    "SELECT ",
    input!(),
    " FROM inbox INDEXED BY inbox_open WHERE session_key = $1 AND ended_at IS NULL
    ORDER BY position LIMIT $2 + 0"
);
const OPEN_KEYS: &str = "SELECT session_key FROM inbox INDEXED BY inbox_open
    WHERE ended_at IS NULL GROUP BY session_key ORDER BY MIN(position)";
const UNATTENDED_KEYS: &str = "SELECT session_key FROM inbox INDEXED BY inbox_open
    WHERE ended_at IS NULL GROUP BY session_key
    HAVING COALESCE((SELECT CASE WHEN owner = $1 THEN 1 WHEN lease_until > $3 THEN 0
        WHEN lease_until > 0 THEN 1 END FROM leases WHERE resource = 'lane:' || session_key),
        MIN(created_at) < $2)
    ORDER BY MIN(position)";
const RECENT_INPUTS: &str = concat!(
    "SELECT * FROM (SELECT ",
    input!(),
    " FROM inbox INDEXED BY inbox_open WHERE ended_at IS NULL ORDER BY position DESC LIMIT $1 + 0)
    UNION ALL SELECT * FROM (SELECT ",
    input!(),
    " FROM inbox WHERE ended_at IS NOT NULL ORDER BY position DESC LIMIT $1 + 0)
    LIMIT $1 + 0"
);
const RECENT_INPUTS_OF_KEY: &str = concat!(
    "SELECT * FROM (SELECT ",
    input!(),
    " FROM inbox INDEXED BY inbox_open WHERE session_key = $2 AND ended_at IS NULL
    ORDER BY position DESC LIMIT $1 + 0)
    UNION ALL SELECT * FROM (SELECT ",
    input!(),
    " FROM inbox INDEXED BY inbox_key WHERE session_key = $2 AND ended_at IS NOT NULL
    ORDER BY position DESC LIMIT $1 + 0)
    LIMIT $1 + 0"
);

const USAGE: &str = "SELECT position, session_key, usage, created_at, ended_at
    FROM inbox WHERE position < $1 ORDER BY position DESC LIMIT $2 + 0";
const OUTBOX: &str = concat!("SELECT ", outbox!(), " FROM outbox WHERE id = $1");
const OUTBOX_BY_KEY: &str = concat!(
    "SELECT ",
    outbox!(),
    " FROM outbox INDEXED BY outbox_idempotency WHERE idempotency_key = $1"
);
const OPEN_CONVERSATIONS: &str = "SELECT channel_id, chat_id, thread_id
    FROM outbox INDEXED BY outbox_open WHERE state IN ('pending', 'sending')
    GROUP BY channel_id, chat_id, thread_id ORDER BY MIN(position)";
const OPEN_OUTBOX: &str = concat!(
    "SELECT ",
    outbox!(),
    " FROM outbox INDEXED BY outbox_open WHERE state IN ('pending', 'sending')
    AND channel_id = $1 AND chat_id = $2 AND thread_id IS $3 ORDER BY position LIMIT $4 + 0"
);
const OUTBOX_OF_RUN: &str = concat!(
    "SELECT ",
    outbox!(),
    " FROM outbox INDEXED BY outbox_run WHERE run_id = $1 ORDER BY position"
);
const TROUBLED: &str = concat!(
    "SELECT ",
    outbox!(),
    " FROM outbox INDEXED BY outbox_troubled WHERE state IN ('unknown', 'failed')
    ORDER BY position DESC LIMIT $1 + 0"
);
