use serde_json::Value;

use crate::telegram::answer::{ApiError, ApiResult};
use crate::telegram::bot::BotState;
use crate::telegram::call::Call;
use crate::telegram::catalog::REACTIONS;

pub(super) fn set(state: &mut BotState, call: &Call) -> ApiResult {
    let chat = state.writable_chat(call.json("chat_id"))?;
    let id = call
        .integer("message_id")
        .ok_or_else(|| ApiError::bad_request("message identifier is not specified"))?;
    let mut emoji = Vec::new();
    for reaction in call.json("reaction").and_then(Value::as_array).into_iter().flatten() {
        match (reaction["type"].as_str(), reaction["emoji"].as_str()) {
            (Some("emoji"), Some(text)) if REACTIONS.contains(&text) => emoji.push(text.to_owned()),
            _ => return Err(ApiError::bad_request("REACTION_INVALID")),
        }
    }
    if emoji.len() > 1 {
        return Err(ApiError::bad_request("REACTIONS_TOO_MANY"));
    }
    let message = state
        .message_mut(chat, id)
        .ok_or_else(|| ApiError::bad_request("message to react not found"))?;
    message.reactions = emoji;
    Ok(Value::from(true))
}
