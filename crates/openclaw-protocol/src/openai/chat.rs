use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};

use super::{ChatContent, ChatToolCall};

/// The body of `POST /v1/chat/completions`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
pub struct ChatRequest {
    /// `openclaw`, or `openclaw/<agent>`.
    pub model: String,
    /// The conversation, oldest first; it ends with what the assistant is to answer.
    #[schemars(length(min = 1))]
    pub messages: Vec<ChatMessage>,
    /// Whether the answer is sent while it is written, as server-sent events.
    #[serde(default)]
    pub stream: Option<bool>,
    /// More about the stream.
    #[serde(default)]
    pub stream_options: Option<StreamOptions>,
    /// Tools that the caller runs itself.
    #[serde(default)]
    pub tools: Option<Vec<ChatTool>>,
    /// Which of them has to be called.
    #[serde(default)]
    pub tool_choice: Option<ChatToolChoice>,
    /// Answers asked for; only 1.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1))]
    pub n: Option<u32>,
    /// The most tokens of the answer.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub max_completion_tokens: Option<u64>,
    /// The older name of `max_completion_tokens`.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub max_tokens: Option<u64>,
    /// How freely the next word is chosen, 0 to 2; a model that cannot be told is not.
    #[serde(default)]
    #[schemars(with = "Option<f64>", range(min = 0, max = 2))]
    pub temperature: Option<Number>,
    /// Only the most likely words that together have this probability, 0 to 1.
    #[serde(default)]
    #[schemars(with = "Option<f64>", range(min = 0, max = 1))]
    pub top_p: Option<Number>,
    /// Texts that end the answer.
    #[serde(default)]
    pub stop: Option<StopTexts>,
    /// How much to think: `none`, `minimal`, `low`, `medium`, `high` or `xhigh`.
    #[serde(default)]
    pub reasoning_effort: Option<String>,
    /// The form of the answer.
    #[serde(default)]
    pub response_format: Option<ResponseFormat>,
    /// Whose conversation it is: requests with the same user share a session.
    #[serde(default)]
    pub user: Option<String>,
}

/// Texts that end an answer: at most four.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum StopTexts {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// More about a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct StreamOptions {
    /// Whether a last chunk tells the tokens used.
    #[serde(default)]
    pub include_usage: Option<bool>,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum ChatMessage {
    /// Instructions.
    System {
        /// The text.
        content: ChatContent,
    },
    /// Instructions, in the newer word.
    Developer {
        /// The text.
        content: ChatContent,
    },
    /// What the user said.
    User {
        /// Text, images, files.
        content: ChatContent,
    },
    /// What the assistant said.
    Assistant {
        /// The text.
        #[serde(default)]
        content: Option<ChatContent>,
        /// The calls it made.
        #[serde(default)]
        tool_calls: Option<Vec<ChatToolCall>>,
    },
    /// What came out of a call.
    Tool {
        /// The call.
        tool_call_id: String,
        /// The result.
        content: ChatContent,
    },
}

/// A tool of the caller.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
pub struct ChatTool {
    /// Always `function`.
    #[serde(rename = "type")]
    pub kind: ToolKind,
    /// The function.
    pub function: ChatFunction,
}

/// The kinds of tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToolKind {
    /// A function.
    Function,
}

/// A function of the caller.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
pub struct ChatFunction {
    /// The name.
    #[schemars(regex(pattern = r"^[a-zA-Z0-9_-]{1,64}$"))]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// The JSON Schema of its arguments.
    #[serde(default)]
    pub parameters: Option<Map<String, Value>>,
}

/// Which tool has to be called.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum ChatToolChoice {
    /// In a word.
    Word(ChoiceWord),
    /// This one.
    Named(NamedTool),
}

/// Whether any tool has to be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChoiceWord {
    /// None is offered.
    None,
    /// The model decides.
    Auto,
    /// Some tool has to be.
    Required,
}

/// The tool that has to be called.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct NamedTool {
    /// Always `function`.
    #[serde(rename = "type")]
    pub kind: ToolKind,
    /// The function.
    pub function: NamedFunction,
}

/// A function by its name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct NamedFunction {
    /// The name.
    pub name: String,
}

impl<'de> Deserialize<'de> for ChatToolChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = ChatToolChoice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"none\", \"auto\", \"required\" or a function")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<ChatToolChoice, E> {
                ChoiceWord::deserialize(de::value::StrDeserializer::new(word))
                    .map(ChatToolChoice::Word)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ChatToolChoice, A::Error> {
                NamedTool::deserialize(MapAccessDeserializer::new(map)).map(ChatToolChoice::Named)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The form of an answer.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponseFormat {
    /// Text.
    Text,
    /// Some JSON object.
    JsonObject,
    /// JSON of this schema.
    JsonSchema {
        /// Its name and schema.
        json_schema: Map<String, Value>,
    },
}
