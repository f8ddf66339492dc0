//! Brings what came out of a run to where it is wanted.

use std::sync::Arc;
use std::time::Duration;

use openclaw_agents::schedule::{DeliveryMode, Job};
use openclaw_core::{ChannelId, ChatId, Conversation, SessionKey};
use openclaw_errors::OpenClawError;
use openclaw_media::{Credential, FetchRequest};
use openclaw_protocol::methods::{ContentParam, MessageSendParams};
use openclaw_storage::rows::JobRunRow;
use serde_json::json;

use super::{PRINCIPAL, chat};
use crate::GatewayState;
use crate::rpc::send_message;

/// The most that is read of a webhook's answer.
const ANSWER_LIMIT: u64 = 64 * 1024;
const WEBHOOK_LIMIT: Duration = Duration::from_secs(20);
/// The pauses before further tries of a webhook.
const WEBHOOK_PAUSES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(8)];

/// What became of an answer.
pub(super) enum Delivered {
    /// As this says.
    Well(String),
    /// Why it could not be delivered.
    Badly(String),
}

/// Delivers the answer of a job's run. Doing it twice sends a chat nothing a second time.
pub(super) async fn answer(
    state: &Arc<GatewayState>,
    job: &Job,
    receipt: &JobRunRow,
    text: &str,
) -> Delivered {
    let delivery = &job.spec.delivery;
    match delivery.mode {
        DeliveryMode::None => Delivered::Well("none".to_owned()),
        DeliveryMode::Announce => {
            let wanted = (delivery.channel.as_deref(), delivery.to.as_deref());
            let key = receipt.run_id.as_ref().map(ToString::to_string).unwrap_or_default();
            match say(state, &SessionKey::main(&job.agent_id), wanted, text, key).await {
                Ok(said) => Delivered::Well(said),
                Err(error) => Delivered::Badly(error.message().to_owned()),
            }
        }
        DeliveryMode::Webhook => match post(state, job, receipt, text).await {
            Ok(()) => Delivered::Well("posted".to_owned()),
            Err(error) => Delivered::Badly(error),
        },
    }
}

/// Says something in a chat; in the main session's web chat where the owner has written in no other.
///
/// # Errors
/// When there is no chat to say it in, or the store fails.
pub(super) async fn say(
    state: &Arc<GatewayState>,
    main: &SessionKey,
    (channel, to): (Option<&str>, Option<&str>),
    text: &str,
    key: String,
) -> Result<String, OpenClawError> {
    let found = chat::target(state, main, channel, to).await?;
    let conversation = match found {
        Some(conversation) => conversation,
        None => web(state, main)?,
    };
    let (channel_id, chat_id) = (conversation.channel_id, conversation.chat_id);
    let said = format!("sent to {channel_id} {chat_id}");
    let params = MessageSendParams {
        channel_id,
        chat_id,
        thread_id: conversation.thread_id,
        content: ContentParam::Text(text.to_owned()),
        reply_to: None,
        idempotency_key: Some(key),
    };
    send_message(state, PRINCIPAL, params).await?;
    Ok(said)
}

fn web(state: &GatewayState, main: &SessionKey) -> Result<Conversation, OpenClawError> {
    let is_default = state.config.current().default_agent().id == main.agent_id();
    if !is_default {
        return Err(OpenClawError::not_found(
            "the delivery target is missing: the owner has written to this agent in no chat",
        )
        .with_hint("set delivery.channel and delivery.to"));
    }
    let chat_id = ChatId::new(main.rest())
        .map_err(|error| OpenClawError::internal("a session names no chat").with_source(error))?;
    Ok(Conversation {
        channel_id: ChannelId::web(),
        chat_id,
        kind: openclaw_core::ChatKind::Direct,
        thread_id: None,
        title: None,
    })
}

async fn post(
    state: &Arc<GatewayState>,
    job: &Job,
    receipt: &JobRunRow,
    text: &str,
) -> Result<(), String> {
    let url = job.spec.delivery.to.clone().unwrap_or_default();
    let body = json!({
        "jobId": job.id,
        "name": job.spec.name,
        "action": "finished",
        "status": "ok",
        "summary": text,
        "runId": receipt.run_id,
        "sessionKey": receipt.session_key,
        "runAtMs": receipt.started_at.as_millis(),
        "slotMs": receipt.slot.as_millis(),
    });
    let mut request = FetchRequest::new(&url, ANSWER_LIMIT).time_limit(WEBHOOK_LIMIT);
    request = request.post_json(&body);
    if let Some(token) = &state.config.current().cron.webhook_token
        && let Some(host) = host_of(&url)
    {
        request = request.credential(Credential::bearer(host, token));
    }
    let mut pauses = WEBHOOK_PAUSES.iter();
    loop {
        let error = match state.fetcher.get(&request).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        let Some(pause) = pauses.next() else {
            return Err(format!("the webhook failed: {error}"));
        };
        tracing::debug!(job = %job.id, %error, "a webhook is tried again");
        tokio::select! {
            () = state.shutdown.requested().cancelled() => {
                return Err(format!("the webhook failed: {error}"));
            }
            () = tokio::time::sleep(*pause) => {}
        }
    }
}

fn host_of(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    uri.host().map(ToOwned::to_owned)
}
