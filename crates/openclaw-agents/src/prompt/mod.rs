//! The words around what people say: the system prompt, and the envelope of each message.

mod envelope;
mod system;

pub(crate) use envelope::{code_of, write_message};
pub(crate) use system::{SystemPrompt, system_prompt};
