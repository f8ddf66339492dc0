use std::sync::Arc;

use async_trait::async_trait;
use openclaw_channel_traits::ChannelDescriptor;
use openclaw_core::{
    ChatAddress, DeleteMessage, EditMessage, ExternalId, MessageContent, Outbound, OutboxId, Poll,
    React,
};
use openclaw_protocol::methods::{ContentParam, MessageSendParams};
use openclaw_storage::rows::{OutboxKind, OutboxState};
use openclaw_storage::{Batch, NewOutbox, Write};
use openclaw_tools::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;

use super::GatewayHandle;
use super::conversation::{Place, external_id, place};
use crate::GatewayState;
use crate::rpc::send_message;

/// `message`: says and changes things in chats.
#[derive(Debug)]
pub struct MessageTool(GatewayHandle);

impl MessageTool {
    /// Works on this gateway.
    pub fn new(handle: GatewayHandle) -> Self {
        Self(handle)
    }
}

/// Arguments of `message`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageArgs {
    action: Action,
    /// default this chat's
    channel: Option<String>,
    /// chat id, default this chat
    to: Option<String>,
    thread_id: Option<String>,
    /// Markdown; a poll's question
    text: Option<String>,
    /// for reply, edit, delete, react
    message_id: Option<String>,
    /// for react; without it the reaction is taken away
    emoji: Option<String>,
    /// of a poll, 2 to 10
    options: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    Send,
    Reply,
    Edit,
    Delete,
    React,
    Poll,
}

#[async_trait]
impl Tool for MessageTool {
    type Args = MessageArgs;

    const NAME: &'static str = "message";
    const DESCRIPTION: &'static str = "Send, edit, delete or react to messages, or start a poll. \
        Your answer is sent to this chat by itself: use this for other chats and for more than text.";
    const ALIASES: &'static [(&'static str, &'static str)] = &[
        ("message", "text"),
        ("target", "to"),
        ("chat_id", "to"),
        ("messageId", "message_id"),
        ("replyTo", "message_id"),
        ("threadId", "thread_id"),
        ("pollQuestion", "text"),
        ("pollOption", "options"),
    ];

    async fn call(
        &self,
        context: &ToolContext,
        args: MessageArgs,
    ) -> Result<ToolOutput, ToolError> {
        let state = self.0.state()?;
        let place = place(
            &state,
            context,
            args.channel.as_deref(),
            args.to.as_deref(),
            args.thread_id.as_deref(),
        )
        .await?;
        let descriptor = state
            .channels
            .descriptor(&place.channel_id)
            .ok_or_else(|| refusal("that channel is not connected"))?;
        let target = match (args.action, args.message_id.as_deref()) {
            (Action::Send | Action::Poll, _) => None,
            (_, Some(named)) => Some(external_id(&state, &place, named).await?),
            (_, None) => return Err(refusal("message_id is needed")),
        };
        let target = |what: &str| {
            target.clone().ok_or_else(|| refusal(format!("message_id is needed to {what}")))
        };
        match args.action {
            Action::Send => say(&state, &place, text(args.text)?, None).await,
            Action::Reply => say(&state, &place, text(args.text)?, Some(target("reply")?)).await,
            Action::Poll => {
                supports(descriptor.polls, &descriptor, "polls")?;
                poll(&state, &place, text(args.text)?, args.options.unwrap_or_default()).await
            }
            Action::Edit => {
                supports(descriptor.edits, &descriptor, "edits")?;
                let (target, text) = (target("edit")?, text(args.text)?);
                let chat = place.address();
                act(&state, &place, Outbound::Edit(EditMessage { chat, target, text })).await
            }
            Action::Delete => {
                supports(descriptor.deletes, &descriptor, "deleting")?;
                let (chat, target) = (place.address(), target("delete")?);
                act(&state, &place, Outbound::Delete(DeleteMessage { chat, target })).await
            }
            Action::React => {
                supports(descriptor.reactions, &descriptor, "reactions")?;
                let (chat, target) = (place.address(), target("react")?);
                let emoji = args.emoji.filter(|emoji| !emoji.is_empty());
                act(&state, &place, Outbound::React(React { chat, target, emoji })).await
            }
        }
    }
}

impl Place {
    fn address(&self) -> ChatAddress {
        ChatAddress { chat_id: self.chat_id.clone(), thread_id: self.thread_id.clone() }
    }
}

async fn say(
    state: &Arc<GatewayState>,
    place: &Place,
    text: String,
    reply_to: Option<ExternalId>,
) -> Result<ToolOutput, ToolError> {
    send(state, place, ContentParam::Text(text), reply_to).await
}

async fn poll(
    state: &Arc<GatewayState>,
    place: &Place,
    question: String,
    options: Vec<String>,
) -> Result<ToolOutput, ToolError> {
    if !(2..=10).contains(&options.len()) {
        return Err(refusal("a poll has 2 to 10 options"));
    }
    let poll = Poll { question, options, multiple: false };
    send(state, place, ContentParam::Content(MessageContent::Poll(poll)), None).await
}

async fn send(
    state: &Arc<GatewayState>,
    place: &Place,
    content: ContentParam,
    reply_to: Option<ExternalId>,
) -> Result<ToolOutput, ToolError> {
    let params = MessageSendParams {
        channel_id: place.channel_id.clone(),
        chat_id: place.chat_id.clone(),
        thread_id: place.thread_id.clone(),
        content,
        reply_to,
        idempotency_key: None,
    };
    let sent = send_message(state, &place.principal, params)
        .await
        .map_err(|error| ToolError::RespondToModel(error.report()))?;
    let status = sent.status;
    Ok(ToolOutput::text(format!(
        "{{\"message_id\":\"{}\",\"status\":{}}}",
        sent.message_id,
        serde_json::to_string(&status).map_err(|error| ToolError::Fatal(error.to_string()))?
    )))
}

/// Puts an act that leaves no message of its own on its way.
async fn act(
    state: &Arc<GatewayState>,
    place: &Place,
    outbound: Outbound,
) -> Result<ToolOutput, ToolError> {
    let id =
        OutboxId::new(state.ids.new_id()).map_err(|error| ToolError::Fatal(error.to_string()))?;
    let row = NewOutbox {
        id,
        channel_id: place.channel_id.clone(),
        session_id: None,
        session_key: None,
        run_id: None,
        message_id: None,
        kind: OutboxKind::Message,
        chunk: 0,
        outbound,
        state: OutboxState::Pending,
        principal: Some(place.principal.clone()),
        idempotency_key: None,
        at: state.clock.now(),
    };
    state
        .storage
        .apply(Batch::new().with(Write::Enqueue(Box::new(row))))
        .await
        .map_err(|error| ToolError::RespondToModel(error.to_string()))?;
    Ok(ToolOutput::text("It is on its way."))
}

fn supports(is_able: bool, channel: &ChannelDescriptor, what: &str) -> Result<(), ToolError> {
    match is_able {
        true => Ok(()),
        false => Err(refusal(format!("{} has no {what}", channel.name))),
    }
}

fn text(text: Option<String>) -> Result<String, ToolError> {
    text.filter(|text| !text.trim().is_empty()).ok_or_else(|| refusal("text is needed"))
}

fn refusal(message: impl Into<String>) -> ToolError {
    ToolError::RespondToModel(message.into())
}
