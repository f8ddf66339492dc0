use serde_json::{Value, json};

use super::{Frames, call_id, joined, text_of};
use crate::model::{Ending, Part, RecordedRequest, Reply};

pub(super) fn stream(request: &RecordedRequest, reply: &Reply, frames: &mut Frames) {
    let chunk = |delta: Value, finish: Option<&str>| {
        json!({
            "id": format!("chatcmpl-{}", request.index),
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": request.model(),
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}],
        })
    };
    frames.event(None, &chunk(json!({"role": "assistant", "content": ""}), None));
    let mut calls = 0;
    for part in &reply.parts {
        frames.between();
        match part {
            Part::Text(text) => frames.event(None, &chunk(json!({"content": text}), None)),
            Part::Thinking(text) => {
                frames.event(None, &chunk(json!({"reasoning_content": text}), None));
            }
            Part::Call(call) => {
                let id = call_id(request, call, calls);
                let start = json!({"tool_calls": [{"index": calls, "id": id, "type": "function",
                    "function": {"name": call.name, "arguments": ""}}]});
                frames.event(None, &chunk(start, None));
                for fragment in &call.fragments {
                    let delta = json!({"tool_calls": [{"index": calls,
                        "function": {"arguments": fragment}}]});
                    frames.event(None, &chunk(delta, None));
                }
                calls += 1;
            }
            Part::Pause(pause) => frames.pause(*pause),
            Part::Error { kind, message } => frames
                .event(None, &json!({"error": {"message": message, "type": kind, "code": kind}})),
            Part::Raw(bytes) => frames.bytes(bytes.clone()),
        }
    }
    if reply.ending != Ending::Complete {
        return;
    }
    frames.between();
    frames.event(None, &chunk(json!({}), Some(finish(reply))));
    if request.body["stream_options"]["include_usage"] == true {
        let mut last = chunk(json!({}), None);
        last["choices"] = json!([]);
        last["usage"] = usage(reply);
        frames.event(None, &last);
    }
    frames.bytes(b"data: [DONE]\n\n".to_vec());
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
        .map(|(number, call)| {
            json!({"id": call_id(request, call, number), "type": "function",
                "function": {"name": call.name, "arguments": call.fragments.concat()}})
        })
        .collect();
    let text = joined(&reply.parts, text_of);
    let mut message = json!({"role": "assistant", "content": text, "refusal": null});
    if !calls.is_empty() {
        message["tool_calls"] = Value::Array(calls);
    }
    json!({
        "id": format!("chatcmpl-{}", request.index),
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": request.model(),
        "choices": [{"index": 0, "message": message, "logprobs": null,
            "finish_reason": finish(reply)}],
        "usage": usage(reply),
    })
}

fn finish(reply: &Reply) -> &str {
    match &reply.finish {
        Some(reason) => reason,
        None if reply.has_calls() => "tool_calls",
        None => "stop",
    }
}

fn usage(reply: &Reply) -> Value {
    let usage = reply.usage;
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
    })
}
