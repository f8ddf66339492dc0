use openclaw_core::StopReason;
use openclaw_protocol::openai::{
    ApiErrorBody, ChatAnswer, ChatChoice, ChatChunk, ChatDelta, ChatReply, ChatToolCall, ChatUsage,
    ChunkChoice, FinishReason, FunctionCall, PromptDetails, ToolCallDelta, ToolKind,
};
use openclaw_sessions::RunEnd;
use openclaw_storage::rows::CallerCall;

use super::error::Refused;
use super::follow::{Events, Writer};

/// What all parts of one answer share.
#[derive(Debug, Clone)]
pub(super) struct Head {
    /// Names the answer.
    pub(super) id: String,
    /// In seconds since 1970.
    pub(super) created: i64,
    /// As it was asked for.
    pub(super) model: String,
}

/// The whole answer.
pub(super) fn answer(head: Head, end: &RunEnd) -> ChatAnswer {
    let text = end.reply.clone().filter(|text| !text.is_empty() || end.calls.is_empty());
    ChatAnswer {
        id: head.id,
        object: "chat.completion".to_owned(),
        created: head.created,
        model: head.model,
        choices: vec![ChatChoice {
            index: 0,
            message: ChatReply {
                role: "assistant".to_owned(),
                content: text,
                refusal: None,
                tool_calls: end.calls.iter().map(tool_call).collect(),
            },
            finish_reason: finish_reason(end),
            logprobs: None,
        }],
        usage: usage(end),
    }
}

fn tool_call(call: &CallerCall) -> ChatToolCall {
    ChatToolCall {
        id: call.id.as_str().to_owned(),
        kind: ToolKind::Function,
        function: FunctionCall {
            name: call.name.as_str().to_owned(),
            arguments: call.arguments.clone(),
        },
    }
}

fn finish_reason(end: &RunEnd) -> FinishReason {
    match end.stop_reason {
        _ if !end.calls.is_empty() => FinishReason::ToolCalls,
        Some(StopReason::MaxTokens) => FinishReason::Length,
        _ => FinishReason::Stop,
    }
}

fn usage(end: &RunEnd) -> ChatUsage {
    let used = end.usage.unwrap_or_default();
    ChatUsage {
        prompt_tokens: used.input_tokens,
        completion_tokens: used.output_tokens,
        total_tokens: used.input_tokens + used.output_tokens,
        prompt_tokens_details: PromptDetails { cached_tokens: used.cache_read_tokens },
    }
}

/// Writes an answer as chunks.
#[derive(Debug)]
pub(super) struct ChunkWriter {
    head: Head,
    /// Whether a last chunk tells the tokens used.
    tells_usage: bool,
}

impl ChunkWriter {
    pub(super) fn new(head: Head, tells_usage: bool) -> Self {
        Self { head, tells_usage }
    }

    fn chunk(&self, choices: Vec<ChunkChoice>, usage: Option<ChatUsage>) -> ChatChunk {
        ChatChunk {
            id: self.head.id.clone(),
            object: "chat.completion.chunk".to_owned(),
            created: self.head.created,
            model: self.head.model.clone(),
            choices,
            usage: self.tells_usage.then_some(usage),
        }
    }

    fn delta(&self, delta: ChatDelta, reason: Option<FinishReason>, to: &mut Events) {
        let choice = ChunkChoice { index: 0, delta, finish_reason: reason };
        to.push(None, &self.chunk(vec![choice], None));
    }
}

impl Writer for ChunkWriter {
    fn begin(&mut self, to: &mut Events) {
        let delta = ChatDelta {
            role: Some("assistant".to_owned()),
            content: Some(String::new()),
            ..ChatDelta::default()
        };
        self.delta(delta, None, to);
    }

    fn text(&mut self, text: &str, to: &mut Events) {
        let delta = ChatDelta { content: Some(text.to_owned()), ..ChatDelta::default() };
        self.delta(delta, None, to);
    }

    fn end(&mut self, end: &RunEnd, to: &mut Events) {
        if !end.calls.is_empty() {
            let calls = end.calls.iter().zip(0..);
            let tool_calls =
                calls.map(|(call, index)| ToolCallDelta { index, call: tool_call(call) }).collect();
            self.delta(ChatDelta { tool_calls, ..ChatDelta::default() }, None, to);
        }
        self.delta(ChatDelta::default(), Some(finish_reason(end)), to);
        if self.tells_usage {
            to.push(None, &self.chunk(Vec::new(), Some(usage(end))));
        }
        to.done();
    }

    fn fail(&mut self, refused: &Refused, to: &mut Events) {
        to.push(None, &ApiErrorBody { error: refused.error.clone() });
        to.done();
    }
}
