//! Lines of Pi's RPC mode, as far as they are used.

use serde::Deserialize;
use serde_json::{Map, Value};

/// What Pi says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(super) enum PiEvent {
    /// Whether it took a command.
    Response { command: String, success: bool, error: Option<String> },
    /// It works on a message.
    AgentStart,
    /// It is done with it, unless it tries again.
    AgentEnd,
    /// The model or a tool begins to say something.
    MessageStart { message: PiMessage },
    /// The model says more.
    MessageUpdate { assistant_message_event: PiDelta },
    /// A message is whole.
    MessageEnd { message: PiMessage },
    /// A tool begins.
    ToolExecutionStart,
    /// A tool has said so much.
    ToolExecutionUpdate { tool_call_id: String, tool_name: String, partial_result: PiResult },
    /// A tool has ended.
    ToolExecutionEnd {
        tool_call_id: String,
        tool_name: String,
        result: PiResult,
        #[serde(default)]
        is_error: bool,
    },
    /// It asks the model once more after a failure.
    AutoRetryStart,
    /// It shortens its conversation.
    CompactionStart { reason: String },
    /// Whatever else there is.
    #[serde(other)]
    Other,
}

/// A part of what the model says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum PiDelta {
    TextDelta {
        delta: String,
    },
    #[serde(other)]
    Other,
}

/// A message of the conversation.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PiMessage {
    pub(super) role: String,
    #[serde(default)]
    content: Value,
    #[serde(default)]
    pub(super) usage: PiUsage,
    pub(super) stop_reason: Option<String>,
    pub(super) error_message: Option<String>,
}

/// Tokens of one answer; `input` is without cached ones.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PiUsage {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) cache_read: u64,
    pub(super) cache_write: u64,
}

/// A tool call in an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PiCall {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: Map<String, Value>,
}

/// What a tool gives.
#[derive(Debug, Default, Deserialize)]
pub(super) struct PiResult {
    #[serde(default)]
    content: Value,
}

impl PiMessage {
    pub(super) fn text(&self) -> String {
        text_of(&self.content)
    }

    pub(super) fn calls(&self) -> Vec<PiCall> {
        let blocks = self.content.as_array().map_or(&[][..], Vec::as_slice);
        blocks
            .iter()
            .filter(|block| block["type"] == "toolCall")
            .filter_map(|block| {
                Some(PiCall {
                    id: block["id"].as_str()?.to_owned(),
                    name: block["name"].as_str()?.to_owned(),
                    arguments: block["arguments"].as_object().cloned().unwrap_or_default(),
                })
            })
            .collect()
    }
}

impl PiResult {
    pub(super) fn text(&self) -> String {
        text_of(&self.content)
    }
}

/// The text blocks of a content, or the content that is a text.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts = blocks.iter().filter(|block| block["type"] == "text");
            texts.filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{PiDelta, PiEvent};

    fn read(line: &str) -> PiEvent {
        serde_json::from_str(line).expect("a line of the protocol")
    }

    #[test]
    fn lines_are_read_and_unknown_ones_are_none_of_ours() {
        let delta = r#"{"type":"message_update","assistantMessageEvent":{"type":"text_delta","contentIndex":0,"delta":"Hello","partial":{}}}"#;
        let PiEvent::MessageUpdate { assistant_message_event: PiDelta::TextDelta { delta } } =
            read(delta)
        else {
            panic!("a delta");
        };
        assert_eq!(delta, "Hello");
        let end = r#"{"type":"message_end","message":{"role":"assistant","content":[{"type":"text","text":"Looking."},
            {"type":"toolCall","id":"call_1","name":"bash","arguments":{"command":"ls"}}],
            "usage":{"input":10,"output":3,"cacheRead":4,"cacheWrite":0,"totalTokens":17},"stopReason":"toolUse"}}"#;
        let PiEvent::MessageEnd { message } = read(end) else { panic!("an end") };
        assert_eq!(message.text(), "Looking.");
        assert_eq!(message.calls()[0].arguments["command"], "ls");
        assert_eq!((message.usage.input, message.usage.cache_read), (10, 4));
        let user = r#"{"type":"message_start","message":{"role":"user","content":"hello"}}"#;
        let PiEvent::MessageStart { message } = read(user) else { panic!("a start") };
        assert_eq!(message.text(), "hello");
        for line in [
            r#"{"type":"queue_update","steering":[]}"#,
            r#"{"type":"turn_start"}"#,
            r#"{"type":"something_new","x":1}"#,
        ] {
            assert!(matches!(read(line), PiEvent::Other), "{line}");
        }
        let refused =
            r#"{"id":"p","type":"response","command":"prompt","success":false,"error":"no model"}"#;
        assert!(matches!(read(refused), PiEvent::Response { success: false, error: Some(_), .. }));
    }
}
