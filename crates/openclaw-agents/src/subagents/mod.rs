//! Subagents: sessions that an agent begins for a part of its work.
//!
//! One has a session, a lane and runs of its own. What becomes of a run that its parent asked for is
//! an input of the parent, committed with the run's end. It never has more rights than the session
//! that began it: that session's rules, and those of all above it, hold beside its own.

mod bounds;
mod prompt;
mod spawn;

pub use bounds::{command_rules, restrict};
pub(crate) use prompt::instruct;
pub(crate) use spawn::{SpawnRequest, begin_task, may_begin, refused, spawn};
