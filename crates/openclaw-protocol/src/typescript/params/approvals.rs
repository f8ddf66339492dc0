use serde::Deserialize;

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
