use async_trait::async_trait;
use openclaw_core::{AgentId, ThinkingLevel};
use openclaw_tools::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::visible::to_text;
use crate::desk::Desk;
use crate::subagents::{SpawnRequest, spawn};

const LONGEST_LABEL: usize = 64;

/// `sessions_spawn`: begins a subagent.
#[derive(Debug)]
pub(super) struct SessionsSpawnTool(pub(super) Desk);

/// Arguments of `sessions_spawn`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionsSpawnArgs {
    /// all it has to know: it does not see this conversation
    task: String,
    label: Option<String>,
    /// see agents_list
    agent_id: Option<String>,
    model: Option<String>,
    thinking: Option<ThinkingLevel>,
    timeout_seconds: Option<u64>,
    /// whether its session stays for more
    cleanup: Option<Cleanup>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Cleanup {
    Keep,
    Delete,
}

#[async_trait]
impl Tool for SessionsSpawnTool {
    type Args = SessionsSpawnArgs;

    const NAME: &'static str = "sessions_spawn";
    const DESCRIPTION: &'static str = "Begin a subagent that works on a task beside you. Its result \
        comes to you as a message when it is done: do not wait or ask for it.";
    const ALIASES: &'static [(&'static str, &'static str)] = &[
        ("agentId", "agent_id"),
        ("runTimeoutSeconds", "timeout_seconds"),
        ("timeoutSeconds", "timeout_seconds"),
    ];

    async fn call(
        &self,
        context: &ToolContext,
        args: SessionsSpawnArgs,
    ) -> Result<ToolOutput, ToolError> {
        let bad = |text: String| ToolError::RespondToModel(text);
        if args.task.trim().is_empty() {
            return Err(bad("task is empty".to_owned()));
        }
        let label = args.label.map(|label| label.trim().to_owned()).filter(|l| !l.is_empty());
        if label.as_ref().is_some_and(|label| {
            label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control)
        }) {
            return Err(bad(format!("label has 1 to {LONGEST_LABEL} characters, on one line")));
        }
        let agent_id = args
            .agent_id
            .map(|id| AgentId::new(id).map_err(|error| bad(format!("agent_id: {error}"))))
            .transpose()?;
        let request = SpawnRequest {
            task: args.task,
            label,
            agent_id,
            model: args.model,
            thinking: args.thinking,
            timeout_seconds: args.timeout_seconds.filter(|seconds| *seconds > 0),
            ends_after_run: args.cleanup == Some(Cleanup::Delete),
        };
        let (session_key, run_id) = spawn(&self.0, context, request).await?;
        to_text(&json!({"status": "accepted", "session_key": session_key, "run_id": run_id}))
            .map(ToolOutput::text)
    }
}
