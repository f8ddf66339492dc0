use serde_json::{Value, json};

use crate::telegram::answer::{ApiError, ApiResult};
use crate::telegram::bot::BotState;
use crate::telegram::call::Call;

pub(super) fn get_me(state: &BotState) -> ApiResult {
    let mut me = state.me.json();
    me["can_join_groups"] = Value::from(true);
    me["can_read_all_group_messages"] = Value::from(state.reads_all_group_messages);
    me["supports_inline_queries"] = Value::from(false);
    me["can_connect_to_business"] = Value::from(false);
    me["has_main_web_app"] = Value::from(false);
    Ok(me)
}

pub(super) fn set_webhook(state: &mut BotState, call: &Call) -> ApiResult {
    let url = call.text("url").unwrap_or_default();
    if !url.is_empty() && !url.starts_with("https://") {
        return Err(ApiError::bad_request(
            "bad webhook: An HTTPS URL must be provided for webhook",
        ));
    }
    if call.flag("drop_pending_updates") {
        state.updates.clear();
    }
    state.webhook = (!url.is_empty()).then(|| url.to_owned());
    Ok(Value::from(true))
}

pub(super) fn delete_webhook(state: &mut BotState, call: &Call) -> ApiResult {
    if call.flag("drop_pending_updates") {
        state.updates.clear();
    }
    state.webhook = None;
    Ok(Value::from(true))
}

pub(super) fn get_webhook_info(state: &BotState) -> ApiResult {
    Ok(json!({
        "url": state.webhook.as_deref().unwrap_or_default(),
        "has_custom_certificate": false,
        "pending_update_count": state.updates.pending(),
    }))
}

pub(super) fn set_my_commands(state: &mut BotState, call: &Call) -> ApiResult {
    let commands = call.json("commands").and_then(Value::as_array).cloned().unwrap_or_default();
    if commands.len() > 100 {
        return Err(ApiError::bad_request("BOT_COMMANDS_TOO_MUCH"));
    }
    for command in &commands {
        let name = command["command"].as_str().unwrap_or_default();
        let named = (1..=32).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !named {
            return Err(ApiError::bad_request("BOT_COMMAND_INVALID"));
        }
        let length = command["description"].as_str().unwrap_or_default().chars().count();
        if !(1..=256).contains(&length) {
            return Err(ApiError::bad_request("BOT_COMMAND_DESCRIPTION_INVALID"));
        }
    }
    state.commands.insert(scope(call), commands);
    Ok(Value::from(true))
}

pub(super) fn get_my_commands(state: &BotState, call: &Call) -> ApiResult {
    Ok(Value::from(state.commands.get(&scope(call)).cloned().unwrap_or_default()))
}

/// Which chats commands are shown in.
fn scope(call: &Call) -> String {
    let scope = call.json("scope").and_then(|scope| scope["type"].as_str());
    scope.unwrap_or("default").to_owned()
}

pub(super) fn answer_callback(state: &mut BotState, call: &Call) -> ApiResult {
    let id = call.text("callback_query_id").unwrap_or_default();
    match state.callbacks.get_mut(id) {
        Some(answered @ false) => {
            *answered = true;
            Ok(Value::from(true))
        }
        Some(true) | None => Err(ApiError::bad_request(
            "query is too old and response timeout expired or query ID is invalid",
        )),
    }
}
