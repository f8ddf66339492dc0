//! Approvals of commands as they are stored and told to clients. The board itself is in
//! `openclaw-tools`; whoever answers, from a chat or over the wire, does so by [`answer`].

mod answer;
mod prompt;
mod stored;
mod wire;

pub use answer::answer;
pub(crate) use answer::board;
pub use stored::StoredApprovals;
pub(crate) use wire::{allowed_command, approval};
