use serde_json::{Value, json};

use super::Frames;
use crate::model::{Ending, Part, RecordedRequest, Reply, ScriptedCall};

pub(super) fn stream(request: &RecordedRequest, reply: &Reply, frames: &mut Frames) {
    for part in &reply.parts {
        frames.between();
        match part {
            Part::Pause(pause) => frames.pause(*pause),
            Part::Error { kind, message } => frames.event(
                None,
                &json!({"error": {"code": code(kind), "message": message, "status": kind}}),
            ),
            Part::Raw(bytes) => frames.bytes(bytes.clone()),
            other => {
                let parts: Vec<Value> = piece(other).into_iter().collect();
                frames.event(None, &chunk(request, &json!(parts)));
            }
        }
    }
    if reply.ending != Ending::Complete {
        return;
    }
    frames.between();
    let mut last = chunk(request, &json!([]));
    last["candidates"][0]["finishReason"] = json!(finish(reply));
    last["usageMetadata"] = usage(reply);
    frames.event(None, &last);
}

pub(super) fn document(request: &RecordedRequest, reply: &Reply) -> Value {
    let parts: Vec<Value> = reply.parts.iter().filter_map(piece).collect();
    let mut document = chunk(request, &json!(parts));
    document["candidates"][0]["finishReason"] = json!(finish(reply));
    document["usageMetadata"] = usage(reply);
    document
}

fn chunk(request: &RecordedRequest, parts: &Value) -> Value {
    json!({
        "candidates": [{"content": {"parts": parts, "role": "model"}, "index": 0}],
        "modelVersion": request.model(),
        "responseId": format!("gemini-{}", request.index),
    })
}

fn piece(part: &Part) -> Option<Value> {
    match part {
        Part::Text(text) => Some(json!({"text": text})),
        Part::Thinking(text) => {
            Some(json!({"text": text, "thought": true, "thoughtSignature": "c2lnbmVk"}))
        }
        Part::Call(call) => Some(json!({"functionCall": function_call(call)})),
        Part::Pause(_) | Part::Error { .. } | Part::Raw(_) => None,
    }
}

/// A call comes whole on this wire, with arguments that are JSON.
fn function_call(call: &ScriptedCall) -> Value {
    let arguments: Value = serde_json::from_str(&call.fragments.concat()).unwrap_or(json!({}));
    let mut made = json!({"name": call.name, "args": arguments});
    if !call.id.is_empty() {
        made["id"] = json!(call.id);
    }
    made
}

/// The HTTP status of an error that is scripted in the words of another wire.
fn code(kind: &str) -> u16 {
    match kind {
        "invalid_request_error" | "INVALID_ARGUMENT" => 400,
        "authentication_error" | "UNAUTHENTICATED" => 401,
        "rate_limit_error" | "RESOURCE_EXHAUSTED" => 429,
        "overloaded_error" | "UNAVAILABLE" => 503,
        _ => 500,
    }
}

/// The reason in this wire's words.
fn finish(reply: &Reply) -> &str {
    match reply.finish.as_deref() {
        Some("length") => "MAX_TOKENS",
        Some("content_filter") => "SAFETY",
        Some("stop" | "tool_calls") | None => "STOP",
        Some(reason) => reason,
    }
}

fn usage(reply: &Reply) -> Value {
    let usage = reply.usage;
    json!({
        "promptTokenCount": usage.input,
        "candidatesTokenCount": usage.output,
        "totalTokenCount": usage.input + usage.output,
        "cachedContentTokenCount": usage.cached,
    })
}
