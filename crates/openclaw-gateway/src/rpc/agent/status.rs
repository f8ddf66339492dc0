use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{AgentStatusParams, AgentStatusResult, RunInfo};
use openclaw_storage::rows::InboxRow;

use crate::GatewayState;
use crate::rpc::session::find::by_key;
use crate::rpc::session::list::limit;
use crate::rpc::stored_error::run_error;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: AgentStatusParams,
) -> Result<AgentStatusResult, OpenClawError> {
    let limit = limit(params.limit)?;
    let rows = match (&params.run_id, &params.session_key) {
        (Some(_), Some(_)) => {
            return Err(OpenClawError::invalid_params(
                "run_id",
                "give run_id or session_key, not both",
            ));
        }
        (Some(run), None) => vec![
            state
                .storage
                .input_by_run(run)
                .await?
                .ok_or_else(|| OpenClawError::not_found(format!("no run {run}")))?,
        ],
        (None, key) => {
            if let Some(key) = key {
                by_key(state, key).await?;
            }
            state.storage.recent_inputs(key.as_ref(), limit).await?
        }
    };
    Ok(AgentStatusResult { runs: rows.into_iter().map(describe).collect() })
}

fn describe(row: InboxRow) -> RunInfo {
    RunInfo {
        run_id: row.run_id,
        session_key: row.session_key,
        status: row.status,
        merged_into: row.merged_into,
        delivered: row.delivered,
        reply: row.reply,
        usage: row.usage,
        error: row.error.map(run_error),
        created_at: row.created_at,
        started_at: row.started_at,
        ended_at: row.ended_at,
    }
}
