//! Chat commands: what people ask the gateway itself, on every channel, by a message such as
//! `/status`.
//!
//! A command is an input like any other: stored, deduplicated, answered in its turn and delivered by
//! the same way; only that [`CommandRunner`] answers it instead of the model, which never sees it.
//! What must not wait for the running turn is in `early`. To add a command, add it to
//! [`Command`] and to [`LIST`], and give it a file.

mod activation;
mod approve;
mod compact;
mod context;
pub(crate) mod early;
mod help;
mod list;
mod menu;
mod model;
mod queue;
mod restart;
mod runner;
mod send;
mod skill;
mod status;
mod subagents;
mod think;
mod usage;
mod whoami;

pub(crate) use approve::Answer;
pub use list::{Command, CommandInfo, LIST, Who, parse};
pub use menu::menu;
pub use runner::{CommandDeps, CommandRunner};
