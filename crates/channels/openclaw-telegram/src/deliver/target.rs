use openclaw_channel_traits::DeliveryError;
use openclaw_channel_traits::external_id::message_of;
use openclaw_core::{ChatAddress, ExternalId};
use teloxide::types::{ChatId, MessageId, Recipient, ReplyParameters, ThreadId};

/// The thread of a forum's general topic: it is addressed by naming none.
const GENERAL_TOPIC: i32 = 1;

/// The chat with this id or `@name`.
pub(crate) fn recipient(chat: &str) -> Result<Recipient, DeliveryError> {
    if chat.starts_with('@') {
        return Ok(Recipient::ChannelUsername(chat.to_owned()));
    }
    match chat.parse() {
        Ok(id) => Ok(Recipient::Id(ChatId(id))),
        Err(_) => Err(DeliveryError::Refused(format!("{chat:?} is no Telegram chat"))),
    }
}

/// The topic a message goes to.
pub(super) fn thread(chat: &ChatAddress) -> Result<Option<ThreadId>, DeliveryError> {
    let Some(thread) = &chat.thread_id else {
        return Ok(None);
    };
    match thread.as_str().parse() {
        Ok(GENERAL_TOPIC) => Ok(None),
        Ok(id) => Ok(Some(ThreadId(MessageId(id)))),
        Err(_) => Err(DeliveryError::Refused(format!("{thread} is no Telegram topic"))),
    }
}

/// The message that is meant by an id of ours.
pub(super) fn message(id: &ExternalId) -> Result<MessageId, DeliveryError> {
    match message_of(id).as_str().parse() {
        Ok(id) => Ok(MessageId(id)),
        Err(_) => Err(DeliveryError::Refused(format!("{id} is no Telegram message"))),
    }
}

/// The answered message. One that is gone, or an event that is no message, is not worth a failure.
pub(super) fn reply(id: Option<&ExternalId>) -> Option<ReplyParameters> {
    let id = message(id?).ok()?;
    Some(ReplyParameters::new(id).allow_sending_without_reply())
}
