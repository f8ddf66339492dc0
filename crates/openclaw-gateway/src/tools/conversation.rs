use openclaw_agents::Asking;
use openclaw_core::{ChannelId, ChatId, ExternalId, MessageId, ThreadId};
use openclaw_tools::{ToolContext, ToolError};

use crate::GatewayState;

/// Where something is to be said, and in whose name.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) channel_id: ChannelId,
    pub(super) chat_id: ChatId,
    pub(super) thread_id: Option<ThreadId>,
    pub(super) principal: String,
}

/// The chat that is meant: the one the run was asked in, where no other is named. Only the owner's
/// runs may name others.
pub(super) async fn place(
    state: &GatewayState,
    context: &ToolContext,
    channel: Option<&str>,
    to: Option<&str>,
    thread: Option<&str>,
) -> Result<Place, ToolError> {
    let asking = Asking::of(&state.storage, &state.config.current(), context).await?;
    let own = &asking.lead.inbound.conversation;
    let channel_id = match channel {
        None => own.channel_id.clone(),
        Some(named) => ChannelId::new(named).map_err(|error| bad("channel", &error))?,
    };
    let (chat_id, thread_id) = match to {
        None if channel_id != own.channel_id => {
            return Err(ToolError::RespondToModel(format!(
                "to is needed: the id of the chat on {channel_id}"
            )));
        }
        None => (own.chat_id.clone(), own.thread_id.clone()),
        Some(named) => (ChatId::new(named).map_err(|error| bad("to", &error))?, None),
    };
    let thread_id = match thread {
        None => thread_id,
        Some(named) => Some(ThreadId::new(named).map_err(|error| bad("thread_id", &error))?),
    };
    let is_own = channel_id == own.channel_id && chat_id == own.chat_id;
    if !is_own && !asking.by_owner {
        return Err(ToolError::RespondToModel(
            "only the owner may have messages sent to other chats than the one they write in"
                .to_owned(),
        ));
    }
    if state.channels.status(&channel_id).is_none() {
        let known: Vec<String> =
            state.channels.list().iter().map(|status| status.channel_id.to_string()).collect();
        return Err(ToolError::RespondToModel(format!(
            "no channel {channel_id}; there are {}",
            known.join(", ")
        )));
    }
    Ok(Place { channel_id, chat_id, thread_id, principal: asking.lead.principal })
}

/// The service's id of a message that was named by ours or by the service's.
pub(super) async fn external_id(
    state: &GatewayState,
    place: &Place,
    named: &str,
) -> Result<ExternalId, ToolError> {
    if let Ok(id) = MessageId::new(named) {
        let found = state.storage.message(&id).await;
        let found = found.map_err(|error| ToolError::RespondToModel(error.to_string()))?;
        if let Some(message) = found {
            let is_here =
                message.channel_id == place.channel_id && message.chat.chat_id == place.chat_id;
            return match message.external_id {
                Some(id) if is_here => Ok(id),
                Some(_) => Err(ToolError::RespondToModel("that message is in another chat".into())),
                None => Err(ToolError::RespondToModel(
                    "that message has not been sent yet; try again in a moment".to_owned(),
                )),
            };
        }
    }
    ExternalId::new(named).map_err(|error| bad("message_id", &error))
}

pub(super) fn bad(field: &str, error: &impl std::fmt::Display) -> ToolError {
    ToolError::RespondToModel(format!("{field}: {error}"))
}
