use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{Before, MessageHistoryParams, MessageHistoryResult};

use crate::GatewayState;
use crate::rpc::session::find::find;
use crate::rpc::session::list::limit;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: MessageHistoryParams,
) -> Result<MessageHistoryResult, OpenClawError> {
    let limit = limit(params.limit)?;
    let before = match params.before {
        None => None,
        Some(Before::Seq(seq)) => Some(seq),
        Some(Before::Cursor(cursor)) => Some(cursor.parse::<i64>().map_err(|_| {
            OpenClawError::invalid_params("before", "neither a seq nor a cursor of this method")
        })?),
    };
    let session = find(state, params.session_id.as_ref(), params.session_key.as_ref()).await?;
    // One more tells whether there is an older page.
    let mut messages = state.storage.messages_before(&session.id, before, limit + 1).await?;
    let has_older = messages.len() > limit as usize;
    if has_older {
        messages.remove(0);
    }
    let next_cursor = messages.first().filter(|_| has_older).map(|message| message.seq.to_string());
    Ok(MessageHistoryResult { messages, next_cursor })
}
