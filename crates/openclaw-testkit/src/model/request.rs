use serde_json::Value;
use tokio::time::Instant;

use super::Api;

/// One request as it came in.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    /// Its number, from 0.
    pub index: usize,
    /// The wire.
    pub api: Api,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The model asked for.
    pub(crate) model: String,
    /// Whether a stream is asked for.
    pub(crate) stream: bool,
    /// The conversation, in the chat wire's shape.
    pub(crate) messages: Vec<Value>,
    /// The raw body.
    pub body: Value,
    /// The body's length in bytes.
    pub body_bytes: usize,
    /// When it had come in.
    pub at: Instant,
    /// What is wrong with it.
    pub violations: Vec<String>,
}

impl RecordedRequest {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The model asked for.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Whether a stream is asked for.
    pub fn is_stream(&self) -> bool {
        self.stream
    }

    /// The messages; those of other wires than Messages in the chat wire's shape.
    pub fn messages(&self) -> &[Value] {
        &self.messages
    }

    /// The system prompt.
    pub fn system_text(&self) -> String {
        match self.api {
            Api::Messages => text_of(&self.body["system"]),
            Api::Chat | Api::Responses | Api::Gemini | Api::Ollama => self
                .messages()
                .iter()
                .filter(|message| matches!(message["role"].as_str(), Some("system" | "developer")))
                .map(|message| text_of(&message["content"]))
                .collect::<Vec<_>>()
                .join("\n"),
        }
    }

    /// The text of the last user message that has any; tool results do not count.
    pub fn last_user_text(&self) -> String {
        self.messages()
            .iter()
            .rev()
            .filter(|message| message["role"] == "user")
            .map(|message| text_of(&message["content"]))
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    }

    /// The texts of all user and assistant messages with their roles, tool results left out.
    pub fn dialogue(&self) -> Vec<(String, String)> {
        self.messages()
            .iter()
            .filter(|message| matches!(message["role"].as_str(), Some("user" | "assistant")))
            .map(|message| {
                (
                    message["role"].as_str().unwrap_or_default().to_owned(),
                    text_of(&message["content"]),
                )
            })
            .filter(|(_, text)| !text.is_empty())
            .collect()
    }

    /// Whether the last message carries tool results.
    pub fn has_tool_result(&self) -> bool {
        self.messages().last().is_some_and(|message| {
            message["role"] == "tool"
                || blocks(&message["content"]).any(|block| block["type"] == "tool_result")
        })
    }

    /// All tool results as `(call id, text)`, in order.
    pub fn tool_results(&self) -> Vec<(String, String)> {
        let mut results = Vec::new();
        for message in self.messages() {
            if message["role"] == "tool" {
                let id = message["tool_call_id"].as_str().unwrap_or_default();
                results.push((id.to_owned(), text_of(&message["content"])));
            }
            for block in blocks(&message["content"]) {
                if block["type"] == "tool_result" {
                    let id = block["tool_use_id"].as_str().unwrap_or_default();
                    results.push((id.to_owned(), text_of(&block["content"])));
                }
            }
        }
        results
    }

    /// The names of the tools offered, in order.
    pub fn tool_names(&self) -> Vec<String> {
        let tools = self.body["tools"].as_array().map_or(&[][..], Vec::as_slice);
        let names: Vec<&Value> = match self.api {
            Api::Chat | Api::Ollama => tools.iter().map(|tool| &tool["function"]["name"]).collect(),
            Api::Messages | Api::Responses => tools.iter().map(|tool| &tool["name"]).collect(),
            Api::Gemini => tools
                .iter()
                .flat_map(|tool| tool["functionDeclarations"].as_array().into_iter().flatten())
                .map(|function| &function["name"])
                .collect(),
        };
        names.into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// How many images the messages carry.
    pub fn image_count(&self) -> usize {
        self.messages()
            .iter()
            .flat_map(|message| blocks(&message["content"]))
            .filter(|block| block["type"] == "image" || block["type"] == "image_url")
            .count()
    }
}

fn blocks(content: &Value) -> impl Iterator<Item = &Value> {
    content.as_array().into_iter().flatten()
}

/// The text of a content: a string, or the text blocks of an array.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter(|part| part["type"] == "text")
            .filter_map(|part| part["text"].as_str())
            .collect::<Vec<_>>()
            .join("\n"),
        _ => String::new(),
    }
}
