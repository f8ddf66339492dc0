use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{AgentStatusParams, AgentStatusResult};

use super::outcome::info;
use crate::GatewayState;
use crate::rpc::session::find::by_key;
use crate::rpc::session::list::limit;

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
    let mut runs = Vec::with_capacity(rows.len());
    for row in rows {
        runs.push(info(state, row).await?);
    }
    Ok(AgentStatusResult { runs })
}
