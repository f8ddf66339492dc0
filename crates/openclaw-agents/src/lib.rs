//! The agent: models, the prompt, the context, and the turn loop.
//!
//! [`AgentRunner`] runs turns for the lanes of `openclaw-sessions`: it builds the context from the
//! stored transcript, asks a model, runs the tools the model calls, and commits every step before
//! the next. Models are behind the [`model::Model`] port; retries and failover are adaptors of it.
//! This crate knows no channel and no wire to clients, and it sends no reply itself.
//!
//! **Nothing here holds state that a restart would miss**: an interrupted turn goes on from its
//! stored steps, and a tool call that was interrupted is told to the model, never run again.
//!
//! To add a provider's wire, see [`model`]. To add something to the prompt, see `prompt`; its size
//! is held by a test.

mod asking;
mod compaction;
mod context;
mod contexts;
mod desk;
mod history;
mod input;
mod legacy;
pub mod mcp;
pub mod memory;
pub mod model;
mod placing;
mod probe;
mod prompt;
mod runner;
pub mod schedule;
mod skills;
mod spending;
mod subagents;
mod tokens;
pub mod tools;
mod transcript;
mod turn;

pub use asking::Asking;
pub use context::Settled;
pub use contexts::{Compacted, ContextOverview, ContextPart, Contexts, NoContexts};
pub use desk::{Desk, NewSession, SessionPort, SessionRun};
pub use history::{HistoryMessage, history_entries};
pub use legacy::{PiDeps, Runtimes};
pub use probe::{ModelProbe, probe};
pub use runner::{AgentRunner, RunnerDeps};
pub use skills::{SkillHost, SkillInfo, SkillShelf, SkillState};
pub use spending::{Ledger, Spent, beginning, day_of, spent_since, usd};
pub use subagents::{command_rules, restrict};
pub use tools::with_session_tools;
pub use transcript::{noted_event, said_by_assistant};
