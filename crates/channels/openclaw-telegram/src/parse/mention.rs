use crate::api::BotAccount;
use crate::wire::{Entity, Message};

/// The part of a text that an entity covers; offsets count UTF-16 code units.
fn covered(text: &str, entity: &Entity) -> Option<std::ops::Range<usize>> {
    let end = entity.offset.checked_add(entity.length)?;
    let (mut from, mut to, mut units) = (None, None, 0);
    for (index, character) in text.char_indices().chain([(text.len(), '\0')]) {
        if units == entity.offset {
            from = from.or(Some(index));
        }
        if units == end {
            to = to.or(Some(index));
        }
        units += character.len_utf16();
    }
    let (from, to) = (from?, to?);
    (from <= to).then_some(from..to)
}

/// Whether the bot is mentioned, called by a command meant for it, or answered.
pub(super) fn is_addressed(message: &Message, me: &BotAccount) -> bool {
    let answered = message
        .reply_to_message
        .as_ref()
        .filter(|reply| reply.forum_topic_created.is_none())
        .and_then(|reply| reply.from.as_ref())
        .is_some_and(|user| user.id == me.id);
    answered
        || mentions(message.text.as_deref(), &message.entities, me)
        || mentions(message.caption.as_deref(), &message.caption_entities, me)
}

fn mentions(text: Option<&str>, entities: &[Entity], me: &BotAccount) -> bool {
    let Some(text) = text else {
        return false;
    };
    entities.iter().any(|entity| match entity.kind.as_str() {
        "text_mention" => entity.user.as_ref().is_some_and(|user| user.id == me.id),
        "mention" | "bot_command" => covered(text, entity)
            .and_then(|range| text[range].split_once('@').map(|(_, name)| name))
            .is_some_and(|name| is_me(name, me)),
        _ => false,
    })
}

/// The text with `/command@our_bot` at its beginning written as `/command`.
pub(super) fn without_own_name(text: String, entities: &[Entity], me: &BotAccount) -> String {
    let command = entities.iter().find(|entity| entity.kind == "bot_command" && entity.offset == 0);
    let Some(range) = command.and_then(|command| covered(&text, command)) else {
        return text;
    };
    match text[range.clone()].split_once('@') {
        Some((command, name)) if is_me(name, me) => format!("{command}{}", &text[range.end..]),
        Some(_) | None => text,
    }
}

fn is_me(name: &str, me: &BotAccount) -> bool {
    me.username.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name))
}
