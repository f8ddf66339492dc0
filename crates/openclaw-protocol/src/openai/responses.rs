use std::fmt;

use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Number, Value};

use super::{ChoiceWord, ToolKind};

/// The body of `POST /v1/responses`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
pub struct ResponseRequest {
    /// `openclaw`, or `openclaw/<agent>`.
    pub model: String,
    /// What the assistant is to answer, alone or after what was said before.
    pub input: ResponseInput,
    /// Instructions.
    #[serde(default)]
    pub instructions: Option<String>,
    /// Whether the answer is sent while it is written, as server-sent events.
    #[serde(default)]
    pub stream: Option<bool>,
    /// Tools that the caller runs itself.
    #[serde(default)]
    pub tools: Option<Vec<ResponseTool>>,
    /// Which of them has to be called.
    #[serde(default)]
    pub tool_choice: Option<ResponseToolChoice>,
    /// The most tokens of the answer.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub max_output_tokens: Option<u64>,
    /// How freely the next word is chosen, 0 to 2; a model that cannot be told is not.
    #[serde(default)]
    #[schemars(with = "Option<f64>", range(min = 0, max = 2))]
    pub temperature: Option<Number>,
    /// Only the most likely words that together have this probability, 0 to 1.
    #[serde(default)]
    #[schemars(with = "Option<f64>", range(min = 0, max = 1))]
    pub top_p: Option<Number>,
    /// How much to think.
    #[serde(default)]
    pub reasoning: Option<ReasoningOptions>,
    /// The form of the answer.
    #[serde(default)]
    pub text: Option<TextOptions>,
    /// The answer that this goes on from: its session is gone on with.
    #[serde(default)]
    pub previous_response_id: Option<String>,
    /// Whether to answer at once and work on: refused.
    #[serde(default)]
    pub background: Option<bool>,
    /// Whose conversation it is: requests with the same user share a session.
    #[serde(default)]
    pub user: Option<String>,
    /// The newer name of `user`.
    #[serde(default)]
    pub safety_identifier: Option<String>,
    /// Given back with the answer.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
}

/// How much to think.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct ReasoningOptions {
    /// `none`, `minimal`, `low`, `medium`, `high` or `xhigh`.
    #[serde(default)]
    pub effort: Option<String>,
}

/// The form of the answer.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
pub struct TextOptions {
    /// The form.
    #[serde(default)]
    pub format: Option<TextFormat>,
}

/// The form of a text.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TextFormat {
    /// Text.
    Text,
    /// Some JSON object.
    JsonObject,
    /// JSON of this schema.
    JsonSchema {
        /// The schema.
        schema: Map<String, Value>,
    },
}

/// What is to be answered.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
#[schemars(untagged)]
pub enum ResponseInput {
    /// A message of the user.
    Text(String),
    /// A conversation, oldest first.
    Items(Vec<InputItem>),
}

impl<'de> Deserialize<'de> for ResponseInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = ResponseInput;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of input items")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ResponseInput, E> {
                Ok(ResponseInput::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<ResponseInput, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(items)).map(ResponseInput::Items)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// One item of a conversation.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
#[schemars(untagged)]
pub enum InputItem {
    /// A message; its `type` may be left out.
    Message(InputMessage),
    /// Something else.
    Other(OtherItem),
}

impl<'de> Deserialize<'de> for InputItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Map::deserialize(deserializer)?;
        let is_message =
            matches!(fields.get("type").map(Value::as_str), None | Some(Some("message")));
        let item = Value::Object(fields);
        if is_message {
            InputMessage::deserialize(item).map(Self::Message).map_err(de::Error::custom)
        } else {
            OtherItem::deserialize(item).map(Self::Other).map_err(de::Error::custom)
        }
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
pub struct InputMessage {
    /// Always `message`.
    #[serde(rename = "type", default)]
    pub kind: Option<MessageKind>,
    /// Who says it.
    pub role: InputRole,
    /// What.
    pub content: InputContent,
}

/// The kind of a message item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// A message.
    Message,
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputRole {
    /// The user.
    User,
    /// The assistant.
    Assistant,
    /// Instructions.
    System,
    /// Instructions, in the newer word.
    Developer,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
#[schemars(untagged)]
pub enum InputContent {
    /// A text.
    Text(String),
    /// Parts in order.
    Parts(Vec<InputPart>),
}

impl<'de> Deserialize<'de> for InputContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = InputContent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of content parts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<InputContent, E> {
                Ok(InputContent::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<InputContent, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(parts)).map(InputContent::Parts)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// One part of a message.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum InputPart {
    /// Text of a user.
    InputText {
        /// The text.
        text: String,
    },
    /// Text of the assistant.
    OutputText {
        /// The text.
        text: String,
    },
    /// Why the assistant did not answer.
    Refusal {
        /// The text.
        refusal: String,
    },
    /// An image.
    InputImage {
        /// A `data:` URL, or a public `http(s)` one that the gateway fetches.
        #[serde(default)]
        image_url: Option<String>,
    },
    /// A file.
    InputFile {
        /// Base64, or a `data:` URL.
        #[serde(default)]
        file_data: Option<String>,
        /// A public URL that the gateway fetches.
        #[serde(default)]
        file_url: Option<String>,
        /// Its name.
        #[serde(default)]
        filename: Option<String>,
    },
}

/// An item that is no message.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OtherItem {
    /// A call that the assistant made.
    FunctionCall {
        /// The id that its output names.
        call_id: String,
        /// The tool.
        name: String,
        /// JSON.
        arguments: String,
    },
    /// What came out of it.
    FunctionCallOutput {
        /// The call.
        call_id: String,
        /// The result.
        output: InputContent,
    },
    /// What the assistant thought; not used.
    Reasoning,
}

/// A tool of the caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResponseTool {
    /// Always `function`.
    #[serde(rename = "type")]
    pub kind: ToolKind,
    /// The name.
    #[schemars(regex(pattern = r"^[a-zA-Z0-9_-]{1,64}$"))]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// The JSON Schema of its arguments.
    #[serde(default)]
    pub parameters: Option<Map<String, Value>>,
    /// Whether the arguments have to fit the schema exactly; given back.
    #[serde(default)]
    pub strict: Option<bool>,
}

/// Which tool has to be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ResponseToolChoice {
    /// In a word.
    Word(ChoiceWord),
    /// This one.
    Named(NamedResponseTool),
}

/// The tool that has to be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NamedResponseTool {
    /// Always `function`.
    #[serde(rename = "type")]
    pub kind: ToolKind,
    /// The name.
    pub name: String,
}

impl<'de> Deserialize<'de> for ResponseToolChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = ResponseToolChoice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"none\", \"auto\", \"required\" or a function")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<ResponseToolChoice, E> {
                ChoiceWord::deserialize(StrDeserializer::new(word)).map(ResponseToolChoice::Word)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ResponseToolChoice, A::Error> {
                NamedResponseTool::deserialize(MapAccessDeserializer::new(map))
                    .map(ResponseToolChoice::Named)
            }
        }
        deserializer.deserialize_any(Either)
    }
}
