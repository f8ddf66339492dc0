//! The JSON of transcript entries. Nobody else reads or writes it.

mod assistant;
mod summary;
mod tool_result;
mod user;

pub use assistant::said_by_assistant;
pub(crate) use assistant::{AssistantEntry, CallEntry};
pub(crate) use summary::SummaryEntry;
pub(crate) use tool_result::ToolResultEntry;
pub use user::noted_event;
pub(crate) use user::{AskerEntry, FileEntry, ImageEntry, UserEntry};
