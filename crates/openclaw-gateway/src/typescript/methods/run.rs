use std::time::Duration;

use openclaw_core::{
    ChannelId, ChatId, RunId, RunStatus, SessionId, SessionKey, ThinkingLevel, ThreadId, Usage,
};
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{
    AgentRun, AgentRunParams, AgentRunResult, AgentStatus, AgentStatusParams, Attachment,
    MessageSend, MessageSendParams,
};
use openclaw_protocol::typescript::params::{
    AgentParams, AgentWaitParams, SentFile, SetHeartbeatsParams, WakeMode, WakeParams,
};
use openclaw_protocol::typescript::{WireCode, WireError, success};
use openclaw_sessions::WaitError;
use serde_json::{Value, json};

use super::super::keys;
use super::{Call, channels, send, sessions, status};
use crate::schedule::note_for_main;

const DEFAULT_WAIT_MS: u64 = 30_000;
const LONGEST_WAIT_MS: u64 = 86_400_000;

pub(super) async fn agent(call: Call<'_>) -> Result<Value, WireError> {
    let params: AgentParams = call.params()?;
    if params.extra_system_prompt.as_deref().is_some_and(|text| !text.trim().is_empty()) {
        let message = "agent.extraSystemPrompt is not built yet: it waits for subagents";
        return Err(WireError::unavailable(message));
    }
    for (name, given) in [("spawnedBy", &params.spawned_by), ("lane", &params.lane)] {
        if given.as_deref().is_some_and(|text| !text.trim().is_empty()) {
            let message = format!("agent.{name} is not built yet: it waits for subagents");
            return Err(WireError::unavailable(message));
        }
    }
    let delivery = match params.deliver {
        Some(true) => Some(delivery(call, &params)?),
        Some(false) | None => None,
    };
    let asked = asked(call, &params)?;
    let began = call.state.clock.now();
    let accepted = call.of::<AgentRun>(asked.clone()).await?;
    let session = accepted.session_key.clone();
    call.state.typescript.began_run(call.link.client.id(), &session);
    let first = json!({
        "runId": accepted.run_id,
        "status": "accepted",
        "acceptedAt": call.state.clock.now().as_millis(),
    });
    match success(&call.request.id, &first) {
        Ok(text) => call.link.client.answer(text, None),
        Err(error) => tracing::error!(%error, "a first answer cannot be written"),
    }
    let waiting = AgentRunParams { wait: true, attachments: Vec::new(), ..asked };
    let ended = call.of::<AgentRun>(waiting).await?;
    let undelivered = match delivery {
        Some(delivery) => deliver(call, delivery, &ended).await.err(),
        None => None,
    };
    let took = call.state.clock.now().since(began);
    let mut told = finished(call, &session, ended, took).await?;
    if let Some(error) = undelivered {
        // The run is over and has its answer; only the way out failed.
        told["result"]["deliveryError"] = json!(error.message);
    }
    Ok(told)
}

fn asked(call: Call<'_>, params: &AgentParams) -> Result<AgentRunParams, WireError> {
    let agent_id =
        params.agent_id.as_deref().map(|text| keys::agent(call.state, text)).transpose()?;
    let text = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let (session_key, session_id) = match (text(&params.session_key), text(&params.session_id)) {
        (Some(key), _) => (Some(keys::session(call.state, &key)?), None),
        (None, Some(id)) => {
            let id = SessionId::new(id).map_err(|error| WireError::invalid(error.to_string()))?;
            (None, Some(id))
        }
        // A person or chat without a session of its own is the owner.
        (None, None) => (None, None),
    };
    Ok(AgentRunParams {
        message: params.message.clone(),
        session_key,
        session_id,
        agent_id,
        model: None,
        thinking: params.thinking.as_deref().map(thinking).transpose()?,
        attachments: attachments(params.attachments.as_deref().unwrap_or_default())?,
        idempotency_key: Some(keys::run(&params.idempotency_key)?),
        timeout_seconds: params.timeout.filter(|seconds| *seconds > 0),
        wait: false,
    })
}

/// A level as these clients name it.
pub(super) fn thinking(name: &str) -> Result<ThinkingLevel, WireError> {
    Ok(match name.trim().to_lowercase().as_str() {
        "off" | "none" => ThinkingLevel::Off,
        "minimal" | "think" => ThinkingLevel::Minimal,
        "low" | "on" => ThinkingLevel::Low,
        "medium" | "mid" => ThinkingLevel::Medium,
        "high" | "xhigh" | "max" => ThinkingLevel::High,
        other => {
            return Err(WireError::invalid(format!(
                "invalid thinking level {other:?} (use off, minimal, low, medium, high)"
            )));
        }
    })
}

/// The files of a text; a data URL is taken apart.
pub(super) fn attachments(files: &[SentFile]) -> Result<Vec<Attachment>, WireError> {
    files
        .iter()
        .enumerate()
        .map(|(index, file)| {
            let content = file.content.as_deref().unwrap_or_default();
            let base64 = match content.strip_prefix("data:") {
                Some(url) => url.split_once(";base64,").map(|(_, base64)| base64),
                None => Some(content),
            };
            let Some(base64) = base64.filter(|base64| !base64.is_empty()) else {
                let message = format!("attachment {index} must have its content as base64");
                return Err(WireError::invalid(message));
            };
            Ok(Attachment {
                media_id: None,
                mime_type: file.mime_type.clone(),
                file_name: file.file_name.clone(),
                content_base64: Some(base64.to_owned()),
            })
        })
        .collect()
}

/// Where an answer goes too.
struct Delivery {
    channel_id: ChannelId,
    chat_id: ChatId,
    thread_id: Option<ThreadId>,
}

fn delivery(call: Call<'_>, params: &AgentParams) -> Result<Delivery, WireError> {
    let kind = params.reply_channel.as_deref().or(params.channel.as_deref());
    let account = params.reply_account_id.as_deref().or(params.account_id.as_deref());
    let to = params.reply_to.as_deref().or(params.to.as_deref());
    let (Some(kind), Some(to)) = (kind, to) else {
        return Err(WireError::invalid("deliver needs a channel and whom to send to"));
    };
    let channel_id = channels::channel(kind, account)?;
    if call.state.channels.status(&channel_id).is_none() {
        return Err(WireError::invalid(format!("unsupported channel: {kind}")));
    }
    let bad = |error: openclaw_core::InvalidId| WireError::invalid(error.to_string());
    let chat_id = ChatId::new(to.trim()).map_err(bad)?;
    let thread_id = params.thread_id.as_deref().map(ThreadId::new).transpose().map_err(bad)?;
    Ok(Delivery { channel_id, chat_id, thread_id })
}

/// Sends the answer out through a channel too.
async fn deliver(call: Call<'_>, to: Delivery, ended: &AgentRunResult) -> Result<(), WireError> {
    let Some(reply) = ended.reply.clone().filter(|reply| !reply.is_empty()) else { return Ok(()) };
    let sent = MessageSendParams {
        channel_id: to.channel_id,
        chat_id: to.chat_id,
        thread_id: to.thread_id,
        content: send::text(reply),
        reply_to: None,
        idempotency_key: Some(format!("deliver:{}", ended.run_id)),
    };
    call.of::<MessageSend>(sent).await.map(|_| ())
}

async fn finished(
    call: Call<'_>,
    session: &SessionKey,
    ended: AgentRunResult,
    took: Duration,
) -> Result<Value, WireError> {
    if let (RunStatus::Error | RunStatus::Timeout, Some(error)) = (ended.status, &ended.error) {
        let code = match ended.status {
            RunStatus::Timeout => WireCode::AgentTimeout,
            _ => WireCode::Unavailable,
        };
        let message = match &error.hint {
            Some(hint) => format!("{}; {hint}", error.message),
            None => error.message.clone(),
        };
        let details = json!({ "runId": ended.run_id, "status": ended.status });
        return Err(WireError::new(code, message).with_details(details));
    }
    let text = ended.reply.unwrap_or_default();
    let payloads =
        if text.is_empty() { json!([]) } else { json!([{ "text": text, "mediaUrl": null }]) };
    let stored = call.state.storage.session_by_key(session).await.map_err(OpenClawError::from)?;
    let (provider, model, _) = match &stored {
        Some(stored) => sessions::model_of(call.state, stored),
        None => status::model_of(call.state, &session.agent_id()),
    };
    let session_id = stored.map(|session| session.id);
    let aborted = ended.status == RunStatus::Stopped;
    Ok(json!({
        "runId": ended.run_id,
        "status": "ok",
        "summary": if aborted { "aborted" } else { "completed" },
        "result": {
            "payloads": payloads,
            "meta": {
                "durationMs": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                "agentMeta": {
                    "sessionId": session_id,
                    "provider": provider,
                    "model": model,
                    "usage": usage(ended.usage.unwrap_or_default()),
                },
                "aborted": aborted,
            },
        },
    }))
}

/// Tokens as these clients name them.
fn usage(usage: Usage) -> Value {
    json!({
        "input": usage.input_tokens,
        "output": usage.output_tokens,
        "cacheRead": usage.cache_read_tokens,
        "cacheWrite": usage.cache_write_tokens,
        "total": usage.input_tokens + usage.output_tokens,
    })
}

pub(super) async fn wait(call: Call<'_>) -> Result<Value, WireError> {
    let params: AgentWaitParams = call.params()?;
    let run = keys::run(&params.run_id)?;
    // Who may not see the run is told so before waiting for it.
    info(call, &run).await?;
    let limit = params.timeout_ms.unwrap_or(DEFAULT_WAIT_MS).min(LONGEST_WAIT_MS);
    let waiting = call.state.lanes.wait_for_run(&run, Duration::from_millis(limit));
    let waited = tokio::select! {
        waited = waiting => waited,
        () = call.caller.gone.cancelled() => Err(WaitError::Stopping),
    };
    if matches!(waited, Err(WaitError::TimedOut(_))) {
        return Ok(json!({ "runId": run, "status": "timeout" }));
    }
    waited.map_err(|error| WireError::unavailable(error.to_string()))?;
    let info = info(call, &run).await?;
    let mut told = json!({
        "runId": run,
        "status": if info.error.is_some() { "error" } else { "ok" },
        "startedAt": info.started_at.map(openclaw_core::Timestamp::as_millis),
        "endedAt": info.ended_at.map(openclaw_core::Timestamp::as_millis),
    });
    if let Some(error) = info.error {
        told["error"] = json!(error.message);
    }
    Ok(told)
}

async fn info(
    call: Call<'_>,
    run: &RunId,
) -> Result<openclaw_protocol::methods::RunInfo, WireError> {
    let asked = AgentStatusParams { run_id: Some(run.clone()), ..AgentStatusParams::default() };
    let mut runs = call.of::<AgentStatus>(asked).await?.runs;
    runs.pop().ok_or_else(|| WireError::invalid(format!("no run {run}")))
}

pub(super) async fn wake(call: Call<'_>) -> Result<Value, WireError> {
    let params: WakeParams = call.params()?;
    if params.text.trim().is_empty() {
        return Err(WireError::invalid("text required"));
    }
    if params.mode == WakeMode::NextHeartbeat {
        let agent = call.state.config.current().default_agent().id.clone();
        note_for_main(call.state, &agent, params.text.trim()).await?;
        return Ok(json!({ "ok": true }));
    }
    let asked = AgentRunParams { message: params.text, ..AgentRunParams::default() };
    let accepted = call.of::<AgentRun>(asked).await?;
    Ok(json!({ "ok": true, "runId": accepted.run_id }))
}

/// Switches heartbeats off, or on as they are configured, until the next start.
pub(super) fn set_heartbeats(call: Call<'_>) -> Result<Value, WireError> {
    let params: SetHeartbeatsParams = call.params()?;
    call.state.clockwork.set_heartbeats(params.enabled);
    Ok(json!({ "ok": true, "enabled": params.enabled }))
}
