use serde_json::Value;

use super::send::{TEXT_LIMIT, check_markup};
use super::text::Formatted;
use crate::telegram::answer::{ApiError, ApiResult};
use crate::telegram::bot::BotState;
use crate::telegram::call::Call;

pub(super) fn text(state: &mut BotState, call: &Call) -> ApiResult {
    let text = Formatted::of_call(call, "text", "entities")?;
    if text.is_blank() {
        return Err(ApiError::bad_request("message text is empty"));
    }
    if text.length() > TEXT_LIMIT {
        return Err(ApiError::bad_request("MESSAGE_TOO_LONG"));
    }
    change(state, call, &text, false)
}

pub(super) fn caption(state: &mut BotState, call: &Call) -> ApiResult {
    let text = Formatted::of_call(call, "caption", "caption_entities")?;
    if text.length() > 1024 {
        return Err(ApiError::bad_request("MEDIA_CAPTION_TOO_LONG"));
    }
    change(state, call, &text, true)
}

fn change(state: &mut BotState, call: &Call, text: &Formatted, caption: bool) -> ApiResult {
    check_markup(call)?;
    let chat = state.writable_chat(call.json("chat_id"))?;
    let id = call
        .integer("message_id")
        .ok_or_else(|| ApiError::bad_request("message identifier is not specified"))?;
    let now = state.now;
    let message = state
        .message_mut(chat, id)
        .ok_or_else(|| ApiError::bad_request("message to edit not found"))?;
    if !message.by_us {
        return Err(ApiError::bad_request("message can't be edited"));
    }
    if !caption && !message.json.contains_key("text") {
        return Err(ApiError::bad_request("there is no text in the message to edit"));
    }
    if caption && message.file.is_none() {
        return Err(ApiError::bad_request("there is no caption in the message to edit"));
    }
    let before = message.json.clone();
    let mut after = before.clone();
    text.put(&mut after, caption);
    match call.json("reply_markup") {
        Some(markup) => after.insert("reply_markup".to_owned(), markup.clone()),
        None => after.remove("reply_markup"),
    };
    if after == before {
        return Err(ApiError::bad_request(
            "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message",
        ));
    }
    after.insert("edit_date".to_owned(), Value::from(now));
    let old_text = message.text().to_owned();
    let old_source = std::mem::replace(&mut message.source, text.source.clone());
    message.edits.push((old_text, old_source));
    message.json = after.clone();
    Ok(Value::Object(after))
}
