//! `bash` and `process`: running commands.
//!
//! A command text is read once to a [`CommandPlan`]. The plan is what [`crate::approvals`] ask about and
//! exactly what is started, in the sandbox or, for who chose so, on the host.

mod background;
mod bash;
mod keys;
mod output;
mod plan;
mod process;
mod rules;
mod runner;

pub use background::Processes;
pub use bash::{BashArgs, BashTool};
pub use plan::{CommandPlan, FileDigest, Shape};
pub use process::{ProcessArgs, ProcessTool};
pub use rules::CommandRules;
pub use runner::{CommandDeps, Commands};

use std::sync::Arc;

use crate::ToolRegistryBuilder;

impl ToolRegistryBuilder {
    /// Adds `bash` and `process`, and the board on which they ask.
    #[must_use]
    pub fn with_command_tools(self, commands: Arc<Commands>) -> Self {
        self.asking(commands.approvals().clone())
            .with(BashTool::new(commands.clone()))
            .with(ProcessTool::new(commands))
    }
}
