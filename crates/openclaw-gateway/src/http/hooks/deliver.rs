use openclaw_core::{ChannelId, ChatId, ChatKind, Conversation, SessionKey};

use super::refused::Refused;
use crate::GatewayState;

/// How far back the owner's last chat is looked for.
const LOOKED_AT: u32 = 50;
const LAST: &str = "last";

/// Where an answer is sent; `None` where it stays in its session.
///
/// # Errors
/// When there is no such channel, or no chat to send to.
pub(super) async fn target(
    state: &GatewayState,
    main: &SessionKey,
    channel: Option<&str>,
    to: Option<&str>,
) -> Result<Option<Conversation>, Refused> {
    let to = to.filter(|to| !to.is_empty());
    let channel = channel.filter(|channel| !channel.is_empty()).unwrap_or(LAST);
    let last = last_chat(state, main).await?;
    if channel == LAST {
        return match (last, to) {
            (Some(last), None) => Ok(Some(last)),
            (Some(last), Some(to)) => chat(last.channel_id, to).map(Some),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(Refused::bad("to needs a channel: there is no last one")),
        };
    }
    let id = ChannelId::new(channel).map_err(|error| Refused::bad(error.to_string()))?;
    if state.channels.status(&id).is_none() {
        return Err(Refused::bad(format!("no channel {id}")));
    }
    match (to, last.filter(|last| last.channel_id == id)) {
        (Some(to), _) => chat(id, to).map(Some),
        (None, Some(last)) => Ok(Some(last)),
        (None, None) => Err(Refused::bad("to is missing: the chat to send to")),
    }
}

fn chat(channel_id: ChannelId, to: &str) -> Result<Conversation, Refused> {
    let chat_id = ChatId::new(to).map_err(|error| Refused::bad(error.to_string()))?;
    // An answer to nothing that was said there; it must not look like an answer to a message.
    let kind = ChatKind::Direct;
    Ok(Conversation { channel_id, chat_id, kind, thread_id: None, title: None })
}

async fn last_chat(
    state: &GatewayState,
    main: &SessionKey,
) -> Result<Option<Conversation>, Refused> {
    let recent = state
        .storage
        .recent_inputs(Some(main), LOOKED_AT)
        .await
        .map_err(openclaw_errors::OpenClawError::from)?;
    let elsewhere = recent
        .into_iter()
        .filter(|row| row.inbound.conversation.channel_id != ChannelId::web())
        .max_by_key(|row| row.position);
    Ok(elsewhere.map(|row| Conversation { kind: ChatKind::Direct, ..row.inbound.conversation }))
}
