use openclaw_core::{
    ChannelId, ChatId, ChatKind, Conversation, InvalidId, Sender, ThreadId, Timestamp, UserId,
};

use crate::descriptor::kind;
use crate::wire::{Chat, Message, User};

/// Where a message was said. The account is filled in when it is handed in.
pub(super) fn of_message(message: &Message) -> Result<Conversation, InvalidId> {
    // Elsewhere than in a forum the thread is only that of replies.
    let thread = message.message_thread_id.filter(|_| message.is_topic_message);
    of_chat(&message.chat, thread)
}

pub(super) fn of_chat(chat: &Chat, thread: Option<i64>) -> Result<Conversation, InvalidId> {
    let chat_kind = match chat.kind.as_str() {
        "private" => ChatKind::Direct,
        "channel" => ChatKind::Channel,
        _ => ChatKind::Group,
    };
    Ok(Conversation {
        channel_id: ChannelId::of_kind(&kind()),
        chat_id: ChatId::new(chat.id.to_string())?,
        kind: chat_kind,
        thread_id: thread.map(|thread| ThreadId::new(thread.to_string())).transpose()?,
        title: chat.title.clone().or_else(|| chat_name(chat)),
    })
}

/// Who wrote it: a person, or the chat in whose name it was written.
pub(super) fn sender(
    user: Option<&User>,
    chat: Option<&Chat>,
    fallback: &Chat,
) -> Result<Sender, InvalidId> {
    match (chat, user) {
        // Someone who writes as a channel is that channel; `from` is a placeholder then.
        (Some(chat), _) => sender_of_chat(chat),
        (None, Some(user)) => Ok(Sender {
            id: UserId::new(user.id.to_string())?,
            display_name: Some(full_name(&user.first_name, user.last_name.as_deref()))
                .filter(|name| !name.is_empty()),
            username: user.username.clone(),
            roles: Vec::new(),
            is_bot: user.is_bot,
        }),
        (None, None) => sender_of_chat(fallback),
    }
}

fn sender_of_chat(chat: &Chat) -> Result<Sender, InvalidId> {
    Ok(Sender {
        id: UserId::new(chat.id.to_string())?,
        display_name: chat.title.clone().or_else(|| chat_name(chat)),
        username: chat.username.clone(),
        roles: Vec::new(),
        is_bot: false,
    })
}

fn chat_name(chat: &Chat) -> Option<String> {
    let first = chat.first_name.as_deref()?;
    Some(full_name(first, chat.last_name.as_deref()))
}

pub(crate) fn full_name(first: &str, last: Option<&str>) -> String {
    match last {
        Some(last) if !last.is_empty() => format!("{first} {last}").trim().to_owned(),
        Some(_) | None => first.to_owned(),
    }
}

pub(super) fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds.saturating_mul(1_000))
}
