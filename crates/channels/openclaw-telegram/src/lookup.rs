use openclaw_channel_traits::{DeliveryError, Found, LookedUpChat, LookedUpUser, Lookup};
use openclaw_core::{ChatId, ChatKind, UserId};

use crate::api::{CallFailure, ChatInfo, Client, GetChat, GetMe};
use crate::deliver::recipient;
use crate::parse::full_name;

pub(crate) async fn look_up(client: &Client, lookup: Lookup) -> Result<Found, DeliveryError> {
    match lookup {
        Lookup::Account => {
            let me = client.call(GetMe {}).await.map_err(CallFailure::into_delivery)?;
            Ok(Found::Account(me.name()))
        }
        Lookup::Chat(id) => {
            Ok(Found::Chat(get_chat(client, id.as_str()).await?.map(chat).transpose()?))
        }
        Lookup::User(id) => {
            let found = get_chat(client, id.as_str()).await?;
            let person = found.filter(|chat| chat.kind == "private");
            Ok(Found::User(person.map(user).transpose()?))
        }
        Lookup::OwnMessage { .. } => Err(DeliveryError::Unsupported("looking up own messages")),
    }
}

async fn get_chat(client: &Client, id: &str) -> Result<Option<ChatInfo>, DeliveryError> {
    let Ok(chat_id) = recipient(id) else {
        return Ok(None);
    };
    match client.call(GetChat { chat_id }).await {
        Ok(chat) => Ok(Some(chat)),
        Err(failure) if failure.refused_with("chat not found") => Ok(None),
        Err(failure) => Err(failure.into_delivery()),
    }
}

fn chat(chat: ChatInfo) -> Result<LookedUpChat, DeliveryError> {
    let kind = match chat.kind.as_str() {
        "private" => ChatKind::Direct,
        "channel" => ChatKind::Channel,
        _ => ChatKind::Group,
    };
    let id = ChatId::new(chat.id.to_string())
        .map_err(|error| DeliveryError::Refused(error.to_string()))?;
    Ok(LookedUpChat { id, kind, title: chat.title.clone().or_else(|| name(&chat)) })
}

fn user(chat: ChatInfo) -> Result<LookedUpUser, DeliveryError> {
    let id = UserId::new(chat.id.to_string())
        .map_err(|error| DeliveryError::Refused(error.to_string()))?;
    Ok(LookedUpUser { id, display_name: name(&chat), username: chat.username })
}

fn name(chat: &ChatInfo) -> Option<String> {
    chat.first_name.as_deref().map(|first| full_name(first, chat.last_name.as_deref()))
}
