use std::sync::Arc;

use http::{HeaderMap, Method, Request, StatusCode};
use hyper::body::Incoming;
use openclaw_config::{HookMapping, HooksSettings};
use openclaw_core::AgentId;
use openclaw_errors::OpenClawError;
use openclaw_protocol::webhooks::{AgentHookRequest, HookAccepted, WakeAccepted, WakeRequest};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::agent::{Order, run};
use super::mapping::{Done, apply, find, fits_path};
use super::refused::Refused;
use super::template::Facts;
use super::verify::{Proof, Shown};
use super::wake::wake;
use crate::GatewayState;
use crate::server::{Peer, Reply, Shared, json_reply, read_body_of};

const KEYS: [&str; 2] = ["idempotency-key", "x-openclaw-idempotency-key"];
const LONGEST_KEY: usize = 256;

/// Answers below the path of the hooks; `None` where they are not served.
pub(crate) async fn route(
    shared: &Arc<Shared>,
    peer: &Peer,
    request: Request<Incoming>,
) -> Option<Reply> {
    let config = shared.state().config.current();
    let hooks = &config.hooks;
    if !hooks.enabled {
        return None;
    }
    let path = request.uri().path().strip_prefix(hooks.path.as_str())?;
    let name = path.strip_prefix('/')?.trim_end_matches('/').to_owned();
    let answered = answer(shared, peer, hooks, &name, request).await;
    Some(answered.unwrap_or_else(|refused| refused.reply()))
}

async fn answer(
    shared: &Arc<Shared>,
    peer: &Peer,
    hooks: &HooksSettings,
    name: &str,
    request: Request<Incoming>,
) -> Result<Reply, Refused> {
    if request.method() != Method::POST {
        return Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, "hooks are POST"));
    }
    let state = shared.state();
    let (gate, now) = (&shared.http().hooks, state.clock.now());
    if may_be_signed(hooks, name) {
        gate.check_lockout(peer.address, now)?;
    } else {
        gate.check_token(hooks.token.as_ref(), request.headers(), peer.address, now)?;
    }
    if shared.is_refusing() {
        return Err(OpenClawError::unavailable("the gateway is stopping").into());
    }
    let query = request.uri().query().unwrap_or_default().to_owned();
    let headers = request.headers().clone();
    let body = read_body_of(shared, request, hooks.max_body_bytes).await?;
    let key = key(&headers, name);
    let payload = match name {
        "wake" | "agent" => Ok(Value::Null),
        _ if body.is_empty() => Ok(Value::Null),
        _ => parsed::<Value>(&body),
    };
    let mapping = match (name, &payload) {
        ("wake" | "agent", _) | (_, Err(_)) => None,
        (_, Ok(payload)) => find(&hooks.mappings, name, payload),
    };
    let proof = proof(hooks, mapping);
    let named = key.as_ref().ok().and_then(|key| key.as_deref());
    let shown = Shown { headers: &headers, body: &body, key: named };
    gate.check(&proof, shown, peer.address, &state.clock)?;
    let done = match name {
        "wake" => woken(state, &body, key?).await,
        "agent" => ordered(state, hooks, &body, key?).await,
        _ => {
            let payload = payload?;
            let mapping =
                mapping.ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, "no such hook"))?;
            let now = state.clock.now().to_string();
            let facts = Facts {
                payload: &payload,
                headers: &headers,
                query: &query,
                path: name,
                now: &now,
            };
            apply(state, mapping, facts, key?).await
        }
    };
    if done.as_ref().is_err_and(Refused::is_ours) {
        // The caller will try again with what it signed.
        gate.forget(&proof, &headers, &state.clock);
    }
    Ok(match done? {
        Done::Woken(mode) => json_reply(StatusCode::OK, &WakeAccepted { ok: true, mode }),
        Done::Runs(run_id) => accepted(run_id.as_str()),
    })
}

async fn woken(
    state: &Arc<GatewayState>,
    body: &[u8],
    key: Option<String>,
) -> Result<Done, Refused> {
    let asked: WakeRequest = parsed(body)?;
    let mode = asked.mode.unwrap_or_default();
    wake(state, asked.text, mode, None, false, key).await?;
    Ok(Done::Woken(mode))
}

async fn ordered(
    state: &Arc<GatewayState>,
    hooks: &HooksSettings,
    body: &[u8],
    key: Option<String>,
) -> Result<Done, Refused> {
    let order = order(hooks, parsed(body)?, key)?;
    run(state, order).await.map(Done::Runs)
}

fn accepted(run: &str) -> Reply {
    json_reply(StatusCode::ACCEPTED, &HookAccepted { ok: true, run_id: run.to_owned() })
}

/// Whether a hook of this name may have to be signed, for which its body has to be known.
fn may_be_signed(hooks: &HooksSettings, name: &str) -> bool {
    let own = |mapping: &HookMapping| fits_path(mapping, name) && mapping.signing_secret.is_some();
    hooks.signing_secret.is_some()
        || (!matches!(name, "wake" | "agent") && hooks.mappings.iter().any(own))
}

/// What has to be proved for a mapping to run: a signature, wherever a secret is set for it.
fn proof<'h>(hooks: &'h HooksSettings, mapping: Option<&'h HookMapping>) -> Proof<'h> {
    let own = mapping.and_then(|mapping| mapping.signing_secret.as_ref());
    match (own.or(hooks.signing_secret.as_ref()), &hooks.token) {
        (Some(secret), _) => Proof::Signature(secret),
        (None, Some(token)) => Proof::Token(token),
        (None, None) => Proof::None,
    }
}

/// The caller's name for this very request, apart from those of other hooks.
fn key(headers: &HeaderMap, name: &str) -> Result<Option<String>, Refused> {
    let Some(value) = KEYS.iter().find_map(|key| headers.get(*key)) else { return Ok(None) };
    match value.to_str() {
        Ok(text) if !text.is_empty() && text.len() <= LONGEST_KEY => {
            Ok(Some(format!("{name}\n{text}")))
        }
        _ => Err(Refused::bad("the idempotency key must have 1 to 256 characters")),
    }
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body)
        .map_err(|error| Refused::bad(format!("the body cannot be read: {error}")))
}

fn order(
    hooks: &HooksSettings,
    asked: AgentHookRequest,
    key: Option<String>,
) -> Result<Order, Refused> {
    let agent = match asked.agent_id.as_deref().filter(|agent| !agent.is_empty()) {
        None => None,
        Some(name) => {
            let allowed = &hooks.allowed_agent_ids;
            if !allowed.is_empty() && !allowed.iter().any(|it| it == "*" || it == name) {
                return Err(Refused::bad("agentId is not among hooks.allowed_agent_ids"));
            }
            Some(AgentId::new(name).map_err(|error| Refused::bad(error.to_string()))?)
        }
    };
    let session = asked.session_key.filter(|key| !key.is_empty());
    if let Some(named) = &session {
        if !hooks.allow_request_session_key {
            let message = "sessionKey is not taken; set hooks.allow_request_session_key";
            return Err(Refused::bad(message));
        }
        let prefixes = &hooks.allowed_session_key_prefixes;
        if !prefixes.is_empty() && !prefixes.iter().any(|prefix| named.starts_with(prefix)) {
            let message = "sessionKey begins with none of hooks.allowed_session_key_prefixes";
            return Err(Refused::bad(message));
        }
    }
    Ok(Order {
        message: asked.message,
        name: asked.name,
        agent,
        session,
        deliver: asked.deliver.unwrap_or(true),
        channel: asked.channel,
        to: asked.to,
        model: asked.model,
        thinking: asked.thinking,
        timeout_seconds: asked.timeout_seconds,
        is_trusted: asked.allow_unsafe_external_content.unwrap_or(false),
        key,
    })
}
