use serde_json::Value;

use crate::telegram::answer::{ApiError, ApiResult};
use crate::telegram::bot::BotState;
use crate::telegram::call::Call;
use crate::telegram::model::ChatType;

pub(super) fn message(state: &mut BotState, call: &Call) -> ApiResult {
    let chat = state.writable_chat(call.json("chat_id"))?;
    let id = call
        .integer("message_id")
        .ok_or_else(|| ApiError::bad_request("message identifier is not specified"))?;
    let private = state.chats.get(&chat).is_some_and(|chat| chat.kind == ChatType::Private);
    let message = state
        .message_mut(chat, id)
        .ok_or_else(|| ApiError::bad_request("message to delete not found"))?;
    if !message.by_us && !private {
        return Err(ApiError::bad_request("message can't be deleted"));
    }
    message.deleted = true;
    Ok(Value::from(true))
}
