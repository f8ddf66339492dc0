use std::sync::Arc;
use std::time::Duration;

use openclaw_core::{
    ChannelId, ChatId, Direction, Message, MessageContent, RunId, RunStatus, SessionKey,
};
use openclaw_errors::ErrorKind;
use openclaw_protocol::methods::{
    AgentRun, AgentRunParams, AgentRunRef, AgentStatus, AgentStatusParams, AgentStop,
    MessageHistory, MessageHistoryParams, MessageSend, MessageSendParams,
};
use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::events::ChatState;
use openclaw_protocol::typescript::params::{
    ChatAbortParams, ChatHistoryParams, ChatInjectParams, ChatSendParams,
};
use serde_json::{Value, json};

use super::super::keys;
use super::super::link::Link;
use super::{Call, run, send};
use crate::rpc::call as call_method;

/// What stops a run when it is all that is said.
const STOP_WORDS: [&str; 7] = ["/stop", "stop", "esc", "abort", "wait", "exit", "interrupt"];
const HISTORY: u32 = 200;
const MOST_HISTORY: u32 = 1_000;
/// Characters of one text.
const LONGEST_TEXT: usize = 12_000;
/// Bytes of one message, and of all together.
const MESSAGE_BYTES: usize = 128 << 10;
const HISTORY_BYTES: usize = 6 << 20;
/// The longest a run is followed for who began it.
const LONGEST_RUN: Duration = Duration::from_secs(2 * 86_400);

pub(super) async fn history(call: Call<'_>) -> Result<Value, WireError> {
    let params: ChatHistoryParams = call.params()?;
    let key = keys::session(call.state, &params.session_key)?;
    let limit = params.limit.unwrap_or(HISTORY).clamp(1, MOST_HISTORY);
    let asked = MessageHistoryParams {
        session_key: Some(key.clone()),
        limit: Some(limit),
        ..MessageHistoryParams::default()
    };
    let found = call_method::<MessageHistory>(call.state, call.caller, asked).await;
    let messages = match found {
        Ok(found) => found.messages,
        // A session that nothing was said in is an empty one.
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let stored = call.state.storage.session_by_key(&key).await;
    let session = stored.map_err(openclaw_errors::OpenClawError::from)?;
    let thinking = session.as_ref().and_then(|session| session.config.thinking).unwrap_or_default();
    let mut told = json!({
        "sessionKey": params.session_key,
        "messages": bounded(&messages),
        "thinkingLevel": thinking,
    });
    if let Some(session) = session {
        told["sessionId"] = json!(session.id);
    }
    Ok(told)
}

/// The messages as these clients see them, the newest that fit.
fn bounded(messages: &[Message]) -> Vec<Value> {
    let mut left = HISTORY_BYTES;
    let mut told = Vec::new();
    for message in messages.iter().rev() {
        let mut shown = describe(message);
        if shown.to_string().len() > MESSAGE_BYTES {
            shown = omitted(message);
        }
        let bytes = shown.to_string().len() + 1;
        if bytes > left {
            break;
        }
        left -= bytes;
        told.push(shown);
    }
    told.reverse();
    told
}

fn describe(message: &Message) -> Value {
    let role = match message.direction {
        Direction::Inbound => "user",
        Direction::Outbound => "assistant",
    };
    let mut content = Vec::new();
    let text = text_of(message);
    if !text.is_empty() {
        content.push(json!({ "type": "text", "text": cut(&text) }));
    }
    for media in message.content.media() {
        let name = media.file_name.as_deref().unwrap_or("file");
        content.push(json!({
            "type": "text",
            "text": format!("[attached: {name}, {}, {} bytes]", media.mime_type, media.size_bytes),
        }));
    }
    let mut told = json!({
        "role": role,
        "content": content,
        "timestamp": message.created_at.as_millis(),
    });
    if matches!(message.content, MessageContent::System { .. }) {
        told["__openclaw"] = json!({ "notice": true });
    }
    told
}

fn omitted(message: &Message) -> Value {
    let mut told = json!({
        "role": "assistant",
        "content": [{ "type": "text", "text": "[chat.history omitted: message too large]" }],
        "timestamp": message.created_at.as_millis(),
        "__openclaw": { "truncated": true, "reason": "oversized" },
    });
    if message.direction == Direction::Inbound {
        told["role"] = json!("user");
    }
    told
}

/// What a message says, in words.
pub(super) fn text_of(message: &Message) -> String {
    match &message.content {
        MessageContent::Location(place) => format!(
            "[location: {}, {}{}]",
            place.latitude,
            place.longitude,
            place.label.as_deref().map(|label| format!(", {label}")).unwrap_or_default()
        ),
        MessageContent::Contact(contact) => format!(
            "[contact: {}{}]",
            contact.name,
            contact.phone.as_deref().map(|phone| format!(", {phone}")).unwrap_or_default()
        ),
        MessageContent::Poll(poll) => {
            format!("[poll: {} ({})]", poll.question, poll.options.join(" / "))
        }
        other => other.plain_text().to_owned(),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}\n...(truncated)...", &text[..end]),
        None => text.to_owned(),
    }
}

/// What was typed without what nobody types.
fn cleaned(message: &str) -> Result<String, WireError> {
    if message.contains('\0') {
        return Err(WireError::invalid("message must not contain null bytes"));
    }
    let is_kept = |c: &char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    Ok(message.chars().filter(is_kept).collect())
}

pub(super) async fn send(call: Call<'_>) -> Result<Value, WireError> {
    let params: ChatSendParams = call.params()?;
    let key = keys::session(call.state, &params.session_key)?;
    let message = cleaned(&params.message)?;
    let files = params.attachments.unwrap_or_default();
    if message.trim().is_empty() && files.is_empty() {
        return Err(WireError::invalid("message or attachment required"));
    }
    let word = message.trim().to_lowercase();
    if files.is_empty() && STOP_WORDS.contains(&word.as_str()) {
        return stop(call, &key, None).await;
    }
    if params.deliver == Some(true) {
        return Err(WireError::unavailable(
            "chat.send with deliver is not built here: use agent with deliver, channel and to",
        ));
    }
    let run_id = keys::run(&params.idempotency_key)?;
    let known = call.state.storage.input_by_run(&run_id).await;
    let is_known = known.map_err(openclaw_errors::OpenClawError::from)?.is_some();
    let asked = AgentRunParams {
        message,
        session_key: Some(key.clone()),
        thinking: params.thinking.as_deref().map(run::thinking).transpose()?,
        attachments: run::attachments(&files)?,
        idempotency_key: Some(run_id.clone()),
        timeout_seconds: params.timeout_ms.map(|millis| millis.div_ceil(1_000).clamp(1, 86_400)),
        ..AgentRunParams::default()
    };
    call.state.typescript.began_run(call.link.client.id(), &key);
    let accepted = call.of::<AgentRun>(asked).await?;
    if !is_known {
        let (link, run) = (call.link.clone(), run_id.clone());
        call.link.follow(async move { tell_other_end(&link, &run, &key).await });
        return Ok(json!({ "runId": run_id, "status": "started" }));
    }
    match accepted.error {
        Some(error) => Err(WireError::unavailable(error.message)),
        None if accepted.status.is_final() => Ok(json!({ "runId": run_id, "status": "ok" })),
        None => Ok(json!({ "runId": run_id, "status": "in_flight" })),
    }
}

/// Tells the end of a run that has no events of its own, because another run took it.
async fn tell_other_end(link: &Arc<Link>, run: &RunId, key: &SessionKey) {
    let ended = tokio::select! {
        ended = link.state.lanes.wait_for_run(run, LONGEST_RUN) => ended,
        () = link.caller.gone.cancelled() => return,
    };
    match ended {
        Ok(end) if end.status == RunStatus::Merged => {
            link.state.typescript.chat_ended(run, key, ChatState::Final, end.reply, None);
        }
        Ok(_) => {}
        Err(error) => tracing::debug!(%run, %error, "the end of a run was not seen"),
    }
}

pub(super) async fn abort(call: Call<'_>) -> Result<Value, WireError> {
    let params: ChatAbortParams = call.params()?;
    let key = keys::session(call.state, &params.session_key)?;
    let run = params.run_id.as_deref().map(keys::run).transpose()?;
    stop(call, &key, run).await
}

/// Stops the open runs of a session, or one of them.
async fn stop(call: Call<'_>, key: &SessionKey, only: Option<RunId>) -> Result<Value, WireError> {
    let nothing = json!({ "ok": true, "aborted": false, "runIds": [] });
    let asked = match &only {
        Some(run) => {
            AgentStatusParams { run_id: Some(run.clone()), ..AgentStatusParams::default() }
        }
        None => {
            AgentStatusParams { session_key: Some(key.clone()), ..AgentStatusParams::default() }
        }
    };
    let found = call_method::<AgentStatus>(call.state, call.caller, asked).await;
    let runs = match found {
        Ok(found) => found.runs,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(nothing),
        Err(error) => return Err(error.into()),
    };
    if only.is_some() && runs.iter().any(|run| run.session_key != *key) {
        return Err(WireError::invalid("runId does not match sessionKey"));
    }
    let open: Vec<RunId> =
        runs.into_iter().filter(|run| !run.status.is_final()).map(|run| run.run_id).collect();
    if open.is_empty() {
        return Ok(nothing);
    }
    let target = match only {
        Some(run) => AgentRunRef { run_id: Some(run), session_key: None },
        None => AgentRunRef { run_id: None, session_key: Some(key.clone()) },
    };
    let stopped = call.of::<AgentStop>(target).await?.stopped;
    let told = if stopped { open } else { Vec::new() };
    Ok(json!({ "ok": true, "aborted": stopped, "runIds": told }))
}

pub(super) async fn inject(call: Call<'_>) -> Result<Value, WireError> {
    let params: ChatInjectParams = call.params()?;
    let key = keys::session(call.state, &params.session_key)?;
    let found = call.state.storage.session_by_key(&key).await;
    if found.map_err(openclaw_errors::OpenClawError::from)?.is_none() {
        return Err(WireError::invalid("session not found"));
    }
    if key.agent_id() != call.state.config.current().default_agent().id {
        return Err(WireError::unavailable("chat.inject works in sessions of the default agent"));
    }
    let text = match params.label.as_deref().map(str::trim).filter(|label| !label.is_empty()) {
        Some(label) => format!("[{label}]\n\n{}", params.message),
        None => params.message,
    };
    // The built-in channel sends nothing out: the message only stands in the session.
    let chat_id = ChatId::new(key.rest()).map_err(|error| WireError::invalid(error.to_string()))?;
    let sent = MessageSendParams {
        channel_id: ChannelId::web(),
        chat_id,
        thread_id: None,
        content: send::text(text.clone()),
        reply_to: None,
        idempotency_key: None,
    };
    let message = call.of::<MessageSend>(sent).await?;
    let run = keys::run(&format!("inject-{}", message.message_id))?;
    call.state.typescript.chat_ended(&run, &key, ChatState::Final, Some(text), None);
    Ok(json!({ "ok": true, "messageId": message.message_id }))
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_TEXT, cleaned, cut};

    #[test]
    fn what_nobody_types_is_taken_out() {
        assert_eq!(cleaned("a\u{7}b\tc\nd\u{1b}").expect("kept"), "ab\tc\nd");
        assert!(cleaned("a\0").is_err());
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let text = "ä".repeat(LONGEST_TEXT + 1);
        let cut_text = cut(&text);
        assert!(cut_text.starts_with("ää") && cut_text.ends_with("...(truncated)..."));
        assert_eq!(cut(&text[2..]), &text[2..]);
    }
}
