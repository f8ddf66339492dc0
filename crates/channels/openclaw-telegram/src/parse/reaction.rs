use openclaw_channel_traits::external_id::reaction_id;
use openclaw_core::{ExternalId, Inbound, InboundKind, InvalidId, MessageContent};

use super::{Draft, Event, conversation, unreadable};
use crate::wire::Reaction;

/// The reactions of one person to a message changed.
pub(super) fn event(reaction: &Reaction) -> Event {
    match draft(reaction) {
        Ok(draft) => Event::Inbound(Box::new(draft)),
        Err(error) => unreadable("message_reaction", error),
    }
}

fn draft(reaction: &Reaction) -> Result<Draft, InvalidId> {
    let sender =
        conversation::sender(reaction.user.as_ref(), reaction.actor_chat.as_ref(), &reaction.chat)?;
    let emoji: Vec<&str> = reaction
        .new_reaction
        .iter()
        .map(|kind| kind.emoji.as_deref().or(kind.custom_emoji_id.as_deref()).unwrap_or("⭐"))
        .collect();
    let text = if emoji.is_empty() {
        "took the reaction back".to_owned()
    } else {
        format!("reacted with {}", emoji.join(" "))
    };
    let target = ExternalId::new(reaction.message_id.to_string())?;
    let sent_at = conversation::timestamp(reaction.date);
    let inbound = Inbound {
        conversation: conversation::of_chat(&reaction.chat, None)?,
        external_id: reaction_id(&target, &sender.id, sent_at, emoji)?,
        kind: InboundKind::Reaction { target },
        sender,
        content: MessageContent::System { text },
        reply_to: None,
        mentions_self: false,
        sent_at,
    };
    Ok(Draft { inbound, attachments: Vec::new(), callback: None, edit_of: None })
}
