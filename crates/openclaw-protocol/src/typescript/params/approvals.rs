use serde::Deserialize;
use serde_json::Value;

/// The params of `exec.approval.request`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecApprovalRequestParams {
    /// The id, where the asker chooses one.
    pub id: Option<String>,
    /// The command.
    pub command: String,
    /// The folder.
    pub cwd: Option<String>,
    /// Where it will run.
    pub host: Option<String>,
    /// The asker's own rule, for information.
    pub security: Option<String>,
    /// The asker's own rule, for information.
    pub ask: Option<String>,
    /// The agent in whose name it is asked.
    pub agent_id: Option<String>,
    /// The program.
    pub resolved_path: Option<String>,
    /// The session whose clients are told.
    pub session_key: Option<String>,
    /// How long it waits; 120 s.
    pub timeout_ms: Option<u64>,
    /// Whether an answer is wanted as soon as it is asked, beside the one at the end.
    pub two_phase: Option<bool>,
}

/// The params of `exec.approval.waitDecision`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecApprovalWaitParams {
    /// The request.
    pub id: String,
}

/// The params of `exec.approval.resolve`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecApprovalResolveParams {
    /// The request.
    pub id: String,
    /// The answer.
    pub decision: ExecDecision,
}

/// An answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExecDecision {
    /// This time.
    AllowOnce,
    /// From now on.
    AllowAlways,
    /// No.
    Deny,
}

/// The params of `exec.approvals.set`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecApprovalsSetParams {
    /// The whole of what is allowed.
    pub file: Value,
    /// What it was when it was read.
    pub base_hash: Option<String>,
}
