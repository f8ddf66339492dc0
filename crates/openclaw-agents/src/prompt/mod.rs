//! The words around what people say: the system prompt, and the envelope of each message.

mod bootstrap;
mod envelope;
mod system;

pub(crate) use bootstrap::{Bootstrap, BootstrapFile};
pub(crate) use envelope::{code_of, fresh_code, one_line, write_message};
pub(crate) use system::{Section, SystemPrompt, stable_code, system_prompt};
