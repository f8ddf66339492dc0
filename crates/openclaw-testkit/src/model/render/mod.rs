mod chat;
mod gemini;
mod messages;
mod ollama;
mod responses;

use std::time::Duration;

use serde_json::Value;

use super::{Api, Ending, Part, RecordedRequest, Reply, ScriptedCall};

/// What the server does next on the connection.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Frame {
    Bytes(Vec<u8>),
    Pause(Duration),
}

/// A streamed reply as frames of its wire's events. The end marker is among them unless the reply
/// ends otherwise.
pub(crate) fn stream(request: &RecordedRequest, reply: &Reply) -> Vec<Frame> {
    let mut frames = Frames { frames: Vec::new(), gap: reply.gap };
    match request.api {
        Api::Chat => chat::stream(request, reply, &mut frames),
        Api::Messages => messages::stream(request, reply, &mut frames),
        Api::Responses => responses::stream(request, reply, &mut frames),
        Api::Gemini => gemini::stream(request, reply, &mut frames),
        Api::Ollama => ollama::stream(request, reply, &mut frames),
    }
    if reply.ending == Ending::HalfEvent {
        frames.bytes(b"data: {\"id\":\"half\",\"choi".to_vec());
    }
    frames.frames
}

/// The reply as one JSON document.
pub(crate) fn document(request: &RecordedRequest, reply: &Reply) -> Value {
    match request.api {
        Api::Chat => chat::document(request, reply),
        Api::Messages => messages::document(request, reply),
        Api::Responses => responses::document(request, reply),
        Api::Gemini => gemini::document(request, reply),
        Api::Ollama => ollama::document(request, reply),
    }
}

pub(crate) struct Frames {
    frames: Vec<Frame>,
    gap: Duration,
}

impl Frames {
    fn bytes(&mut self, bytes: Vec<u8>) {
        self.frames.push(Frame::Bytes(bytes));
    }

    /// A document on a line of its own.
    fn line(&mut self, data: &Value) {
        self.bytes(format!("{data}\n").into_bytes());
    }

    fn event(&mut self, name: Option<&str>, data: &Value) {
        let mut text = String::new();
        if let Some(name) = name {
            text.push_str(&format!("event: {name}\n"));
        }
        text.push_str(&format!("data: {data}\n\n"));
        self.bytes(text.into_bytes());
    }

    fn pause(&mut self, pause: Duration) {
        if !pause.is_zero() {
            self.frames.push(Frame::Pause(pause));
        }
    }

    fn between(&mut self) {
        self.pause(self.gap);
    }
}

fn call_id(request: &RecordedRequest, call: &ScriptedCall, number: usize) -> String {
    if call.id.is_empty() { format!("call_{}_{number}", request.index) } else { call.id.clone() }
}

fn joined(parts: &[Part], pick: impl Fn(&Part) -> Option<&str>) -> String {
    parts.iter().filter_map(pick).collect()
}

fn text_of(part: &Part) -> Option<&str> {
    match part {
        Part::Text(text) => Some(text),
        _ => None,
    }
}
