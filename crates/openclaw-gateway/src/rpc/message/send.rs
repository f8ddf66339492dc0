use std::sync::Arc;

use openclaw_core::{
    ChannelId, ChatKind, Conversation, Direction, ExternalId, MessageContent, MessageId, Outbound,
    OutboxId, RunId, SendPoll, Session, SessionId, SessionKey, UserId,
};
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::methods::{MessageSendParams, MessageSendResult, MessageStatus};
use openclaw_sessions::{ReplyRequest, TurnDelivery as _};
use openclaw_storage::rows::{OutboxKind, OutboxRow, OutboxState};
use openclaw_storage::{
    ApplyError, Batch, Conflict, EventDraft, LogEntry, NewMessage, NewOutbox, SessionPatch, Write,
};

use crate::GatewayState;
use crate::rpc::Caller;
use crate::rpc::hypothetical::message_in;

const TRIES: u32 = 8;
const LONGEST_KEY: usize = 128;

pub(in crate::rpc) async fn run(
    state: &Arc<GatewayState>,
    caller: &Caller,
    params: MessageSendParams,
) -> Result<MessageSendResult, OpenClawError> {
    send(state, &caller.principal_name(), params).await
}

/// Sends a message in the name of a principal, to whom its idempotency key belongs.
///
/// # Errors
/// `NotFound` for an unknown channel, `InvalidParams` for what cannot be sent, `Conflict` for a key of
/// another principal.
pub(crate) async fn send(
    state: &Arc<GatewayState>,
    principal: &str,
    params: MessageSendParams,
) -> Result<MessageSendResult, OpenClawError> {
    if let Some(key) = &params.idempotency_key {
        if key.is_empty() || key.len() > LONGEST_KEY {
            return Err(OpenClawError::invalid_params(
                "idempotency_key",
                "must have 1 to 128 bytes",
            ));
        }
        if let Some(known) = state.storage.outbox_by_idempotency_key(key).await? {
            return repeated(&known, principal);
        }
    }
    if state.channels.status(&params.channel_id).is_none() {
        return Err(OpenClawError::not_found(format!("no channel {}", params.channel_id))
            .with_field("channel_id")
            .with_hint("channel.list shows the configured ones"));
    }
    let content = MessageContent::from(params.content.clone());
    check_content(state, &content).await?;
    for _ in 0..TRIES {
        match try_send(state, &params, &content, principal).await {
            Err(SendError::Race) => {}
            Err(SendError::Taken { message_id, principal: owner }) if owner == principal => {
                return Ok(MessageSendResult { message_id, status: MessageStatus::Queued });
            }
            Err(SendError::Taken { .. }) => return Err(key_in_use()),
            Err(SendError::Other(error)) => return Err(error),
            Ok(result) => return Ok(result),
        }
    }
    Err(OpenClawError::new(
        ErrorKind::Overloaded,
        "the session kept changing while the message was stored",
    ))
}

enum SendError {
    Race,
    Taken { message_id: MessageId, principal: String },
    Other(OpenClawError),
}

impl<E: Into<OpenClawError>> From<E> for SendError {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

async fn try_send(
    state: &Arc<GatewayState>,
    params: &MessageSendParams,
    content: &MessageContent,
    principal: &str,
) -> Result<MessageSendResult, SendError> {
    let mut batch = Batch::new();
    let (session, conversation) = session_of(state, params, &mut batch).await?;
    let message_id = MessageId::new(state.ids.new_id()).map_err(unusable)?;
    let rows = rows(state, params, content, &session, &conversation, &message_id, principal)?;
    let is_sent = rows.iter().all(|row| row.state == OutboxState::Sent);
    batch.push(entry(
        state,
        &session,
        &conversation,
        content,
        params.reply_to.clone(),
        &message_id,
    )?);
    if is_sent {
        batch.push(sent_event(state, &session, &message_id));
    }
    batch.writes.extend(rows.into_iter().map(|row| Write::Enqueue(Box::new(row))));
    match state.storage.apply(batch).await {
        Ok(_) => Ok(MessageSendResult {
            message_id,
            status: if is_sent { MessageStatus::Sent } else { MessageStatus::Queued },
        }),
        Err(ApplyError::Conflict(Conflict::IdempotencyKeyTaken { message_id, principal })) => {
            Err(SendError::Taken { message_id, principal })
        }
        Err(ApplyError::Conflict(Conflict::SessionKeyTaken { .. } | Conflict::Missing { .. })) => {
            Err(SendError::Race)
        }
        Err(error) => Err(error.into()),
    }
}

fn repeated(known: &OutboxRow, principal: &str) -> Result<MessageSendResult, OpenClawError> {
    if known.principal.as_deref() != Some(principal) {
        return Err(key_in_use());
    }
    let message_id = known
        .message_id
        .clone()
        .ok_or_else(|| OpenClawError::internal("a sent message has no id"))?;
    let status = match known.state {
        OutboxState::Pending | OutboxState::Sending => MessageStatus::Queued,
        OutboxState::Sent => MessageStatus::Sent,
        OutboxState::Failed => MessageStatus::Failed,
        OutboxState::Unknown => MessageStatus::Unknown,
    };
    Ok(MessageSendResult { message_id, status })
}

fn key_in_use() -> OpenClawError {
    OpenClawError::conflict("the idempotency key is in use by another caller")
        .with_field("idempotency_key")
}

async fn check_content(
    state: &GatewayState,
    content: &MessageContent,
) -> Result<(), OpenClawError> {
    match content {
        MessageContent::Text { text } if text.trim().is_empty() => {
            Err(OpenClawError::invalid_params("content", "the text is empty"))
        }
        MessageContent::Text { .. } => Ok(()),
        MessageContent::Media { media, .. } if media.is_empty() => {
            Err(OpenClawError::invalid_params("content.media", "at least one file is needed"))
        }
        MessageContent::Media { media, .. } => {
            for (index, file) in media.iter().enumerate() {
                state.media.open(&file.media_id).await.map_err(|error| {
                    OpenClawError::invalid_params(
                        format!("content.media[{index}].media_id"),
                        error.to_string(),
                    )
                })?;
            }
            Ok(())
        }
        MessageContent::Poll(poll) if poll.options.len() >= 2 => Ok(()),
        MessageContent::Poll(_) => {
            Err(OpenClawError::invalid_params("content.options", "a poll has at least 2 options"))
        }
        MessageContent::Location(_)
        | MessageContent::Contact(_)
        | MessageContent::System { .. } => {
            Err(OpenClawError::invalid_params("content.type", "can be text, media or poll"))
        }
    }
}

/// The chat's session: one that lives for the chat as a direct one or a group, else a new one.
async fn session_of(
    state: &GatewayState,
    params: &MessageSendParams,
    batch: &mut Batch,
) -> Result<(Session, Conversation), OpenClawError> {
    let now = state.clock.now();
    let mut first = None;
    for kind in [ChatKind::Direct, ChatKind::Group, ChatKind::Channel] {
        let conversation = Conversation {
            channel_id: params.channel_id.clone(),
            chat_id: params.chat_id.clone(),
            kind,
            thread_id: params.thread_id.clone(),
            title: None,
        };
        let key = key_of(state, &conversation)?;
        if let Some(session) = state.storage.session_by_key(&key).await? {
            let patch = SessionPatch { last_activity_at: Some(now), ..SessionPatch::default() };
            batch.push(Write::UpdateSession { id: session.id.clone(), patch });
            return Ok((session, conversation));
        }
        first.get_or_insert((key, conversation));
    }
    let (key, conversation) =
        first.ok_or_else(|| OpenClawError::internal("no kind of chat was tried"))?;
    let session = Session::begin(
        SessionId::new(state.ids.new_id()).map_err(unusable)?,
        key,
        conversation.channel_id.clone(),
        UserId::new(conversation.chat_id.as_str()).map_err(unusable)?,
        conversation.chat_id.clone(),
        now,
    );
    batch.push(Write::CreateSession(Box::new(session.clone())));
    Ok((session, conversation))
}

fn key_of(state: &GatewayState, conversation: &Conversation) -> Result<SessionKey, OpenClawError> {
    let config = state.config.current();
    if conversation.channel_id == ChannelId::web() {
        // A chat of the web channel is a session by its name.
        return SessionKey::new(&config.default_agent().id, conversation.chat_id.as_str())
            .map_err(|error| OpenClawError::invalid_params("chat_id", error.to_string()));
    }
    let user_id = UserId::new(conversation.chat_id.as_str()).map_err(unusable)?;
    let inbound = message_in(conversation.clone(), user_id, state.clock.now()).map_err(unusable)?;
    let policy = state.channels.access(&conversation.channel_id);
    let group_agent = policy.as_ref().and_then(|policy| policy.group_agent(conversation));
    let decision = state.ingress.routing().route(&inbound, group_agent);
    let owner = openclaw_sessions::is_configured_owner(&config.session, &inbound);
    openclaw_sessions::session_key(&config.session, &decision, &inbound, owner)
        .map_err(|error| OpenClawError::invalid_params("chat_id", error.to_string()))
}

fn rows(
    state: &GatewayState,
    params: &MessageSendParams,
    content: &MessageContent,
    session: &Session,
    conversation: &Conversation,
    message_id: &MessageId,
    principal: &str,
) -> Result<Vec<NewOutbox>, OpenClawError> {
    let run_id = RunId::new(format!("message-{message_id}")).map_err(unusable)?;
    let mut rows = state.delivery.plan(ReplyRequest {
        session: session.clone(),
        session_key: session.session_key.clone(),
        run_id,
        message_id: message_id.clone(),
        conversation: conversation.clone(),
        reply_to: params.reply_to.clone(),
        // A file without words still is one message.
        text: match content.plain_text() {
            "" => "\u{200b}".to_owned(),
            text => text.to_owned(),
        },
        notice: false,
        at: state.clock.now(),
    });
    let first = rows
        .first_mut()
        .ok_or_else(|| OpenClawError::invalid_params("content", "nothing of it can be shown"))?;
    first.principal = Some(principal.to_owned());
    first.idempotency_key.clone_from(&params.idempotency_key);
    shape(first, params, content)?;
    for row in &mut rows {
        row.kind = OutboxKind::Message;
        row.run_id = None;
    }
    Ok(rows)
}

/// Gives the first row its files, its poll, and the message it answers.
fn shape(
    first: &mut NewOutbox,
    params: &MessageSendParams,
    content: &MessageContent,
) -> Result<(), OpenClawError> {
    if let MessageContent::Poll(poll) = content {
        let key = OutboxId::new(first.id.as_str()).map_err(unusable)?;
        first.outbound = Outbound::Poll(SendPoll {
            chat: first.outbound.chat().clone(),
            poll: poll.clone(),
            key,
        });
    }
    if let Outbound::Send(send) = &mut first.outbound {
        send.media = content.media().to_vec();
        send.reply_to.clone_from(&params.reply_to);
        if content.plain_text().is_empty() {
            send.text.clear();
        }
    }
    Ok(())
}

/// The message in the session. While a run is at work its transcript is left alone: an entry between a
/// tool call and its result is one that models refuse.
fn entry(
    state: &GatewayState,
    session: &Session,
    conversation: &Conversation,
    content: &MessageContent,
    reply_to: Option<ExternalId>,
    message_id: &MessageId,
) -> Result<Write, OpenClawError> {
    let is_busy =
        state.lanes.active_runs().iter().any(|run| run.session_key == session.session_key);
    let says_something = !is_busy && !content.plain_text().is_empty();
    let transcript = says_something.then(|| {
        openclaw_agents::said_by_assistant(content.plain_text(), Some(message_id.clone()))
    });
    Ok(Write::Append(Box::new(LogEntry {
        session_id: session.id.clone(),
        session_key: session.session_key.clone(),
        run_id: None,
        message: Some(NewMessage {
            id: message_id.clone(),
            channel_id: conversation.channel_id.clone(),
            direction: Direction::Outbound,
            sender: None,
            chat: conversation.address(),
            content: content.clone(),
            reply_to,
            external_id: None,
        }),
        transcript,
        event: None,
        at: state.clock.now(),
    })))
}

fn sent_event(state: &GatewayState, session: &Session, message_id: &MessageId) -> Write {
    Write::Append(Box::new(LogEntry {
        session_id: session.id.clone(),
        session_key: session.session_key.clone(),
        run_id: None,
        message: None,
        transcript: None,
        event: Some(EventDraft {
            topic: "message.sent",
            message_id: Some(message_id.clone()),
            data: None,
        }),
        at: state.clock.now(),
    }))
}

fn unusable(error: openclaw_core::InvalidId) -> OpenClawError {
    OpenClawError::invalid_params("chat_id", error.to_string())
}
