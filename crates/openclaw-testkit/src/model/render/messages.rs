use serde_json::{Value, json};

use super::{Frames, call_id};
use crate::model::{Ending, Part, RecordedRequest, Reply};

/// The kind of the content block that is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Text,
    Thinking,
}

struct Blocks {
    open: Open,
    index: usize,
}

impl Blocks {
    fn close(&mut self, frames: &mut Frames) {
        if self.open == Open::Thinking {
            let delta = json!({"type": "signature_delta", "signature": "c2lnbmVk"});
            self.delta(frames, &delta);
        }
        if self.open != Open::Nothing {
            self.stop(frames);
            self.open = Open::Nothing;
        }
    }

    fn stop(&mut self, frames: &mut Frames) {
        let event = json!({"type": "content_block_stop", "index": self.index});
        frames.event(Some("content_block_stop"), &event);
        self.index += 1;
    }

    fn start(&self, frames: &mut Frames, block: &Value) {
        let event =
            json!({"type": "content_block_start", "index": self.index, "content_block": block});
        frames.event(Some("content_block_start"), &event);
    }

    fn delta(&self, frames: &mut Frames, delta: &Value) {
        let event = json!({"type": "content_block_delta", "index": self.index, "delta": delta});
        frames.event(Some("content_block_delta"), &event);
    }

    fn ensure(&mut self, frames: &mut Frames, wanted: Open, block: &Value) {
        if self.open != wanted {
            self.close(frames);
            self.start(frames, block);
            self.open = wanted;
        }
    }
}

pub(super) fn stream(request: &RecordedRequest, reply: &Reply, frames: &mut Frames) {
    let start = json!({"type": "message_start", "message": {
        "id": format!("msg_{}", request.index), "type": "message", "role": "assistant",
        "model": request.model(), "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": usage(reply, 1),
    }});
    frames.event(Some("message_start"), &start);
    frames.event(Some("ping"), &json!({"type": "ping"}));
    let mut blocks = Blocks { open: Open::Nothing, index: 0 };
    let mut calls = 0;
    for part in &reply.parts {
        frames.between();
        match part {
            Part::Text(text) => {
                blocks.ensure(frames, Open::Text, &json!({"type": "text", "text": ""}));
                blocks.delta(frames, &json!({"type": "text_delta", "text": text}));
            }
            Part::Thinking(text) => {
                let block = json!({"type": "thinking", "thinking": "", "signature": ""});
                blocks.ensure(frames, Open::Thinking, &block);
                blocks.delta(frames, &json!({"type": "thinking_delta", "thinking": text}));
            }
            Part::Call(call) => {
                blocks.close(frames);
                let id = call_id(request, call, calls);
                let block = json!({"type": "tool_use", "id": id, "name": call.name, "input": {}});
                blocks.start(frames, &block);
                for fragment in &call.fragments {
                    let delta = json!({"type": "input_json_delta", "partial_json": fragment});
                    blocks.delta(frames, &delta);
                }
                blocks.stop(frames);
                calls += 1;
            }
            Part::Pause(pause) => frames.pause(*pause),
            Part::Error { kind, message } => frames.event(
                Some("error"),
                &json!({"type": "error", "error": {"type": kind, "message": message}}),
            ),
            Part::Raw(bytes) => frames.bytes(bytes.clone()),
        }
    }
    if reply.ending != Ending::Complete {
        return;
    }
    blocks.close(frames);
    frames.between();
    let delta = json!({"type": "message_delta",
        "delta": {"stop_reason": finish(reply), "stop_sequence": null},
        "usage": {"output_tokens": reply.usage.output}});
    frames.event(Some("message_delta"), &delta);
    frames.event(Some("message_stop"), &json!({"type": "message_stop"}));
}

pub(super) fn document(request: &RecordedRequest, reply: &Reply) -> Value {
    let mut content: Vec<Value> = Vec::new();
    let mut calls = 0;
    for part in &reply.parts {
        match part {
            Part::Text(text) => match content.last_mut() {
                Some(last) if last["type"] == "text" => {
                    let joined = format!("{}{text}", last["text"].as_str().unwrap_or_default());
                    last["text"] = Value::String(joined);
                }
                _ => content.push(json!({"type": "text", "text": text})),
            },
            Part::Call(call) => {
                let input = serde_json::from_str(&call.fragments.concat()).unwrap_or(json!({}));
                content.push(json!({"type": "tool_use", "id": call_id(request, call, calls),
                    "name": call.name, "input": input}));
                calls += 1;
            }
            Part::Thinking(_) | Part::Pause(_) | Part::Error { .. } | Part::Raw(_) => {}
        }
    }
    json!({
        "id": format!("msg_{}", request.index), "type": "message", "role": "assistant",
        "model": request.model(), "content": content, "stop_reason": finish(reply),
        "stop_sequence": null, "usage": usage(reply, reply.usage.output),
    })
}

/// The reason in this wire's words; a reply scripted in the chat wire's words is translated, so
/// that one suite runs on both.
fn finish(reply: &Reply) -> &str {
    match reply.finish.as_deref() {
        Some("length") => "max_tokens",
        Some("stop") => "end_turn",
        Some("tool_calls") => "tool_use",
        Some("content_filter") => "refusal",
        Some(reason) => reason,
        None if reply.has_calls() => "tool_use",
        None => "end_turn",
    }
}

fn usage(reply: &Reply, output: u64) -> Value {
    let usage = reply.usage;
    json!({
        "input_tokens": usage.input - usage.cached,
        "cache_read_input_tokens": usage.cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": output,
    })
}
