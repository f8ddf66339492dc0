use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use openclaw_core::{AgentId, SessionKey, Timestamp};
use openclaw_protocol::event::{ApprovalOutcome, ApprovalResolvedEvent};
use openclaw_protocol::methods::{
    AllowedCommand, Approval, ApprovalAllowed, ApprovalDecision, ApprovalForget,
    ApprovalForgetParams, ApprovalResolve, ApprovalResolveParams, NoParams,
};
use openclaw_protocol::typescript::params::{
    ExecApprovalRequestParams, ExecApprovalResolveParams, ExecApprovalWaitParams,
    ExecApprovalsSetParams, ExecDecision,
};
use openclaw_protocol::typescript::{WireError, success};
use openclaw_tools::approvals::{ApprovalRequest, Foreign, Resolution, Verdict};
use openclaw_tools::commands::CommandPlan;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::keys;
use super::{Call, payload};
use crate::approvals::board;

const DEFAULT_WAIT_MS: u64 = 120_000;
const LONGEST_WAIT_MS: u64 = 600_000;
const LONGEST_COMMAND: usize = 64 * 1024;

/// Asks in the name of a client about what it is to run itself.
pub(super) async fn request(call: Call<'_>) -> Result<Value, WireError> {
    let params: ExecApprovalRequestParams = call.params()?;
    let foreign = foreign(call, &params)?;
    let board = board(call.state).map_err(WireError::from)?;
    let is_two_phase = params.two_phase.unwrap_or_default();
    let asking = board.ask_for(foreign, |request| {
        if is_two_phase {
            first_answer(call, request);
        }
    });
    let asked = tokio::select! {
        asked = asking => asked,
        () = call.caller.gone.cancelled() => {
            return Err(WireError::unavailable("the client is gone, so it is not asked any more"));
        }
    };
    let (outcome, request) = asked.map_err(|error| WireError::unavailable(error.to_string()))?;
    Ok(decided(&outcome, &request))
}

fn first_answer(call: Call<'_>, request: &ApprovalRequest) {
    let first = json!({
        "status": "accepted",
        "id": request.id,
        "createdAtMs": request.created_at.as_millis(),
        "expiresAtMs": request.expires_at.as_millis(),
    });
    match success(&call.request.id, &first) {
        Ok(text) => call.link.client.answer(text, None),
        Err(error) => tracing::error!(%error, "a first answer cannot be written"),
    }
}

fn foreign(call: Call<'_>, params: &ExecApprovalRequestParams) -> Result<Foreign, WireError> {
    let command = params.command.trim();
    if command.is_empty() || command.len() > LONGEST_COMMAND {
        return Err(WireError::invalid("command must have 1 to 65,536 bytes"));
    }
    let is_id = |id: &String| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if params.id.as_ref().is_some_and(|id| !is_id(id)) {
        return Err(WireError::invalid("id must have 1 to 64 of a-z A-Z 0-9 - _"));
    }
    let text = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let agent_id = match text(&params.agent_id) {
        Some(id) => keys::agent(call.state, &id)?,
        None => call.state.config.current().default_agent().id.clone(),
    };
    let session_key = match text(&params.session_key) {
        Some(key) => keys::session(call.state, &key)?,
        None => SessionKey::main(&agent_id),
    };
    let limit = params.timeout_ms.unwrap_or(DEFAULT_WAIT_MS).clamp(1, LONGEST_WAIT_MS);
    let host = text(&params.host).unwrap_or_else(|| "gateway".to_owned());
    let plan = CommandPlan {
        argv: vec!["sh".to_owned(), "-c".to_owned(), command.to_owned()],
        shell: true,
        cwd: text(&params.cwd).unwrap_or_else(|| ".".to_owned()),
        env: Vec::new(),
        files: Vec::new(),
        sandboxed: host == "sandbox",
        hosts: Vec::new(),
        paths: Vec::new(),
        image: None,
    };
    Ok(Foreign {
        id: params.id.clone(),
        agent_id,
        session_key,
        plan,
        reason: format!("a client asks to run it on {host}; what it is, only that client knows"),
        time_limit: Duration::from_millis(limit),
    })
}

/// Waits for the end of a request, whoever asked.
pub(super) async fn wait(call: Call<'_>) -> Result<Value, WireError> {
    let params: ExecApprovalWaitParams = call.params()?;
    let board = board(call.state).map_err(WireError::from)?;
    let id = params.id.trim().to_ascii_lowercase();
    let ended = tokio::select! {
        ended = board.ended(&id) => ended,
        () = call.caller.gone.cancelled() => None,
    };
    let Some((outcome, request)) = ended else {
        return Err(WireError::invalid("unknown approval id, or one that has expired"));
    };
    Ok(decided(&outcome, &request))
}

fn decided(outcome: &Resolution, request: &ApprovalRequest) -> Value {
    let decision = match outcome {
        Resolution::Answered { verdict: Verdict::AllowOnce, .. } => Some("allow-once"),
        Resolution::Answered { verdict: Verdict::AllowAlways, .. } => Some("allow-always"),
        Resolution::Answered { verdict: Verdict::Deny, .. } => Some("deny"),
        Resolution::Expired | Resolution::Withdrawn => None,
    };
    json!({
        "id": request.id,
        "decision": decision,
        "createdAtMs": request.created_at.as_millis(),
        "expiresAtMs": request.expires_at.as_millis(),
    })
}

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

/// What is allowed always, as the file that these clients edit. An entry is one whole command.
pub(super) async fn get(call: Call<'_>) -> Result<Value, WireError> {
    let all = call.of::<ApprovalAllowed>(NoParams {}).await?.allowed;
    shown(call, &all)
}

/// Takes back what the file does not hold any more. What it holds besides cannot be allowed here: only
/// a command that asks can be.
pub(super) async fn set(call: Call<'_>) -> Result<Value, WireError> {
    let params: ExecApprovalsSetParams = call.params()?;
    let all = call.of::<ApprovalAllowed>(NoParams {}).await?.allowed;
    let now = shown(call, &all)?;
    match params.base_hash.as_deref() {
        Some(hash) if now["hash"] == hash => {}
        Some(_) => return Err(WireError::invalid("exec approvals changed since they were read")),
        None => {
            return Err(WireError::invalid(
                "exec approvals base hash required; re-run exec.approvals.get and retry",
            ));
        }
    }
    let kept = kept(&params.file)?;
    if let Some(unknown) = kept.iter().find(|key| !all.iter().any(|one| one.key == **key)) {
        return Err(WireError::invalid(format!(
            "{unknown:?} cannot be allowed by a pattern: allow a command always when it asks"
        )));
    }
    for one in all.iter().filter(|one| !kept.contains(&one.key)) {
        call.of::<ApprovalForget>(ApprovalForgetParams { key: one.key.clone() }).await?;
    }
    get(call).await
}

fn shown(call: Call<'_>, all: &[AllowedCommand]) -> Result<Value, WireError> {
    let mut agents: BTreeMap<&AgentId, Vec<Value>> = BTreeMap::new();
    for one in all {
        agents.entry(&one.agent_id).or_default().push(json!({
            "id": one.key,
            "pattern": one.command.command,
            "lastUsedAt": one.at.as_millis(),
        }));
    }
    let agents: BTreeMap<String, Value> = agents
        .into_iter()
        .map(|(agent, list)| (agent.to_string(), json!({ "allowlist": list })))
        .collect();
    let file = json!({ "version": 1, "defaults": { "askFallback": "deny" }, "agents": agents });
    let hash = hex::encode(Sha256::digest(file.to_string().as_bytes()));
    let path = call.state.config.current().state_dir.join("openclaw.db");
    payload(&json!({ "path": path, "exists": true, "hash": hash, "file": file }))
}

/// The keys of the entries that a file holds.
fn kept(file: &Value) -> Result<BTreeSet<String>, WireError> {
    let mut kept = BTreeSet::new();
    let agents =
        file["agents"].as_object().ok_or_else(|| WireError::invalid("file.agents is missing"))?;
    for entry in
        agents.values().flat_map(|agent| agent["allowlist"].as_array().into_iter().flatten())
    {
        let key = entry["id"].as_str().or_else(|| entry["pattern"].as_str());
        let key = key.ok_or_else(|| WireError::invalid("an entry of the allowlist has no id"))?;
        kept.insert(key.to_owned());
    }
    Ok(kept)
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
