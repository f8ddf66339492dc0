use openclaw_core::{ReplyBack, Session, SessionId, SessionKey, Timestamp};
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::methods::{
    SessionConfigPatch, SessionDelete, SessionGet, SessionList, SessionListParams, SessionPatch,
    SessionRef, SessionReset, SessionUpdate, SessionUpdateParams,
};
use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params::{
    SessionsDeleteParams, SessionsListParams, SessionsPatchParams, SessionsPreviewParams,
    SessionsResetParams, SessionsResolveParams,
};
use serde_json::{Value, json};

use super::super::keys;
use super::chat::text_of;
use super::{Call, run, status};
use crate::GatewayState;
use crate::rpc::call as call_method;

/// Sessions read at a time, and how often.
const PAGE: u32 = 1_000;
const PAGES: usize = 10;
const PREVIEWS: usize = 64;
const PREVIEW_ITEMS: u32 = 12;
const PREVIEW_CHARS: usize = 240;
const TITLE_CHARS: usize = 60;
const LAST_CHARS: usize = 120;

pub(super) async fn list(call: Call<'_>) -> Result<Value, WireError> {
    let params: SessionsListParams = call.params()?;
    let state = call.state;
    let sessions = find(call, &params).await?;
    let agent = match &params.agent_id {
        Some(agent) => keys::agent(state, agent)?,
        None => state.config.current().default_agent().id.clone(),
    };
    let (provider, model, tokens) = status::model_of(state, &agent);
    let mut rows = Vec::with_capacity(sessions.len());
    for session in &sessions {
        let mut row = row(state, session);
        if params.include_derived_titles.unwrap_or(false)
            && let Some(title) = first_said(state, session).await?
        {
            row["derivedTitle"] = json!(title);
        }
        if params.include_last_message.unwrap_or(false)
            && let Some(last) = last_said(state, session).await?
        {
            row["lastMessagePreview"] = json!(last);
        }
        rows.push(row);
    }
    Ok(json!({
        "ts": state.clock.now().as_millis(),
        "path": status::store_path(state, call.scopes()),
        "count": rows.len(),
        "defaults": { "modelProvider": provider, "model": model, "contextTokens": tokens },
        "sessions": rows,
    }))
}

async fn find(call: Call<'_>, params: &SessionsListParams) -> Result<Vec<Session>, WireError> {
    if params.spawned_by.is_some() {
        // No session starts another here.
        return Ok(Vec::new());
    }
    let most = params.limit.map_or(usize::MAX, |limit| limit.max(1) as usize);
    let agent = params.agent_id.as_deref().map(|agent| agent.trim().to_lowercase());
    let mut found = Vec::new();
    let mut cursor = None;
    for _ in 0..PAGES {
        let filters = agent.is_some() || params.label.is_some();
        let limit = if filters { PAGE } else { u32::try_from(most).unwrap_or(PAGE).min(PAGE) };
        let asked = SessionListParams {
            limit: Some(limit),
            cursor,
            search: params.search.clone().filter(|text| !text.trim().is_empty()),
            channel_id: None,
            active_minutes: params.active_minutes,
        };
        let page = call.of::<SessionList>(asked).await?;
        found.extend(page.sessions.into_iter().filter(|session| {
            agent.as_deref().is_none_or(|agent| session.agent_id.as_str() == agent)
                && params.label.as_ref().is_none_or(|label| session.label.as_ref() == Some(label))
        }));
        cursor = page.next_cursor;
        if cursor.is_none() || found.len() >= most {
            break;
        }
    }
    found.truncate(most);
    Ok(found)
}

/// What is told of a session wherever it is told.
fn row(state: &GatewayState, session: &Session) -> Value {
    let (provider, model, tokens) = model_of(state, session);
    let usage = session.context.usage;
    let mut row = json!({
        "key": session.session_key,
        "kind": keys::kind(&session.session_key),
        "updatedAt": session.last_activity_at.as_millis(),
        "sessionId": session.id,
        "abortedLastRun": false,
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        // What the last request held is not kept apart from what all of them did.
        "totalTokens": null,
        "totalTokensFresh": false,
        "modelProvider": provider,
        "model": model,
        "contextTokens": tokens,
        "channel": session.channel_id,
        "lastChannel": session.channel_id,
        "lastTo": session.chat_id,
        "chatType": keys::kind(&session.session_key),
    });
    if let Some(label) = &session.label {
        row["label"] = json!(label);
        row["displayName"] = json!(label);
    }
    if let Some(thinking) = session.config.thinking {
        row["thinkingLevel"] = json!(thinking);
    }
    if session.config.reply_back == Some(ReplyBack::Never) {
        row["sendPolicy"] = json!("deny");
    }
    row
}

/// A row of `status`.
pub(super) fn status_row(state: &GatewayState, session: &Session, now: Timestamp) -> Value {
    let (_, model, tokens) = model_of(state, session);
    let usage = session.context.usage;
    let at = session.last_activity_at;
    json!({
        "agentId": session.agent_id,
        "key": session.session_key,
        "kind": keys::kind(&session.session_key),
        "sessionId": session.id,
        "updatedAt": at.as_millis(),
        "age": u64::try_from(now.since(at).as_millis()).unwrap_or(u64::MAX),
        "abortedLastRun": false,
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "totalTokens": null,
        "totalTokensFresh": false,
        "remainingTokens": null,
        "percentUsed": null,
        "model": model,
        "contextTokens": tokens,
        "flags": [format!("id:{}", session.id)],
    })
}

/// The model of a session, its own where it has one.
pub(super) fn model_of(
    state: &GatewayState,
    session: &Session,
) -> (Option<String>, Option<String>, Option<u64>) {
    let (provider, model, tokens) = status::model_of(state, &session.agent_id);
    match session.config.model.as_deref().map(|own| own.split_once('/').unwrap_or(("", own))) {
        Some(("", own)) => (provider, Some(own.to_owned()), tokens),
        Some((provider, own)) => (Some(provider.to_owned()), Some(own.to_owned()), tokens),
        None => (provider, model, tokens),
    }
}

async fn first_said(
    state: &GatewayState,
    session: &Session,
) -> Result<Option<String>, OpenClawError> {
    let first = state.storage.messages_after(&session.id, 0, 1).await?;
    Ok(first.first().map(|message| shorten(&text_of(message), TITLE_CHARS)))
}

async fn last_said(
    state: &GatewayState,
    session: &Session,
) -> Result<Option<String>, OpenClawError> {
    let last = state.storage.messages_before(&session.id, None, 1).await?;
    Ok(last.first().map(|message| shorten(&text_of(message), LAST_CHARS)))
}

fn shorten(text: &str, chars: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

pub(super) async fn preview(call: Call<'_>) -> Result<Value, WireError> {
    let params: SessionsPreviewParams = call.params()?;
    if params.max_chars.is_some_and(|chars| chars < 20) {
        return Err(WireError::invalid("maxChars must be at least 20"));
    }
    let limit = params.limit.unwrap_or(PREVIEW_ITEMS).clamp(1, 100);
    let chars = params.max_chars.unwrap_or(PREVIEW_CHARS);
    let mut previews = Vec::new();
    for text in params.keys.iter().filter(|key| !key.trim().is_empty()).take(PREVIEWS) {
        previews.push(match keys::session(call.state, text) {
            Ok(key) => preview_of(call, text, &key, limit, chars).await?,
            Err(_) => json!({ "key": text, "status": "error", "items": [] }),
        });
    }
    Ok(json!({ "ts": call.state.clock.now().as_millis(), "previews": previews }))
}

async fn preview_of(
    call: Call<'_>,
    text: &str,
    key: &SessionKey,
    limit: u32,
    chars: usize,
) -> Result<Value, WireError> {
    let storage = &call.state.storage;
    let session = storage.session_by_key(key).await.map_err(OpenClawError::from)?;
    let Some(session) = session else {
        return Ok(json!({ "key": text, "status": "missing", "items": [] }));
    };
    let messages =
        storage.messages_before(&session.id, None, limit).await.map_err(OpenClawError::from)?;
    let items: Vec<Value> = messages
        .iter()
        .map(|message| {
            let role = match message.direction {
                openclaw_core::Direction::Inbound => "user",
                openclaw_core::Direction::Outbound => "assistant",
            };
            json!({ "role": role, "text": shorten(&text_of(message), chars) })
        })
        .collect();
    let status = if items.is_empty() { "empty" } else { "ok" };
    Ok(json!({ "key": text, "status": status, "items": items }))
}

pub(super) async fn resolve(call: Call<'_>) -> Result<Value, WireError> {
    let params: SessionsResolveParams = call.params()?;
    let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let key = match (given(&params.key), given(&params.session_id), given(&params.label)) {
        (Some(text), None, None) => {
            let key = keys::session(call.state, &text)?;
            let missing = format!("No session found: {text}");
            get(call, SessionRef::key(key), missing).await?.session_key
        }
        (None, Some(id), None) => {
            let missing = format!("No session found: {id}");
            let Ok(id) = SessionId::new(id) else { return Err(WireError::invalid(missing)) };
            get(call, SessionRef::id(id), missing).await?.session_key
        }
        (None, None, Some(label)) => {
            let asked = SessionsListParams {
                label: Some(label.clone()),
                agent_id: params.agent_id.clone(),
                spawned_by: params.spawned_by.clone(),
                ..SessionsListParams::default()
            };
            let mut found = find(call, &asked).await?;
            if found.len() > 1 {
                let message = format!("Multiple sessions found with label: {label}");
                return Err(WireError::invalid(message));
            }
            let missing = || WireError::invalid(format!("No session found with label: {label}"));
            found.pop().ok_or_else(missing)?.session_key
        }
        (None, None, None) => {
            return Err(WireError::invalid("Either key, sessionId, or label is required"));
        }
        _ => {
            return Err(WireError::invalid(
                "Provide either key, sessionId, or label (not multiple)",
            ));
        }
    };
    Ok(json!({ "ok": true, "key": key }))
}

async fn get(call: Call<'_>, of: SessionRef, missing: String) -> Result<Session, WireError> {
    let found = call_method::<SessionGet>(call.state, call.caller, of).await;
    match found {
        Err(error) if error.kind() == ErrorKind::NotFound => Err(WireError::invalid(missing)),
        other => other.map_err(WireError::from),
    }
}

pub(super) async fn patch(call: Call<'_>) -> Result<Value, WireError> {
    let params: SessionsPatchParams = call.params()?;
    let key = keys::session(call.state, &params.key)?;
    refuse_unknown_settings(&params)?;
    let thinking = match params.thinking_level {
        None => None,
        Some(None) => Some(None),
        Some(Some(name)) => Some(Some(run::thinking(&name)?)),
    };
    let reply_back = match params.send_policy.as_ref().map(Option::as_deref) {
        None => None,
        Some(None | Some("allow")) => Some(None),
        Some(Some("deny")) => Some(Some(ReplyBack::Never)),
        Some(Some(other)) => {
            return Err(WireError::invalid(format!("invalid sendPolicy {other:?}")));
        }
    };
    let config = SessionConfigPatch {
        model: params.model,
        thinking,
        reply_back,
        ..SessionConfigPatch::default()
    };
    let asked = SessionUpdateParams {
        session_id: None,
        session_key: Some(key.clone()),
        patch: SessionPatch { label: params.label, config: Some(config) },
    };
    let session = call.of::<SessionUpdate>(asked).await?;
    let (provider, model, _) = model_of(call.state, &session);
    Ok(json!({
        "ok": true,
        "path": status::store_path(call.state, call.scopes()),
        "key": key,
        "entry": entry(call.state, &session),
        "resolved": { "modelProvider": provider, "model": model },
    }))
}

/// A setting that does not exist here may be cleared, not set.
fn refuse_unknown_settings(params: &SessionsPatchParams) -> Result<(), WireError> {
    let settings: [(&str, &Option<Option<String>>, &str); 10] = [
        ("verboseLevel", &params.verbose_level, "what tools print is not sent to these clients"),
        ("reasoningLevel", &params.reasoning_level, "thoughts are not shown"),
        ("responseUsage", &params.response_usage, "sessions.list shows the tokens"),
        ("elevatedLevel", &params.elevated_level, "it waits for approvals"),
        ("execHost", &params.exec_host, "it waits for nodes"),
        ("execSecurity", &params.exec_security, "set [tools] in openclaw.toml"),
        ("execAsk", &params.exec_ask, "set [tools.exec] ask in openclaw.toml"),
        ("execNode", &params.exec_node, "it waits for nodes"),
        ("groupActivation", &params.group_activation, "set require_mention of the channel"),
        ("spawnedBy", &params.spawned_by, "it waits for subagents"),
    ];
    let depth = params.spawn_depth.as_ref().and_then(Option::as_ref).map(|_| "spawnDepth");
    let set = settings.iter().find(|(_, value, _)| matches!(value, Some(Some(_))));
    match (set, depth) {
        (Some((name, _, instead)), _) => {
            Err(WireError::unavailable(format!("{name} does not exist here; {instead}")))
        }
        (None, Some(name)) => Err(WireError::unavailable(format!(
            "{name} does not exist here; it waits for subagents"
        ))),
        (None, None) => Ok(()),
    }
}

/// A session as the store of these clients had it.
fn entry(state: &GatewayState, session: &Session) -> Value {
    let mut entry = row(state, session);
    if let Some(entry) = entry.as_object_mut() {
        entry.shift_remove("key");
        entry.shift_remove("kind");
        entry.insert("systemSent".to_owned(), json!(session.context.runs > 0));
        entry.insert("compactionCount".to_owned(), json!(0));
    }
    entry
}

pub(super) async fn reset(call: Call<'_>) -> Result<Value, WireError> {
    let params: SessionsResetParams = call.params()?;
    if !matches!(params.reason.as_deref(), None | Some("new" | "reset")) {
        return Err(WireError::invalid("invalid sessions.reset params: reason is new or reset"));
    }
    let key = keys::session(call.state, &params.key)?;
    let asked = SessionRef::key(key.clone());
    let fresh = call_method::<SessionReset>(call.state, call.caller, asked).await;
    let told = match fresh {
        Ok(session) => entry(call.state, &session),
        // What nobody has used yet is new already.
        Err(error) if error.kind() == ErrorKind::NotFound => json!({ "systemSent": false }),
        Err(error) => return Err(error.into()),
    };
    Ok(json!({ "ok": true, "key": key, "entry": told }))
}

pub(super) async fn delete(call: Call<'_>) -> Result<Value, WireError> {
    let params: SessionsDeleteParams = call.params()?;
    let key = keys::session(call.state, &params.key)?;
    if key.is_main() {
        return Err(WireError::invalid("Cannot delete the main session (main)."));
    }
    if params.delete_transcript == Some(false) {
        return Err(WireError::unavailable(
            "deleteTranscript cannot be false here: what was said goes with its session; sessions.reset keeps it",
        ));
    }
    let asked = SessionRef::key(key.clone());
    let deleted = call_method::<SessionDelete>(call.state, call.caller, asked).await;
    let deleted = match deleted {
        Ok(result) => result.deleted,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(error.into()),
    };
    Ok(json!({ "ok": true, "key": key, "deleted": deleted, "archived": [] }))
}
