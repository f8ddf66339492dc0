//! Where the gateway speaks when nobody has just spoken to it.

use openclaw_core::{ChannelId, ChatId, ChatKind, Conversation, SessionKey};
use openclaw_errors::OpenClawError;

use crate::GatewayState;

/// How far back the owner's last chat is looked for.
const LOOKED_AT: u32 = 50;
const LAST: &str = "last";

/// The chat that is meant; `None` where the owner has written in no chat yet.
///
/// # Errors
/// When there is no such channel, or no chat to send to.
pub(crate) async fn target(
    state: &GatewayState,
    main: &SessionKey,
    channel: Option<&str>,
    to: Option<&str>,
) -> Result<Option<Conversation>, OpenClawError> {
    let to = to.filter(|to| !to.is_empty());
    let channel = channel.filter(|channel| !channel.is_empty()).unwrap_or(LAST);
    let last = last(state, main).await?;
    if channel == LAST {
        return match (last, to) {
            (Some(last), None) => Ok(Some(last)),
            (Some(last), Some(to)) => chat(last.channel_id, to).map(Some),
            (None, None) => Ok(None),
            (None, Some(_)) => {
                Err(OpenClawError::invalid_params("to", "to needs a channel: there is no last one"))
            }
        };
    }
    let id = ChannelId::new(channel)
        .map_err(|error| OpenClawError::invalid_params("channel", error.to_string()))?;
    if state.channels.status(&id).is_none() {
        return Err(OpenClawError::invalid_params("channel", format!("no channel {id}")));
    }
    match (to, last.filter(|last| last.channel_id == id)) {
        (Some(to), _) => chat(id, to).map(Some),
        (None, Some(last)) => Ok(Some(last)),
        (None, None) => {
            Err(OpenClawError::invalid_params("to", "to is missing: the chat to send to"))
        }
    }
}

fn chat(channel_id: ChannelId, to: &str) -> Result<Conversation, OpenClawError> {
    let chat_id =
        ChatId::new(to).map_err(|error| OpenClawError::invalid_params("to", error.to_string()))?;
    // An answer to nothing that was said there; it must not look like an answer to a message.
    let kind = ChatKind::Direct;
    Ok(Conversation { channel_id, chat_id, kind, thread_id: None, title: None })
}

/// The chat outside the web channel that last spoke to the session.
///
/// # Errors
/// When the store fails.
pub(crate) async fn last(
    state: &GatewayState,
    main: &SessionKey,
) -> Result<Option<Conversation>, OpenClawError> {
    let recent = state.storage.recent_inputs(Some(main), LOOKED_AT).await?;
    let elsewhere = recent
        .into_iter()
        .filter(|row| row.inbound.conversation.channel_id != ChannelId::web())
        .max_by_key(|row| row.position);
    Ok(elsewhere.map(|row| Conversation { kind: ChatKind::Direct, ..row.inbound.conversation }))
}
