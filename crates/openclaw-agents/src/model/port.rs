use std::fmt;
use std::sync::Arc;

use futures_util::stream::BoxStream;
use openclaw_core::{StopReason, ThinkingLevel, Usage};
use openclaw_tools::ToolDefinition;
use rig_core::message::{AssistantContent, AssistantMessage, Message, ToolCall, ToolChoice};

use super::{ModelError, PauseBudget};
use crate::context::Settled;
use openclaw_storage::rows::Sampling;

/// Something that answers a conversation.
///
/// Retries and failover are adaptors that are models themselves.
pub trait Model: Send + Sync + fmt::Debug {
    /// `provider/model`, as it is shown and configured.
    fn name(&self) -> &str;

    /// Answers. Nothing is sent before the stream is polled; dropping it cancels the request and
    /// closes its connection. The last item is [`Event::Finished`] or the error.
    fn stream(&self, request: Request) -> EventStream;
}

/// A reply as it arrives.
pub type EventStream = BoxStream<'static, Result<Event, ModelError>>;

/// What a model is asked. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Request {
    /// The system prompt.
    pub system: Arc<str>,
    /// How the conversation began: rounds that are over.
    pub settled: Arc<Settled>,
    /// What came after those, oldest first; the last message is the user's.
    pub messages: Arc<Vec<Message>>,
    /// The tools that may be called.
    pub tools: Arc<[ToolDefinition]>,
    /// Whether one of them has to be called; `None` leaves it to the model.
    pub tool_choice: Option<ToolChoice>,
    /// The most tokens of the answer, where less than the model's own limit.
    pub max_output: Option<u64>,
    /// How much to think.
    pub thinking: ThinkingLevel,
    /// The pauses between tries that are left to all candidates together; `None` is no limit.
    pub pauses: Option<Arc<PauseBudget>>,
    /// Whether to wait for a limit of the provider that passes soon.
    pub on_limit: OnLimit,
    /// How the next word is chosen; a model that cannot be told is not.
    pub sampling: Sampling,
}

/// What to do when the provider says that it was asked too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnLimit {
    /// Ask again a moment later.
    #[default]
    Wait,
    /// Fail at once: something else can be asked.
    GiveUp,
}

/// One item of a reply.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// New text.
    Text(String),
    /// New thinking; not shown.
    Thinking(String),
    /// A new try begins: forget the text that came before.
    Reset,
    /// The reply is whole.
    Finished(Box<Reply>),
}

/// A whole reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The model that gave it, `provider/model`.
    pub model: String,
    /// The assistant's message.
    pub message: AssistantMessage,
    /// Tokens used.
    pub usage: Usage,
    /// [`StopReason::EndTurn`] or [`StopReason::MaxTokens`].
    pub stop: StopReason,
}

impl Reply {
    /// Its text.
    pub fn text(&self) -> String {
        text_of(&self.message)
    }

    /// Its tool calls, in order.
    pub fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.message.tool_calls()
    }
}

/// The text of an assistant's message.
pub(crate) fn text_of(message: &AssistantMessage) -> String {
    message
        .content
        .iter()
        .filter_map(|block| match block {
            AssistantContent::Text(text) => Some(text.text.as_str()),
            _ => None,
        })
        .collect()
}
