use serde_json::{Value, json};

/// Texts are plain, images stand beside them, and arguments are objects.
pub(super) fn messages(body: &Value) -> Vec<Value> {
    body["messages"].as_array().into_iter().flatten().map(message).collect()
}

fn message(message: &Value) -> Value {
    let mut content = Vec::new();
    if let Some(text) = message["content"].as_str().filter(|text| !text.is_empty()) {
        content.push(json!({"type": "text", "text": text}));
    }
    for image in message["images"].as_array().into_iter().flatten() {
        content.push(json!({"type": "image", "source": image}));
    }
    let mut told = json!({"role": message["role"], "content": content});
    if let Some(calls) = message["tool_calls"].as_array() {
        let calls = calls.iter().map(|call| {
            json!({"id": call["id"], "type": "function", "function": {
                "name": call["function"]["name"],
                "arguments": call["function"]["arguments"].to_string()}})
        });
        told["tool_calls"] = calls.collect();
    }
    if message["role"] == "tool" {
        told["tool_call_id"] = message["tool_call_id"].clone();
    }
    // An assistant that only thought said nothing.
    if message["role"] == "assistant" && message["thinking"].is_string() && content_is_empty(&told)
    {
        told["content"] = json!([{"type": "thinking"}]);
    }
    told
}

fn content_is_empty(message: &Value) -> bool {
    message["content"].as_array().is_none_or(Vec::is_empty)
}
