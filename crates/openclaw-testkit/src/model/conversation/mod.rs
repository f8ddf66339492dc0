//! What a request says, in one shape whatever its wire: that of the chat wire's messages. Scripts
//! and checks read it, so that they are written once.

mod gemini;
mod ollama;
mod responses;

use serde_json::Value;

use super::Api;

/// The messages of a request's body, with roles, parts and calls as the chat wire names them; the
/// Messages wire keeps its own blocks.
pub(crate) fn of(api: Api, body: &Value) -> Vec<Value> {
    match api {
        Api::Chat | Api::Messages => body["messages"].as_array().cloned().unwrap_or_default(),
        Api::Responses => responses::messages(body),
        Api::Gemini => gemini::messages(body),
        Api::Ollama => ollama::messages(body),
    }
}

/// Appends calls and text to the assistant's message that is open, or begins one.
fn assistant(messages: &mut Vec<Value>) -> &mut Value {
    let is_open = messages.last().is_some_and(|last| last["role"] == "assistant");
    if !is_open {
        messages.push(serde_json::json!({"role": "assistant", "content": []}));
    }
    let last = messages.len() - 1;
    &mut messages[last]
}

/// Pushes to an array of an object that may lack it.
fn push(object: &mut Value, key: &str, value: Value) {
    match object[key].as_array_mut() {
        Some(list) => list.push(value),
        None => object[key] = Value::Array(vec![value]),
    }
}
