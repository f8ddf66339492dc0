use serde_json::{Map, Value, json};

use super::text::Formatted;
use crate::telegram::answer::{ApiError, ApiResult};
use crate::telegram::bot::BotState;
use crate::telegram::call::Call;
use crate::telegram::entities::utf16_len;
use crate::telegram::model::{ChatType, StoredMessage};

/// The longest text of a message.
pub(super) const TEXT_LIMIT: usize = 4096;

pub(super) fn message(state: &mut BotState, call: &Call) -> ApiResult {
    let place = Place::of(state, call)?;
    let text = Formatted::of_call(call, "text", "entities")?;
    if text.is_blank() {
        return Err(ApiError::bad_request("message text is empty"));
    }
    if text.length() > TEXT_LIMIT {
        return Err(ApiError::bad_request("message is too long"));
    }
    check_markup(call)?;
    let source = text.source.clone();
    Ok(place.store(state, call, &source, None, |message| text.put(message, false)))
}

pub(super) fn location(state: &mut BotState, call: &Call) -> ApiResult {
    let place = Place::of(state, call)?;
    let (Some(latitude), Some(longitude)) = (call.float("latitude"), call.float("longitude"))
    else {
        return Err(ApiError::bad_request("latitude is empty"));
    };
    let location = json!({ "latitude": latitude, "longitude": longitude });
    Ok(place.store(state, call, "", None, |message| {
        message.insert("location".to_owned(), location);
    }))
}

/// Buttons must have text and one action; their data is at most 64 bytes.
pub(super) fn check_markup(call: &Call) -> Result<(), ApiError> {
    let Some(rows) =
        call.json("reply_markup").and_then(|markup| markup["inline_keyboard"].as_array())
    else {
        return Ok(());
    };
    for button in rows.iter().flat_map(|row| row.as_array().into_iter().flatten()) {
        if button["text"].as_str().is_none_or(str::is_empty) {
            return Err(ApiError::bad_request(
                "can't parse inline keyboard button: field \"text\" must be of type String",
            ));
        }
        if button["callback_data"].as_str().is_some_and(|data| !(1..=64).contains(&data.len())) {
            return Err(ApiError::bad_request("BUTTON_DATA_INVALID"));
        }
        if button.as_object().is_some_and(|button| button.len() < 2) {
            return Err(ApiError::bad_request(
                "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
            ));
        }
    }
    Ok(())
}

/// Where a message goes: checked chat, topic and reply.
pub(super) struct Place {
    pub(super) chat: i64,
    thread: Option<i64>,
    reply: Option<Value>,
    quote: Option<Value>,
}

impl Place {
    pub(super) fn of(state: &BotState, call: &Call) -> Result<Self, ApiError> {
        let chat = state.writable_chat(call.json("chat_id"))?;
        let thread = call.integer("message_thread_id");
        if let Some(thread) = thread {
            // The general topic has no thread of its own: its number 1 is refused.
            let known = state.chats[&chat].topics.contains_key(&thread) && thread != 1;
            if !known {
                return Err(ApiError::bad_request("message thread not found"));
            }
        }
        let (reply, quote) = reply_of(state, call, chat)?;
        Ok(Self { chat, thread, reply, quote })
    }

    pub(super) fn store(
        &self,
        state: &mut BotState,
        call: &Call,
        source: &str,
        file: Option<String>,
        fill: impl FnOnce(&mut Map<String, Value>),
    ) -> Value {
        let id = state.take_message_id(self.chat);
        let mut message = state.message_base(self.chat, state.me.id, id);
        if let Some(thread) = self.thread {
            message.insert("message_thread_id".to_owned(), Value::from(thread));
            message.insert("is_topic_message".to_owned(), Value::from(true));
        }
        if let Some(reply) = &self.reply {
            message.insert("reply_to_message".to_owned(), reply.clone());
        }
        if let Some(quote) = &self.quote {
            message.insert("quote".to_owned(), quote.clone());
        }
        if let Some(markup) =
            call.json("reply_markup").filter(|m| m.get("inline_keyboard").is_some())
        {
            message.insert("reply_markup".to_owned(), markup.clone());
        }
        fill(&mut message);
        let stored = StoredMessage {
            json: message.clone(),
            by_us: true,
            method: call.spec.name,
            source: source.to_owned(),
            edits: Vec::new(),
            deleted: false,
            reactions: Vec::new(),
            file,
        };
        state.insert(self.chat, id, stored);
        Value::Object(message)
    }
}

fn reply_of(
    state: &BotState,
    call: &Call,
    chat: i64,
) -> Result<(Option<Value>, Option<Value>), ApiError> {
    let Some(parameters) = call.json("reply_parameters") else {
        return Ok((None, None));
    };
    let Some(target) = parameters["message_id"].as_i64() else {
        return Err(ApiError::bad_request("can't parse reply parameters: message_id is empty"));
    };
    let Some(replied) = state.quoted(chat, target) else {
        return if parameters["allow_sending_without_reply"] == true {
            Ok((None, None))
        } else {
            Err(ApiError::bad_request("message to be replied not found"))
        };
    };
    let Some(quote) = parameters["quote"].as_str() else {
        return Ok((Some(replied), None));
    };
    let text = replied["text"].as_str().unwrap_or_default();
    match text.find(quote) {
        Some(at) => {
            let position = utf16_len(&text[..at]);
            Ok((Some(replied), Some(json!({ "text": quote, "position": position }))))
        }
        None => Err(ApiError::bad_request("QUOTE_TEXT_INVALID")),
    }
}

/// Whether topics exist in a chat of this type.
pub(crate) fn has_topics(kind: ChatType) -> bool {
    kind == ChatType::Supergroup { forum: true }
}
