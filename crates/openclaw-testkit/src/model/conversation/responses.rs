use serde_json::{Value, json};

use super::{assistant, push};

pub(super) fn messages(body: &Value) -> Vec<Value> {
    let mut messages = Vec::new();
    if let Some(text) = body["instructions"].as_str() {
        messages.push(json!({"role": "system", "content": text}));
    }
    if let Some(text) = body["input"].as_str() {
        messages.push(json!({"role": "user", "content": text}));
    }
    for item in body["input"].as_array().into_iter().flatten() {
        match item["type"].as_str() {
            Some("function_call") => {
                let call = json!({"id": item["call_id"], "type": "function", "function": {
                    "name": item["name"], "arguments": item["arguments"]}});
                push(assistant(&mut messages), "tool_calls", call);
            }
            Some("function_call_output") => messages.push(json!({"role": "tool",
                "tool_call_id": item["call_id"], "content": parts(&item["output"])})),
            Some("reasoning") => {
                assistant(&mut messages);
            }
            Some("message") | None if item["role"] == "assistant" => {
                let message = assistant(&mut messages);
                for part in parts(&item["content"]).as_array().into_iter().flatten() {
                    push(message, "content", part.clone());
                }
            }
            Some("message") | None => {
                messages.push(json!({"role": item["role"], "content": parts(&item["content"])}));
            }
            Some(other) => messages.push(json!({"role": other})),
        }
    }
    messages
}

/// A content's parts under the chat wire's names.
fn parts(content: &Value) -> Value {
    match content {
        Value::String(text) => json!([{"type": "text", "text": text}]),
        Value::Array(list) => list.iter().map(part).collect(),
        other => other.clone(),
    }
}

fn part(part: &Value) -> Value {
    match part["type"].as_str() {
        Some("input_text" | "output_text") => json!({"type": "text", "text": part["text"]}),
        Some("input_image") => json!({"type": "image_url", "image_url": part["image_url"]}),
        _ => part.clone(),
    }
}
