use openclaw_agents::memory::{MemoryHit, MemorySearch};
use openclaw_core::AgentId;
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{MemoryPlace, MemorySearchParams, MemorySearchResult};

use super::mode;
use crate::GatewayState;
use crate::rpc::Caller;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    caller: &Caller,
    params: MemorySearchParams,
) -> Result<MemorySearchResult, OpenClawError> {
    let MemorySearchParams { query, agent_id, max_results, min_score } = params;
    if query.trim().is_empty() {
        return Err(OpenClawError::invalid_params("query", "must not be empty"));
    }
    if max_results.is_some_and(|most| !(1..=50).contains(&most)) {
        return Err(OpenClawError::invalid_params("max_results", "must be 1 to 50"));
    }
    if min_score.is_some_and(|score| !(0.0..=1.0).contains(&score)) {
        return Err(OpenClawError::invalid_params("min_score", "must be 0 to 1"));
    }
    let agent_id = agent_id.unwrap_or_else(AgentId::main);
    let search = MemorySearch { agent_id, query, max_results, min_score };
    let found = state.memory.search(&search, &caller.gone).await?;
    Ok(MemorySearchResult {
        results: found.hits.into_iter().map(place).collect(),
        mode: mode(found.mode),
        notice: found.notice,
    })
}

fn place(hit: MemoryHit) -> MemoryPlace {
    MemoryPlace {
        source: hit.source.as_str().to_owned(),
        path: hit.path,
        session_key: hit.session_key,
        start_line: hit.start_line,
        end_line: hit.end_line,
        score: hit.score,
        snippet: hit.snippet,
    }
}
