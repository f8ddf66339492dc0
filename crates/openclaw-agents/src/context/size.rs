//! How many bytes of text a message counts for.

use rig_core::message::{AssistantContent, Message, ToolResultContent, UserContent};

use super::IMAGE_BYTES;

pub(super) fn size_of(message: &Message) -> usize {
    const FRAME: usize = 24;
    FRAME
        + match message {
            Message::System { content } => content.len(),
            Message::User { content } => content.iter().map(size_of_user).sum(),
            Message::Assistant(turn) => turn.content.iter().map(size_of_assistant).sum(),
        }
}

fn size_of_user(block: &UserContent) -> usize {
    match block {
        UserContent::Text(text) => text.text.len(),
        UserContent::ToolResult(result) => {
            let parts = result.content.iter().map(|part| match part {
                ToolResultContent::Text(text) => text.text.len(),
                ToolResultContent::Image(_) => IMAGE_BYTES,
                ToolResultContent::Json { value } => value.to_string().len(),
            });
            48 + parts.sum::<usize>()
        }
        UserContent::Image(_)
        | UserContent::Audio(_)
        | UserContent::Video(_)
        | UserContent::Document(_) => IMAGE_BYTES,
    }
}

fn size_of_assistant(block: &AssistantContent) -> usize {
    match block {
        AssistantContent::Text(text) => text.text.len(),
        AssistantContent::Reasoning(reasoning) => reasoning.text.len(),
        AssistantContent::ToolCall(call) => {
            64 + call
                .function
                .arguments
                .iter()
                .map(|(key, value)| {
                    key.len() + value.as_str().map_or_else(|| value.to_string().len(), str::len)
                })
                .sum::<usize>()
        }
        _ => IMAGE_BYTES,
    }
}
