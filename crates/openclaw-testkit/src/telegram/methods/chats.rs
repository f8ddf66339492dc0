use serde_json::{Value, json};

use super::send::has_topics;
use crate::telegram::answer::{ApiError, ApiResult};
use crate::telegram::bot::BotState;
use crate::telegram::call::Call;
use crate::telegram::catalog::CHAT_ACTIONS;

pub(super) fn action(state: &mut BotState, call: &Call) -> ApiResult {
    let chat = state.writable_chat(call.json("chat_id"))?;
    let action = call.text("action").unwrap_or_default();
    if !CHAT_ACTIONS.contains(&action) {
        return Err(ApiError::bad_request("wrong parameter action in request"));
    }
    let Some(chat) = state.chats.get_mut(&chat) else {
        return Err(ApiError::bad_request("chat not found"));
    };
    let thread = call.integer("message_thread_id");
    // Unlike messages, actions in the general topic do carry its number.
    let known =
        |thread: i64| chat.topics.contains_key(&thread) || (thread == 1 && has_topics(chat.kind));
    if thread.is_some_and(|thread| !known(thread)) {
        return Err(ApiError::bad_request("message thread not found"));
    }
    chat.actions.push(json!({ "action": action, "message_thread_id": thread }));
    Ok(Value::from(true))
}

pub(super) fn get(state: &BotState, call: &Call) -> ApiResult {
    let chat = state.known_chat(call.json("chat_id"))?;
    if let Some(to) = chat.migrated_to {
        return Err(ApiError::migrated(to));
    }
    let mut full = chat.json(&state.users);
    full["accent_color_id"] = Value::from(3);
    full["max_reaction_count"] = Value::from(11);
    full["accepted_gift_types"] = json!({
        "unlimited_gifts": true, "limited_gifts": true, "unique_gifts": true,
        "premium_subscription": true,
    });
    Ok(full)
}

pub(super) fn member(state: &BotState, call: &Call) -> ApiResult {
    let chat = state.known_chat(call.json("chat_id"))?;
    let id = call.integer("user_id").unwrap_or_default();
    let user = state.user_json(id);
    if user.is_null() {
        return Err(ApiError::bad_request("user not found"));
    }
    let inside = id == state.me.id && !chat.kicked_us || chat.members.contains(&id);
    let status = if inside { "member" } else { "left" };
    Ok(json!({ "status": status, "user": user }))
}
