use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ResponseTool, ResponseToolChoice};

/// The answer to `POST /v1/responses`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Response {
    /// Names the answer; a later request can go on from it.
    pub id: String,
    /// Always `response`.
    pub object: String,
    /// In seconds since 1970.
    pub created_at: i64,
    /// Where it stands.
    pub status: ResponseStatus,
    /// Why there is no answer.
    pub error: Option<ResponseError>,
    /// Why the answer is not whole.
    pub incomplete_details: Option<IncompleteDetails>,
    /// As they were given.
    pub instructions: Option<String>,
    /// As it was given.
    pub max_output_tokens: Option<u64>,
    /// The model that was asked for.
    pub model: String,
    /// The answer.
    pub output: Vec<OutputItem>,
    /// Whether several tools may be called at once; always.
    pub parallel_tool_calls: bool,
    /// As it was given.
    pub previous_response_id: Option<String>,
    /// As it was given; null where it is the model's own.
    pub temperature: Option<f64>,
    /// As it was given; null where it is the model's own.
    pub top_p: Option<f64>,
    /// As it was given.
    pub tool_choice: ResponseToolChoice,
    /// As they were given.
    pub tools: Vec<ResponseTool>,
    /// Tokens used, by all model calls of the run together; null while it runs.
    pub usage: Option<ResponseUsage>,
    /// As they were given.
    pub metadata: Map<String, Value>,
}

/// Where an answer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResponseStatus {
    /// It is being written.
    InProgress,
    /// It is whole.
    Completed,
    /// It reached the output limit.
    Incomplete,
    /// There is none.
    Failed,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResponseError {
    /// A stable name.
    pub code: String,
    /// What happened.
    pub message: String,
}

/// Why an answer is not whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IncompleteDetails {
    /// Always `max_output_tokens`.
    pub reason: String,
}

/// One item of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutputItem {
    /// What the assistant says.
    Message {
        /// Names the item.
        id: String,
        /// Always `assistant`.
        role: String,
        /// Where it stands.
        status: ResponseStatus,
        /// The text, as one part.
        content: Vec<OutputPart>,
    },
    /// A call for the caller to run.
    FunctionCall {
        /// Names the item.
        id: String,
        /// The id that the output has to name.
        call_id: String,
        /// The tool.
        name: String,
        /// JSON, as the model wrote it.
        arguments: String,
        /// Where it stands.
        status: ResponseStatus,
    },
}

/// One part of what the assistant says.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutputPart {
    /// Text.
    OutputText {
        /// The text.
        text: String,
        /// Always empty.
        annotations: Vec<Value>,
        /// Always empty.
        logprobs: Vec<Value>,
    },
}

/// Tokens used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResponseUsage {
    /// Tokens read.
    pub input_tokens: u64,
    /// More about those read.
    pub input_tokens_details: InputDetails,
    /// Tokens written.
    pub output_tokens: u64,
    /// More about those written.
    pub output_tokens_details: OutputDetails,
    /// Both.
    pub total_tokens: u64,
}

/// More about the tokens read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InputDetails {
    /// Those the provider had cached.
    pub cached_tokens: u64,
}

/// More about the tokens written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutputDetails {
    /// Not told apart: always 0.
    pub reasoning_tokens: u64,
}

/// One event of a streamed answer.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ResponseEvent {
    /// 0, 1, 2, …
    pub sequence_number: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: ResponseEventKind,
}

/// What happened to a streamed answer.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type")]
pub enum ResponseEventKind {
    /// It began.
    #[serde(rename = "response.created")]
    Created {
        /// As it stands.
        response: Box<Response>,
    },
    /// It is being written.
    #[serde(rename = "response.in_progress")]
    InProgress {
        /// As it stands.
        response: Box<Response>,
    },
    /// An item began.
    #[serde(rename = "response.output_item.added")]
    ItemAdded {
        /// Its place.
        output_index: u32,
        /// As it begins.
        item: OutputItem,
    },
    /// A part of a message began.
    #[serde(rename = "response.content_part.added")]
    PartAdded {
        /// The message.
        item_id: String,
        /// Its place.
        output_index: u32,
        /// The part's place in it.
        content_index: u32,
        /// As it begins.
        part: OutputPart,
    },
    /// New text.
    #[serde(rename = "response.output_text.delta")]
    TextDelta {
        /// The message.
        item_id: String,
        /// Its place.
        output_index: u32,
        /// The part's place in it.
        content_index: u32,
        /// Only the new text.
        delta: String,
        /// Always empty.
        logprobs: Vec<Value>,
    },
    /// The text is whole.
    #[serde(rename = "response.output_text.done")]
    TextDone {
        /// The message.
        item_id: String,
        /// Its place.
        output_index: u32,
        /// The part's place in it.
        content_index: u32,
        /// All of it.
        text: String,
        /// Always empty.
        logprobs: Vec<Value>,
    },
    /// A part is whole.
    #[serde(rename = "response.content_part.done")]
    PartDone {
        /// The message.
        item_id: String,
        /// Its place.
        output_index: u32,
        /// The part's place in it.
        content_index: u32,
        /// All of it.
        part: OutputPart,
    },
    /// New arguments of a call.
    #[serde(rename = "response.function_call_arguments.delta")]
    ArgumentsDelta {
        /// The call's item.
        item_id: String,
        /// Its place.
        output_index: u32,
        /// Only what is new.
        delta: String,
    },
    /// The arguments are whole.
    #[serde(rename = "response.function_call_arguments.done")]
    ArgumentsDone {
        /// The call's item.
        item_id: String,
        /// Its place.
        output_index: u32,
        /// The tool.
        name: String,
        /// All of them.
        arguments: String,
    },
    /// An item is whole.
    #[serde(rename = "response.output_item.done")]
    ItemDone {
        /// Its place.
        output_index: u32,
        /// All of it.
        item: OutputItem,
    },
    /// The answer is whole.
    #[serde(rename = "response.completed")]
    Completed {
        /// All of it.
        response: Box<Response>,
    },
    /// The answer reached the output limit.
    #[serde(rename = "response.incomplete")]
    Incomplete {
        /// All of it.
        response: Box<Response>,
    },
    /// There will be no answer.
    #[serde(rename = "response.failed")]
    Failed {
        /// As it stands.
        response: Box<Response>,
    },
}

impl ResponseEventKind {
    /// The name of the event, which is its type.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "response.created",
            Self::InProgress { .. } => "response.in_progress",
            Self::ItemAdded { .. } => "response.output_item.added",
            Self::PartAdded { .. } => "response.content_part.added",
            Self::TextDelta { .. } => "response.output_text.delta",
            Self::TextDone { .. } => "response.output_text.done",
            Self::PartDone { .. } => "response.content_part.done",
            Self::ArgumentsDelta { .. } => "response.function_call_arguments.delta",
            Self::ArgumentsDone { .. } => "response.function_call_arguments.done",
            Self::ItemDone { .. } => "response.output_item.done",
            Self::Completed { .. } => "response.completed",
            Self::Incomplete { .. } => "response.incomplete",
            Self::Failed { .. } => "response.failed",
        }
    }
}
