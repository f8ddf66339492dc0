use crate::sql::read::{SessionSql, session};

pub(super) const SESSIONS: SessionSql = SessionSql {
    by_id: BY_ID,
    by_key: BY_KEY,
    count: COUNT,
    page: PAGE,
    filtered_page: FILTERED_PAGE,
};

const BY_ID: &str = concat!("SELECT ", session!(), " FROM sessions WHERE id = $1");
const BY_KEY: &str =
    concat!("SELECT ", session!(), " FROM sessions WHERE session_key = $1 AND ended_at IS NULL");
const COUNT: &str = "SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL";

const PAGE: &str = concat!(
    "SELECT ",
    session!(),
    " FROM sessions WHERE ended_at IS NULL
    AND (last_activity_at, id) < ($2, $3)
    ORDER BY last_activity_at DESC, id DESC LIMIT $1"
);
const FILTERED_PAGE: &str = concat!(
    "SELECT ",
    session!(),
    " FROM sessions WHERE ended_at IS NULL
    AND (last_activity_at, id) < ($2, $3) AND last_activity_at >= $4
    AND ($5::text IS NULL OR channel_id = $5) AND ($6::text IS NULL OR agent_id = $6)
    AND ($7::text IS NULL OR strpos(folded_ids, $7) > 0 OR strpos(folded_label, $7) > 0)
    ORDER BY last_activity_at DESC, id DESC LIMIT $1"
);
