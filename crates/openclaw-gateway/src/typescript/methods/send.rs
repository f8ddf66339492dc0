use openclaw_core::{ChatId, MessageContent, Poll, ThreadId};
use openclaw_protocol::methods::{ContentParam, MessageSend, MessageSendParams};
use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params::{PollParams, SendParams};
use serde_json::{Value, json};

use super::{Call, channels};

/// A text to send.
pub(super) fn text(text: String) -> ContentParam {
    ContentParam::Text(text)
}

/// Where a message goes.
struct To<'a> {
    kind: Option<&'a str>,
    account: Option<&'a str>,
    chat: &'a str,
    thread: Option<&'a str>,
}

async fn sent(
    call: Call<'_>,
    to: To<'_>,
    content: ContentParam,
    key: &str,
) -> Result<Value, WireError> {
    // What these clients mean when they name none.
    let kind = to.kind.unwrap_or("whatsapp");
    let channel_id = channels::channel(kind, to.account)?;
    if call.state.channels.status(&channel_id).is_none() {
        return Err(WireError::invalid(format!("unsupported channel: {kind}")));
    }
    let bad = |error: openclaw_core::InvalidId| WireError::invalid(error.to_string());
    let chat_id = ChatId::new(to.chat.trim()).map_err(bad)?;
    let thread_id = to.thread.map(ThreadId::new).transpose().map_err(bad)?;
    let params = MessageSendParams {
        channel_id,
        chat_id: chat_id.clone(),
        thread_id,
        content,
        reply_to: None,
        idempotency_key: Some(key.to_owned()),
    };
    let message = call.of::<MessageSend>(params).await?;
    Ok(json!({
        "runId": key,
        "messageId": message.message_id,
        "channel": kind,
        "chatId": chat_id,
    }))
}

pub(super) async fn send(call: Call<'_>) -> Result<Value, WireError> {
    let params: SendParams = call.params()?;
    let has_media =
        params.media_url.is_some() || params.media_urls.is_some_and(|urls| !urls.is_empty());
    if has_media {
        return Err(WireError::unavailable(
            "sending files by address is not built yet: it waits for outbound media",
        ));
    }
    let message = params.message.filter(|text| !text.trim().is_empty());
    let Some(message) = message else { return Err(WireError::invalid("text is required")) };
    let to = To {
        kind: params.channel.as_deref(),
        account: params.account_id.as_deref(),
        chat: &params.to,
        thread: params.thread_id.as_deref(),
    };
    sent(call, to, text(message), &params.idempotency_key).await
}

pub(super) async fn poll(call: Call<'_>) -> Result<Value, WireError> {
    let params: PollParams = call.params()?;
    if !(2..=12).contains(&params.options.len()) {
        return Err(WireError::invalid("a poll has 2 to 12 options"));
    }
    for (name, is_set) in [
        ("durationSeconds", params.duration_seconds.is_some()),
        ("durationHours", params.duration_hours.is_some()),
        ("isAnonymous", params.is_anonymous == Some(false)),
    ] {
        if is_set {
            return Err(WireError::unavailable(format!("poll.{name} cannot be chosen here")));
        }
    }
    let poll = Poll {
        question: params.question,
        options: params.options,
        multiple: params.max_selections.is_some_and(|most| most > 1),
    };
    let to = To {
        kind: params.channel.as_deref(),
        account: params.account_id.as_deref(),
        chat: &params.to,
        thread: params.thread_id.as_deref(),
    };
    let content = ContentParam::Content(MessageContent::Poll(poll));
    sent(call, to, content, &params.idempotency_key).await
}
