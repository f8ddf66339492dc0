use openclaw_core::{ExternalId, Inbound, InboundKind, InvalidId, MessageContent, ReplyContext};

use super::{Draft, Event, conversation, unreadable};
use crate::wire::Callback;

/// Somebody pressed a button below one of our messages: what the button stands for is said.
pub(super) fn event(callback: Callback) -> Event {
    let id = callback.id.clone();
    match draft(callback) {
        Ok(Some(draft)) => Event::Inbound(Box::new(draft)),
        Ok(None) => Event::Nothing,
        Err(error) => unreadable(&format!("callback_query {id}"), error),
    }
}

fn draft(callback: Callback) -> Result<Option<Draft>, InvalidId> {
    let (Some(message), Some(data)) = (callback.message, callback.data) else {
        return Ok(None);
    };
    let text = message.text.or(message.caption);
    let thread = message.message_thread_id.filter(|_| message.is_topic_message);
    let inbound = Inbound {
        conversation: conversation::of_chat(&message.chat, thread)?,
        external_id: ExternalId::new(format!("callback:{}", callback.id))?,
        kind: InboundKind::Message,
        sender: conversation::sender(Some(&callback.from), None, &message.chat)?,
        content: MessageContent::text(data),
        reply_to: Some(ReplyContext {
            external_id: ExternalId::new(message.message_id.to_string())?,
            from_self: true,
            author: None,
            text: text.map(|text| text.chars().take(1_000).collect()),
        }),
        mentions_self: true,
        // A press carries no date, and that of the message may be long past.
        sent_at: openclaw_core::Timestamp::from_millis(0),
    };
    Ok(Some(Draft { inbound, attachments: Vec::new(), callback: Some(callback.id), edit_of: None }))
}
