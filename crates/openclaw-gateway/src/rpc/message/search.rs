use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{MessageSearchParams, MessageSearchResult};
use openclaw_storage::rows::MessageQuery;

use crate::GatewayState;
use crate::rpc::session::list::limit;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: MessageSearchParams,
) -> Result<MessageSearchResult, OpenClawError> {
    let query = MessageQuery {
        text: params.query,
        limit: limit(params.limit)?,
        cursor: params.cursor,
        session_key: params.session_key,
        channel_id: params.channel_id,
    };
    if query.cursor.as_deref().is_some_and(|cursor| MessageQuery::parse_cursor(cursor).is_none()) {
        return Err(OpenClawError::invalid_params("cursor", "not a cursor of this method"));
    }
    let page = state.storage.search_messages(&query).await?;
    Ok(MessageSearchResult { messages: page.items, next_cursor: page.next_cursor })
}
