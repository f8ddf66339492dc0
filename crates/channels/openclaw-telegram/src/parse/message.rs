use openclaw_core::{ExternalId, Inbound, InboundKind, InvalidId, MessageContent};

use super::content::{self, Body};
use super::{Draft, Event, conversation, mention, reply, unreadable};
use crate::api::BotAccount;
use crate::wire::Message;

/// A new message; `more` are the other parts of its album.
pub(super) fn new(message: Message, more: Vec<Message>, me: &BotAccount) -> Event {
    if let Some(to) = message.migrate_to_chat_id {
        return Event::Migrated { from: message.chat.id, to };
    }
    if let Some(from) = message.migrate_from_chat_id {
        return Event::Migrated { from, to: message.chat.id };
    }
    match draft(&message, me) {
        Ok(Some(mut draft)) => {
            for part in &more {
                add_part(&mut draft, part, me);
            }
            Event::Inbound(Box::new(draft))
        }
        Ok(None) => Event::Nothing,
        Err(error) => unreadable("message", error),
    }
}

/// A message with new content.
pub(super) fn edited(message: Message, me: &BotAccount) -> Event {
    match draft(&message, me) {
        Ok(Some(mut draft)) => {
            let target = draft.inbound.external_id.clone();
            draft.inbound.kind = InboundKind::Edit { target: target.clone() };
            draft.inbound.sent_at =
                conversation::timestamp(message.edit_date.unwrap_or(message.date));
            draft.edit_of = Some(target);
            Event::Inbound(Box::new(draft))
        }
        Ok(None) => Event::Nothing,
        Err(error) => unreadable("edited_message", error),
    }
}

fn draft(message: &Message, me: &BotAccount) -> Result<Option<Draft>, InvalidId> {
    let Some(body) = content::body(message, me) else {
        return Ok(None);
    };
    let (content, attachments) = match body {
        Body::Complete(content) => (content, Vec::new()),
        Body::Files { attachment, caption } => {
            (MessageContent::text(caption.unwrap_or_default()), vec![attachment])
        }
    };
    let sender =
        conversation::sender(message.from.as_ref(), message.sender_chat.as_ref(), &message.chat)?;
    let inbound = Inbound {
        conversation: conversation::of_message(message)?,
        external_id: ExternalId::new(message.message_id.to_string())?,
        kind: InboundKind::Message,
        sender,
        content,
        reply_to: reply::context(message, me)?,
        mentions_self: mention::is_addressed(message, me),
        sent_at: conversation::timestamp(message.date),
    };
    Ok(Some(Draft { inbound, attachments, callback: None, edit_of: None }))
}

/// Adds a part of the album: its file, its caption, and whether it addresses the bot.
fn add_part(draft: &mut Draft, part: &Message, me: &BotAccount) {
    if let Some(Body::Files { attachment, caption }) = content::body(part, me) {
        draft.attachments.push(attachment);
        if let (Some(caption), MessageContent::Text { text }) =
            (caption, &mut draft.inbound.content)
        {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&caption);
        }
    }
    draft.inbound.mentions_self |= mention::is_addressed(part, me);
}
