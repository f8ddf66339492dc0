use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{PaginatedRequestParams, Tool};
use rmcp::service::Peer;
use tokio::time::Instant;

use super::McpError;

/// The most pages that are asked for.
const MOST_PAGES: usize = 50;

/// The most tools of one server.
const MOST_TOOLS: usize = 256;

/// All tools that a server lists, up to a bound.
pub(super) async fn list(
    server: &str,
    peer: &Peer<RoleClient>,
    limit: Duration,
    known: &str,
) -> Result<Vec<Tool>, McpError> {
    let has_tools = peer.peer_info().is_none_or(|info| info.capabilities.tools.is_some());
    if !has_tools {
        return Ok(Vec::new());
    }
    let until = Instant::now() + limit;
    let mut tools = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let params = PaginatedRequestParams::default().with_cursor(cursor.take());
        let page = tokio::time::timeout_at(until, peer.list_tools(Some(params))).await;
        let page = page
            .map_err(|_| McpError::TimedOut { what: "list its tools", seconds: limit.as_secs() })?;
        let page = page.map_err(|error| McpError::of_call(server, &error, known))?;
        tools.extend(page.tools);
        if tools.len() > MOST_TOOLS {
            tracing::warn!(
                server,
                "an MCP server lists more than {MOST_TOOLS} tools; the others are left out"
            );
            tools.truncate(MOST_TOOLS);
            return Ok(tools);
        }
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => return Ok(tools),
        }
    }
    tracing::warn!(server, "an MCP server lists its tools on more than {MOST_PAGES} pages");
    Ok(tools)
}
