use std::time::Duration;

use openclaw_core::AgentId;
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{MemoryIndexParams, MemoryIndexResult};

use crate::GatewayState;

/// Calls that wait longer are given up by some who carry them.
const WAIT: Duration = Duration::from_secs(50);

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: MemoryIndexParams,
) -> Result<MemoryIndexResult, OpenClawError> {
    let agent_id = params.agent_id.unwrap_or_else(AgentId::main);
    let report = state.memory.index(&agent_id, params.force, WAIT).await?;
    let done = report.done.unwrap_or_default();
    Ok(MemoryIndexResult {
        finished: report.done.is_some(),
        indexed: done.indexed,
        removed: done.removed,
        vectors: done.vectors,
        notice: report.trouble,
    })
}
