use serde_json::{Value, json};

use super::{Frames, call_id, joined, text_of};
use crate::model::{Ending, Part, RecordedRequest, Reply, ScriptedCall};

pub(super) fn stream(request: &RecordedRequest, reply: &Reply, frames: &mut Frames) {
    let mut calls = 0;
    for part in &reply.parts {
        frames.between();
        let message = match part {
            Part::Text(text) => json!({"role": "assistant", "content": text}),
            Part::Thinking(text) => {
                json!({"role": "assistant", "content": "", "thinking": text})
            }
            Part::Call(call) => {
                calls += 1;
                json!({"role": "assistant", "content": "",
                    "tool_calls": [tool_call(request, call, calls - 1)]})
            }
            Part::Pause(pause) => {
                frames.pause(*pause);
                continue;
            }
            // A failure has words and no code.
            Part::Error { message, .. } => {
                frames.line(&json!({"error": message}));
                continue;
            }
            Part::Raw(bytes) => {
                frames.bytes(bytes.clone());
                continue;
            }
        };
        frames.line(&record(request, &message, false));
    }
    if reply.ending != Ending::Complete {
        return;
    }
    frames.between();
    frames.line(&last(request, reply, &json!({"role": "assistant", "content": ""})));
}

pub(super) fn document(request: &RecordedRequest, reply: &Reply) -> Value {
    let calls: Vec<Value> = reply
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Call(call) => Some(call),
            _ => None,
        })
        .enumerate()
        .map(|(number, call)| tool_call(request, call, number))
        .collect();
    let mut message = json!({"role": "assistant", "content": joined(&reply.parts, text_of)});
    if !calls.is_empty() {
        message["tool_calls"] = Value::Array(calls);
    }
    last(request, reply, &message)
}

fn record(request: &RecordedRequest, message: &Value, done: bool) -> Value {
    json!({"model": request.model(), "created_at": "2023-11-14T22:13:20Z",
        "message": message, "done": done})
}

fn last(request: &RecordedRequest, reply: &Reply, message: &Value) -> Value {
    let mut record = record(request, message, true);
    record["done_reason"] = json!(reply.finish.as_deref().unwrap_or("stop"));
    record["total_duration"] = json!(1_000_000);
    record["prompt_eval_count"] = json!(reply.usage.input);
    record["prompt_eval_cached_count"] = json!(reply.usage.cached);
    record["eval_count"] = json!(reply.usage.output);
    record
}

/// A call comes whole on this wire, with arguments that are JSON.
fn tool_call(request: &RecordedRequest, call: &ScriptedCall, number: usize) -> Value {
    let arguments: Value = serde_json::from_str(&call.fragments.concat()).unwrap_or(json!({}));
    json!({"id": call_id(request, call, number),
        "function": {"index": number, "name": call.name, "arguments": arguments}})
}
