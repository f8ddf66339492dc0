use std::time::Duration;

use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{SessionListParams, SessionListResult};
use openclaw_storage::rows::SessionQuery;

use crate::GatewayState;

const DEFAULT: u32 = 50;
const MOST: u32 = 1_000;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: SessionListParams,
) -> Result<SessionListResult, OpenClawError> {
    let limit = limit(params.limit)?;
    let is_cursor = |cursor: &String| SessionQuery::parse_cursor(cursor).is_some();
    if !params.cursor.as_ref().is_none_or(is_cursor) {
        return Err(OpenClawError::invalid_params("cursor", "not a next_cursor of this method"));
    }
    let active_since = params
        .active_minutes
        .map(|minutes| state.clock.now().minus(Duration::from_secs(minutes.saturating_mul(60))));
    let query = SessionQuery {
        limit,
        cursor: params.cursor,
        search: params.search,
        channel_id: params.channel_id,
        agent_id: None,
        active_since,
    };
    let page = state.storage.list_sessions(&query).await?;
    Ok(SessionListResult { sessions: page.items, next_cursor: page.next_cursor })
}

/// A page's size: 50 by default, 1 to 1,000.
pub(in crate::rpc) fn limit(asked: Option<u32>) -> Result<u32, OpenClawError> {
    match asked.unwrap_or(DEFAULT) {
        limit @ 1..=MOST => Ok(limit),
        other => {
            Err(OpenClawError::invalid_params("limit", format!("{other} is not in 1 to {MOST}")))
        }
    }
}
