use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::methods::{Approval, ApprovalDecision};
use openclaw_tools::approvals::{Approvals, Verdict};

use super::approval;
use crate::GatewayState;

/// Answers a request in somebody's name, which is put on record. That they may, the caller has made
/// sure: by the scope `operator.approvals`, or because they are an owner.
///
/// # Errors
/// `NotFound` when no such request waits.
pub fn answer(
    state: &GatewayState,
    id: &str,
    decision: ApprovalDecision,
    by: &str,
) -> Result<Approval, OpenClawError> {
    let verdict = match decision {
        ApprovalDecision::AllowOnce => Verdict::AllowOnce,
        ApprovalDecision::AllowAlways => Verdict::AllowAlways,
        ApprovalDecision::Deny => Verdict::Deny,
    };
    let request = board(state)?.resolve(id, verdict, by).map_err(|error| {
        OpenClawError::not_found(error.to_string())
            .with_field("id")
            .with_hint("approval.list shows what waits; a request waits for 120 s")
    })?;
    tracing::info!(id, ?decision, by, "an approval was answered");
    Ok(approval(&request))
}

/// The board of this gateway's tools.
pub(crate) fn board(state: &GatewayState) -> Result<&Approvals, OpenClawError> {
    let board = state.tools.approvals().map(AsRef::as_ref);
    board.ok_or_else(|| {
        OpenClawError::new(ErrorKind::Unavailable, "no tool of this gateway asks for approval")
    })
}
