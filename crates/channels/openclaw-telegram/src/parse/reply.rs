use openclaw_core::{ExternalId, InvalidId, ReplyContext};

use super::conversation::full_name;
use crate::api::BotAccount;
use crate::wire::{Chat, Message};

/// The most characters of an answered message that are handed on.
const MAX_CHARS: usize = 1_000;

/// The message that this one answers.
pub(super) fn context(
    message: &Message,
    me: &BotAccount,
) -> Result<Option<ReplyContext>, InvalidId> {
    let quote = message.quote.as_ref().map(|quote| quote.text.as_str());
    if let Some(reply) = &message.reply_to_message {
        // In a forum, what answers nothing answers the message that opened its topic.
        if reply.forum_topic_created.is_some() {
            return Ok(None);
        }
        let text = quote.or(reply.text.as_deref()).or(reply.caption.as_deref());
        return Ok(Some(ReplyContext {
            external_id: ExternalId::new(reply.message_id.to_string())?,
            from_self: reply.from.as_ref().is_some_and(|user| user.id == me.id),
            author: author(reply),
            text: text.map(cut),
        }));
    }
    let Some(reply) = &message.external_reply else {
        return Ok(None);
    };
    let chat = reply.chat.as_ref();
    let place = chat.map_or(0, |chat| chat.id);
    Ok(Some(ReplyContext {
        external_id: ExternalId::new(format!(
            "external:{place}:{}",
            reply.message_id.unwrap_or_default()
        ))?,
        from_self: false,
        author: chat.and_then(chat_name),
        text: quote.map(cut),
    }))
}

fn author(message: &Message) -> Option<String> {
    if let Some(chat) = &message.sender_chat {
        return chat_name(chat);
    }
    let user = message.from.as_ref()?;
    let name = full_name(&user.first_name, user.last_name.as_deref());
    if name.is_empty() { user.username.clone() } else { Some(name) }
}

fn chat_name(chat: &Chat) -> Option<String> {
    chat.title.clone().or_else(|| chat.username.clone())
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}
