use openclaw_core::{AgentId, RunId, SessionKey, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NoParams;
use crate::method::method;
use crate::{Access, Scope};

method! {
    /// `approval.list`.
    ApprovalList, "approval.list", Access::Scope(Scope::Approvals), NoParams => ApprovalListResult,
    "Lists the commands that wait for approval, oldest first."
}
method! {
    /// `approval.resolve`.
    ApprovalResolve, "approval.resolve", Access::Scope(Scope::Approvals), ApprovalResolveParams => Approval,
    "Answers a command that waits for approval. Exactly what was shown runs, or nothing."
}
method! {
    /// `approval.allowed`.
    ApprovalAllowed, "approval.allowed", Access::Scope(Scope::Approvals), NoParams => ApprovalAllowedResult,
    "Lists the commands that are allowed always."
}
method! {
    /// `approval.forget`.
    ApprovalForget, "approval.forget", Access::Scope(Scope::Approvals), ApprovalForgetParams => AllowedCommand,
    "Takes back that a command is allowed always."
}

/// The result of `approval.list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalListResult {
    /// What waits.
    pub approvals: Vec<Approval>,
}

/// The params of `approval.resolve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalResolveParams {
    /// The request.
    pub id: String,
    /// The answer.
    pub decision: ApprovalDecision,
}

/// An answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalDecision {
    /// This one time.
    AllowOnce,
    /// This command, word for word, whenever it is asked for.
    AllowAlways,
    /// No.
    Deny,
}

/// A command that waits for approval: exactly what will run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// Eight characters.
    pub id: String,
    /// The agent.
    pub agent_id: AgentId,
    /// The session.
    pub session_key: SessionKey,
    /// The run, when an agent asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// Why it asks.
    pub reason: String,
    /// SHA-256 of the plan, which is what is approved.
    pub digest: String,
    /// The plan.
    #[serde(flatten)]
    pub command: PlannedCommand,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it counts as denied.
    pub expires_at: Timestamp,
}

/// A command as it is planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedCommand {
    /// As one line, for people.
    pub command: String,
    /// The program by its path, and its arguments.
    pub argv: Vec<String>,
    /// Whether a shell reads the command.
    pub shell: bool,
    /// The folder it starts in, as it is called where it runs.
    pub cwd: String,
    /// Variables, as `NAME=value`, besides those that every command has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// The files it names, and their content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PlannedFile>,
    /// Whether it runs in the sandbox.
    pub sandboxed: bool,
    /// Hosts it may reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Paths of the host it may see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}

/// A file that a command names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedFile {
    /// The path, as the command sees it.
    pub path: String,
    /// SHA-256 of the content, in hex.
    pub sha256: String,
}

/// The result of `approval.allowed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalAllowedResult {
    /// What is allowed.
    pub allowed: Vec<AllowedCommand>,
}

/// A command that is allowed always.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AllowedCommand {
    /// What `approval.forget` takes.
    pub key: String,
    /// The agent it is allowed to.
    pub agent_id: AgentId,
    /// Exactly what is allowed.
    #[serde(flatten)]
    pub command: PlannedCommand,
    /// Who allowed it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// The params of `approval.forget`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalForgetParams {
    /// The key, or its beginning where that is unique; at least 8 characters.
    pub key: String,
}
