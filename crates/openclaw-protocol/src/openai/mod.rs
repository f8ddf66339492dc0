//! The OpenAI-compatible interface below `/v1`, as far as the gateway reads and writes it.
//!
//! Requests are open objects: what is not known is ignored, as programs send what their model needs.

mod chat;
mod chat_answer;
mod content;
mod error;
mod models;
mod response_answer;
mod responses;

pub use chat::{
    ChatFunction, ChatMessage, ChatRequest, ChatTool, ChatToolChoice, ChoiceWord, NamedFunction,
    NamedTool, ResponseFormat, StopTexts, StreamOptions, ToolKind,
};
pub use chat_answer::{
    ChatAnswer, ChatChoice, ChatChunk, ChatDelta, ChatReply, ChatToolCall, ChatUsage, ChunkChoice,
    FinishReason, FunctionCall, PromptDetails, ToolCallDelta,
};
pub use content::{ChatContent, ChatPart, FileData, ImageUrl, InputAudio};
pub use error::{ApiError, ApiErrorBody};
pub use models::{Model, ModelList};
pub use response_answer::{
    IncompleteDetails, InputDetails, OutputDetails, OutputItem, OutputPart, Response,
    ResponseError, ResponseEvent, ResponseEventKind, ResponseStatus, ResponseUsage,
};
pub use responses::{
    InputContent, InputItem, InputMessage, InputPart, InputRole, MessageKind, NamedResponseTool,
    OtherItem, ReasoningOptions, ResponseInput, ResponseRequest, ResponseTool, ResponseToolChoice,
    TextFormat, TextOptions,
};
