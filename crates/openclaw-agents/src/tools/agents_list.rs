use async_trait::async_trait;
use openclaw_tools::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::visible::to_text;
use crate::desk::Desk;
use crate::subagents::may_begin;

/// `agents_list`: the agents that can be begun as subagents.
#[derive(Debug)]
pub(super) struct AgentsListTool(pub(super) Desk);

/// Arguments of `agents_list`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentsListArgs {}

#[async_trait]
impl Tool for AgentsListTool {
    type Args = AgentsListArgs;

    const NAME: &'static str = "agents_list";
    const DESCRIPTION: &'static str = "List the agents that sessions_spawn can begin.";
    const ALIASES: &'static [(&'static str, &'static str)] = &[];

    async fn call(
        &self,
        context: &ToolContext,
        _: AgentsListArgs,
    ) -> Result<ToolOutput, ToolError> {
        let config = self.0.port()?.config();
        let lines: Result<Vec<String>, ToolError> = config
            .agents
            .iter()
            .filter(|agent| agent.id == context.agent_id || may_begin(&config, &agent.id))
            .map(|agent| {
                let is_own = agent.id == context.agent_id;
                to_text(&json!({"agent_id": agent.id, "model": agent.model, "you": is_own}))
            })
            .collect();
        Ok(ToolOutput::text(lines?.join("\n")))
    }
}
