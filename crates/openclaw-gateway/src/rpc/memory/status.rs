use openclaw_core::AgentId;
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{MemoryStatus, MemoryStatusParams};

use super::mode;
use crate::GatewayState;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: MemoryStatusParams,
) -> Result<MemoryStatus, OpenClawError> {
    let agent_id = params.agent_id.unwrap_or_else(AgentId::main);
    let found = state.memory.status(&agent_id, params.deep).await?;
    let (problem, retry_at) = match found.trouble {
        Some((problem, until)) => (Some(problem), Some(until)),
        None => (None, None),
    };
    Ok(MemoryStatus {
        agent_id: found.agent_id,
        mode: mode(found.mode),
        model: found.model,
        files: found.counts.files,
        sessions: found.counts.sessions,
        chunks: found.counts.chunks,
        texts: found.counts.texts,
        vectors: found.counts.vectors,
        indexing: found.is_indexing,
        indexed_at: found.indexed_at,
        problem,
        retry_at,
        dimensions: found.probe.and_then(Result::ok).map(|length| length as u64),
    })
}
