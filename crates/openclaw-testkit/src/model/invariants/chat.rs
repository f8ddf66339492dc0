use std::collections::BTreeSet;

use serde_json::Value;

use super::Findings;

const FIELDS: &[&str] = &[
    "audio",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];

pub(super) fn check(body: &Value, found: &mut Findings) {
    found.unknown_fields("the request", body, FIELDS);
    if !body["max_tokens"].is_u64() && !body["max_completion_tokens"].is_u64() {
        found.add("neither max_tokens nor max_completion_tokens is set");
    }
    if body["stream"] == true && body["stream_options"]["include_usage"] != true {
        found.add("a stream without stream_options.include_usage reports no usage");
    }
    tools(body, found);
}

fn tools(body: &Value, found: &mut Findings) {
    let Some(tools) = body.get("tools") else { return };
    if tools.as_array().is_none_or(Vec::is_empty) {
        found.add("tools is no list with something in it");
    }
    let mut names = BTreeSet::new();
    for tool in tools.as_array().into_iter().flatten() {
        found.unknown_fields("a tool", tool, &["type", "function"]);
        if tool["type"] != "function" {
            found.add("a tool is not of type function");
        }
        let known = ["name", "description", "parameters", "strict"];
        found.unknown_fields("a tool's function", &tool["function"], &known);
        found.tool(&mut names, &tool["function"]["name"], &tool["function"]["parameters"]);
    }
}

/// Some servers of this wire refuse what does not alternate.
pub(super) fn alternates(conversation: &[Value], found: &mut Findings) {
    for (index, pair) in conversation.windows(2).enumerate() {
        if pair.iter().all(|message| message["role"] == "user") {
            found.add(format!("message {}: two user messages in a row", index + 1));
        }
    }
}

/// Checks a conversation in this wire's shape: every call has one result, and the last word is not
/// the assistant's.
pub(super) fn messages(conversation: &[Value], found: &mut Findings) {
    let mut open: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut previous = String::new();
    for (index, message) in conversation.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if role != "tool" && !open.is_empty() {
            found.add(format!("message {index}: the calls {open:?} have no result"));
            open.clear();
        }
        match role {
            "system" | "developer" => {
                if index > 0 {
                    found.add(format!("message {index}: a system message that is not the first"));
                }
                content(index, message, found);
            }
            "user" => content(index, message, found),
            "assistant" => assistant(index, message, &mut open, &mut seen, found),
            "tool" => {
                let known = ["role", "content", "tool_call_id"];
                found.unknown_fields(&format!("message {index}"), message, &known);
                let id = message["tool_call_id"].as_str().unwrap_or_default();
                match open.iter().position(|call| call == id) {
                    Some(place) => {
                        open.remove(place);
                    }
                    None => found.add(format!("message {index}: a result of no open call {id:?}")),
                }
            }
            other => found.add(format!("message {index}: the unknown role {other:?}")),
        }
        role.clone_into(&mut previous);
    }
    if !open.is_empty() {
        found.add(format!("the calls {open:?} have no result"));
    }
    if previous == "assistant" {
        found.add("the last message is the assistant's");
    }
}

fn assistant(
    index: usize,
    message: &Value,
    open: &mut Vec<String>,
    seen: &mut BTreeSet<String>,
    found: &mut Findings,
) {
    let calls = message["tool_calls"].as_array().map_or(&[][..], Vec::as_slice);
    if calls.is_empty() {
        content(index, message, found);
    }
    for call in calls {
        let id = call["id"].as_str().unwrap_or_default();
        if id.is_empty() || !seen.insert(id.to_owned()) {
            found.add(format!("message {index}: the call id {id:?} is empty or used twice"));
        }
        let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
        if !serde_json::from_str::<Value>(arguments).is_ok_and(|value| value.is_object()) {
            found.add(format!("message {index}: the arguments of {id} are no JSON object"));
        }
        open.push(id.to_owned());
    }
}

fn content(index: usize, message: &Value, found: &mut Findings) {
    let empty = match &message["content"] {
        Value::String(text) => text.is_empty(),
        Value::Array(parts) => {
            for part in parts {
                if part["type"] == "text" && part["text"].as_str().is_none_or(str::is_empty) {
                    found.add(format!("message {index}: an empty text part"));
                }
            }
            parts.is_empty()
        }
        _ => true,
    };
    if empty {
        found.add(format!("message {index}: no content"));
    }
}
