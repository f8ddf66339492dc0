use std::collections::BTreeSet;

use serde_json::Value;

use super::Findings;

const FIELDS: &[&str] = &[
    "format",
    "keep_alive",
    "logprobs",
    "messages",
    "model",
    "options",
    "stream",
    "think",
    "tools",
    "top_logprobs",
];

const OPTIONS: &[&str] = &[
    "frequency_penalty",
    "min_p",
    "num_ctx",
    "num_keep",
    "num_predict",
    "presence_penalty",
    "repeat_last_n",
    "repeat_penalty",
    "seed",
    "stop",
    "temperature",
    "top_k",
    "top_p",
];

pub(super) fn check(body: &Value, found: &mut Findings) {
    found.unknown_fields("the request", body, FIELDS);
    found.unknown_fields("options", &body["options"], OPTIONS);
    if !body["options"]["num_predict"].is_u64() {
        found.add("options.num_predict is not set");
    }
    // Without it the server takes a window of its own and cuts what is longer without a word.
    if !body["options"]["num_ctx"].is_u64() {
        found.add("options.num_ctx is not set");
    }
    let mut names = BTreeSet::new();
    for tool in body["tools"].as_array().into_iter().flatten() {
        found.unknown_fields("a tool", tool, &["type", "function"]);
        let known = ["name", "description", "parameters"];
        found.unknown_fields("a tool's function", &tool["function"], &known);
        found.tool(&mut names, &tool["function"]["name"], &tool["function"]["parameters"]);
    }
    for (index, message) in body["messages"].as_array().into_iter().flatten().enumerate() {
        let known =
            ["role", "content", "thinking", "images", "tool_calls", "tool_name", "tool_call_id"];
        found.unknown_fields(&format!("message {index}"), message, &known);
        if !message["content"].is_string() {
            found.add(format!("message {index}: the content is no text"));
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            if !call["function"]["arguments"].is_object() {
                found.add(format!("message {index}: the arguments of a call are no object"));
            }
        }
    }
}
