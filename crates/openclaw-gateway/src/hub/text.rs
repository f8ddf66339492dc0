use std::cell::OnceCell;

use openclaw_core::{AgentEvent, Message, RunId, SessionKey};
use openclaw_protocol::event::{AgentDeltaEvent, of_agent_event, topic};
use openclaw_protocol::{EventParams, envelope};
use serde::Serialize;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::delivery::LiveEvent;

/// An event's JSON, written when the first client wants it and shared by all.
pub(super) struct LazyText<'a> {
    write: Box<dyn Fn() -> Option<String> + 'a>,
    text: OnceCell<Option<Utf8Bytes>>,
}

impl<'a> LazyText<'a> {
    pub(super) fn new(write: impl Fn() -> Option<String> + 'a) -> Self {
        Self { write: Box::new(write), text: OnceCell::new() }
    }

    /// `None` when the event cannot be written, which is logged once.
    pub(super) fn get(&self) -> Option<Utf8Bytes> {
        self.text.get_or_init(|| (self.write)().map(Utf8Bytes::from)).clone()
    }
}

/// The topic of a live event.
pub(super) fn live_topic(event: &AgentEvent) -> &'static str {
    match event {
        AgentEvent::Started { .. } => topic::AGENT_STARTED,
        AgentEvent::Delta { .. } => topic::AGENT_DELTA,
        AgentEvent::Tool { .. } => topic::AGENT_TOOL,
        AgentEvent::Compaction { .. } => topic::AGENT_COMPACTION,
        AgentEvent::Done { .. } => topic::AGENT_DONE,
        AgentEvent::Error { .. } => topic::AGENT_ERROR,
    }
}

pub(super) fn of_live(live: &LiveEvent) -> Option<String> {
    let (key, run) = (Some(&live.session_key), Some(&live.run_id));
    match &live.event {
        AgentEvent::Delta { text, index, reset } => {
            let data = AgentDeltaEvent {
                text: text.clone(),
                index: *index,
                reset: *reset,
                after_seq: live.after_seq,
            };
            write(topic::AGENT_DELTA, None, key, run, &data)
        }
        other => {
            let (topic, data) = of_agent_event(other.clone(), live.after_seq);
            write(topic, None, key, run, &data)
        }
    }
}

/// A stored event. Its data is the message it points at, with what else is stored of it beside.
pub(super) fn of_stored(
    topic: &str,
    seq: i64,
    session_key: &SessionKey,
    run_id: Option<&RunId>,
    message: Option<&Message>,
    data: Option<&Value>,
) -> Option<String> {
    #[derive(Serialize)]
    struct Both<'a> {
        #[serde(flatten)]
        message: &'a Message,
        #[serde(flatten)]
        data: &'a serde_json::Map<String, Value>,
    }
    let (seq, key) = (Some(seq), Some(session_key));
    match (message, data) {
        (Some(message), Some(Value::Object(data))) => {
            write(topic, seq, key, run_id, &Both { message, data })
        }
        (Some(message), _) => write(topic, seq, key, run_id, message),
        (None, Some(data)) => write(topic, seq, key, run_id, data),
        (None, None) => write(topic, seq, key, run_id, &serde_json::Map::new()),
    }
}

/// An event without a place in a session.
pub(super) fn of_notice<D: Serialize>(
    topic: &str,
    key: Option<&SessionKey>,
    data: &D,
) -> Option<String> {
    write(topic, None, key, None, data)
}

fn write<D: Serialize>(
    topic: &str,
    seq: Option<i64>,
    session_key: Option<&SessionKey>,
    run_id: Option<&RunId>,
    data: &D,
) -> Option<String> {
    let params = EventParams {
        topic: topic.to_owned().into(),
        seq,
        session_key: session_key.cloned(),
        run_id: run_id.cloned(),
        data,
    };
    match envelope::event(&params) {
        Ok(text) => Some(text),
        Err(error) => {
            tracing::error!(topic, %error, "an event cannot be written as JSON and is not sent");
            None
        }
    }
}
