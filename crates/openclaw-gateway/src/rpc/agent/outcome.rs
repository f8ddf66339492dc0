use openclaw_core::SessionKey;
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{AgentRunResult, RunInfo};
use openclaw_sessions::RunEnd;
use openclaw_storage::rows::InboxRow;

use crate::GatewayState;
use crate::rpc::stored_error::run_error;

/// A run as `agent.status` shows it; one that another run took has that one's answer.
pub(super) async fn info(state: &GatewayState, row: InboxRow) -> Result<RunInfo, OpenClawError> {
    let taker = match &row.merged_into {
        Some(taker) => state.storage.input_by_run(taker).await?,
        None => None,
    };
    let (reply, usage, error) = match taker {
        Some(taker) => (taker.reply, taker.usage, taker.error),
        None => (row.reply, row.usage, row.error),
    };
    Ok(RunInfo {
        run_id: row.run_id,
        session_key: row.session_key,
        status: row.status,
        merged_into: row.merged_into,
        delivered: row.delivered,
        reply,
        usage,
        error: error.map(run_error),
        created_at: row.created_at,
        started_at: row.started_at,
        ended_at: row.ended_at,
    })
}

/// The same as `agent.run` shows it.
pub(super) fn result_of(info: RunInfo) -> AgentRunResult {
    AgentRunResult {
        run_id: info.run_id,
        session_key: info.session_key,
        status: info.status,
        merged_into: info.merged_into,
        reply: info.reply,
        usage: info.usage,
        error: info.error,
    }
}

/// The end of a run that was waited for.
pub(super) fn result_of_end(end: RunEnd, session_key: SessionKey) -> AgentRunResult {
    AgentRunResult {
        run_id: end.run_id,
        session_key,
        status: end.status,
        merged_into: end.merged_into,
        reply: end.reply,
        usage: end.usage,
        error: end.error.map(run_error),
    }
}
