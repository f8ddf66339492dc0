use async_trait::async_trait;
use openclaw_core::AgentId;
use serde_json::Value;

use crate::{ToolContext, ToolDefinition, ToolError, ToolOutput};

/// Tools that are not known when the registry is built, and may come and go while it is used.
///
/// Their names are canonical ([`crate::canonical_tool_name`]) and begin with what no other tool's
/// name begins with; policy, approvals and limits are those of every tool.
#[async_trait]
pub trait ToolSource: Send + Sync + std::fmt::Debug + 'static {
    /// What the names of its tools begin with.
    fn prefix(&self) -> &str;

    /// Finds out what has to be known before [`Self::definitions`] is complete for this agent. Ends
    /// within a bounded time, whether or not all was found out.
    async fn prepare(&self, agent: &AgentId);

    /// What this agent may be offered: the same list in the same order until a tool changes.
    fn definitions(&self, agent: &AgentId) -> Vec<ToolDefinition>;

    /// Runs one call, which the policy allows. Must end soon after `context.cancel`.
    ///
    /// # Errors
    /// As [`crate::Tool::call`]; [`ToolError::Unknown`] where this agent has no such tool.
    async fn call(
        &self,
        context: &ToolContext,
        name: &str,
        arguments: Value,
    ) -> Result<ToolOutput, ToolError>;
}
