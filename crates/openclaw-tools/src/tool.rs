use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use openclaw_core::{AgentId, CallId, MediaRef, RunId, SessionKey, ToolName};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::commands::CommandRules;

/// Something the agent can do.
#[async_trait]
pub trait Tool: Send + Sync + std::fmt::Debug + 'static {
    /// The arguments; doc comments of the fields become their descriptions.
    type Args: DeserializeOwned + JsonSchema + Send + 'static;

    /// The name the model calls.
    const NAME: &'static str;

    /// One or two sentences for the model: what it does and when to use it.
    const DESCRIPTION: &'static str;

    /// Other names of arguments that models use, as `(alias, name)`.
    const ALIASES: &'static [(&'static str, &'static str)];

    /// Runs it. Must end soon after `context.cancel`.
    ///
    /// # Errors
    /// [`ToolError::RespondToModel`] for what the model can do better, [`ToolError::Fatal`] for what
    /// ends the turn.
    async fn call(&self, context: &ToolContext, args: Self::Args) -> Result<ToolOutput, ToolError>;
}

/// In whose name and where a tool runs.
#[derive(Clone)]
pub struct ToolContext {
    /// The agent.
    pub agent_id: AgentId,
    /// The session.
    pub session_key: SessionKey,
    /// The run, when an agent calls.
    pub run_id: Option<RunId>,
    /// The folder file tools work in.
    pub workspace: PathBuf,
    /// How commands run.
    pub commands: Arc<CommandRules>,
    /// Ends the call.
    pub cancel: CancellationToken,
    /// Takes output while the tool works; must not block.
    pub output: Arc<dyn Fn(&str) + Send + Sync>,
}

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// The model's id of it.
    pub call_id: CallId,
    /// The tool, or an alias of it.
    pub name: ToolName,
    /// The arguments as the model gave them.
    pub arguments: Value,
}

/// What the model is offered.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolDefinition {
    /// The name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// JSON Schema draft 7 of the arguments, without `$ref`.
    pub parameters: Value,
}

/// What came out of a call that worked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolOutput {
    /// For the model.
    pub text: String,
    /// Files it produced, images among them are shown to the model.
    pub media: Vec<MediaRef>,
}

impl ToolOutput {
    /// Plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), media: Vec::new() }
    }
}

/// Why a call did not work.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// There is no such tool.
    #[error("there is no tool {0:?}")]
    Unknown(String),
    /// The policy forbids it here.
    #[error("the tool {tool} is not allowed here: {reason}")]
    Denied {
        /// The tool.
        tool: String,
        /// Which rule, and where it would be allowed.
        reason: String,
    },
    /// The arguments do not fit the schema.
    #[error("invalid arguments for {tool}: {message}")]
    InvalidArguments {
        /// The tool.
        tool: String,
        /// What is wrong, with the argument's name.
        message: String,
    },
    /// Something the model should know and can act on.
    #[error("{0}")]
    RespondToModel(String),
    /// The call was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// Something that ends the turn.
    #[error("{0}")]
    Fatal(String),
}
