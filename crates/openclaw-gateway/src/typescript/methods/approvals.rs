use openclaw_core::Timestamp;
use openclaw_protocol::event::{ApprovalOutcome, ApprovalResolvedEvent};
use openclaw_protocol::methods::{
    Approval, ApprovalDecision, ApprovalResolve, ApprovalResolveParams,
};
use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params::{ExecApprovalResolveParams, ExecDecision};
use serde_json::{Value, json};

use super::Call;

pub(super) async fn resolve(call: Call<'_>) -> Result<Value, WireError> {
    let params: ExecApprovalResolveParams = call.params()?;
    let decision = match params.decision {
        ExecDecision::AllowOnce => ApprovalDecision::AllowOnce,
        ExecDecision::AllowAlways => ApprovalDecision::AllowAlways,
        ExecDecision::Deny => ApprovalDecision::Deny,
    };
    call.of::<ApprovalResolve>(ApprovalResolveParams { id: params.id, decision }).await?;
    Ok(json!({ "ok": true }))
}

/// A request as these clients see it.
pub(crate) fn requested(approval: &Approval) -> Value {
    json!({
        "id": approval.id,
        "request": {
            "command": approval.command.command,
            "cwd": approval.command.cwd,
            "host": if approval.command.sandboxed { "sandbox" } else { "gateway" },
            "security": null,
            "ask": null,
            "agentId": approval.agent_id,
            "resolvedPath": approval.command.argv.first(),
            "sessionKey": approval.session_key,
        },
        "createdAtMs": approval.created_at.as_millis(),
        "expiresAtMs": approval.expires_at.as_millis(),
    })
}

/// The end of a request as these clients see it.
pub(crate) fn resolved(event: &ApprovalResolvedEvent, now: Timestamp) -> Value {
    let decision = match event.outcome {
        ApprovalOutcome::AllowOnce => Some("allow-once"),
        ApprovalOutcome::AllowAlways => Some("allow-always"),
        ApprovalOutcome::Deny => Some("deny"),
        ApprovalOutcome::Expired | ApprovalOutcome::Withdrawn => None,
    };
    json!({ "id": event.id, "decision": decision, "resolvedBy": event.by, "ts": now.as_millis() })
}
