use std::collections::BTreeSet;

use serde_json::Value;

use super::Findings;

const FIELDS: &[&str] = &[
    "cache_control",
    "container",
    "context_management",
    "max_tokens",
    "mcp_servers",
    "messages",
    "metadata",
    "model",
    "output_config",
    "service_tier",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

pub(super) fn check(headers: &[(String, String)], body: &Value, found: &mut Findings) {
    if !headers.iter().any(|(name, _)| name == "anthropic-version") {
        found.add("the header anthropic-version is missing");
    }
    found.unknown_fields("the request", body, FIELDS);
    let max_tokens = body["max_tokens"].as_u64();
    if max_tokens.is_none_or(|tokens| tokens == 0) {
        found.add("max_tokens is missing");
    }
    let budget = body["thinking"]["budget_tokens"].as_u64();
    if budget.is_some_and(|budget| budget < 1024 || max_tokens.is_some_and(|max| budget >= max)) {
        found.add("the thinking budget is below 1024 or not below max_tokens");
    }
    tools(body, found);
    messages(body, found);
}

fn tools(body: &Value, found: &mut Findings) {
    let Some(tools) = body.get("tools") else { return };
    let mut names = BTreeSet::new();
    for tool in tools.as_array().into_iter().flatten() {
        let known = [
            "name",
            "description",
            "input_schema",
            "cache_control",
            "type",
            "strict",
            "eager_input_streaming",
        ];
        found.unknown_fields("a tool", tool, &known);
        found.tool(&mut names, &tool["name"], &tool["input_schema"]);
    }
}

fn messages(body: &Value, found: &mut Findings) {
    let mut open: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut previous = String::new();
    for (index, message) in body["messages"].as_array().into_iter().flatten().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        found.unknown_fields(&format!("message {index}"), message, &["role", "content"]);
        match role {
            "user" | "assistant" => {}
            other => found.add(format!("message {index}: the unknown role {other:?}")),
        }
        if index == 0 && role != "user" {
            found.add("the first message is not the user's");
        }
        if role == previous {
            found.add(format!("message {index}: two messages of role {role} in a row"));
        }
        let blocks = content(index, message, found);
        if role == "user" {
            results(index, &blocks, &mut open, found);
        } else {
            for block in blocks.iter().filter(|block| block["type"] == "tool_use") {
                let id = block["id"].as_str().unwrap_or_default();
                if id.is_empty() || !seen.insert(id.to_owned()) {
                    found.add(format!("message {index}: the call id {id:?} is empty or twice"));
                }
                if !block["input"].is_object() {
                    found.add(format!("message {index}: the input of {id} is no object"));
                }
                open.push(id.to_owned());
            }
        }
        previous = role.to_owned();
    }
    if previous != "user" {
        found.add("the last message is not the user's");
    }
}

/// The results of a user message come first, and answer each call of the message before once.
fn results(index: usize, blocks: &[&Value], open: &mut Vec<String>, found: &mut Findings) {
    let mut other_seen = false;
    for block in blocks {
        if block["type"] != "tool_result" {
            other_seen = true;
            continue;
        }
        if other_seen {
            found.add(format!("message {index}: a tool result after other content"));
        }
        let id = block["tool_use_id"].as_str().unwrap_or_default();
        match open.iter().position(|call| call == id) {
            Some(place) => {
                open.remove(place);
            }
            None => found.add(format!("message {index}: a result of no open call {id:?}")),
        }
    }
    if !open.is_empty() {
        found.add(format!("message {index}: the calls {open:?} have no result"));
        open.clear();
    }
}

fn content<'a>(index: usize, message: &'a Value, found: &mut Findings) -> Vec<&'a Value> {
    match &message["content"] {
        Value::String(text) => {
            if text.is_empty() {
                found.add(format!("message {index}: no content"));
            }
            Vec::new()
        }
        Value::Array(blocks) if !blocks.is_empty() => {
            for block in blocks {
                if block["type"] == "text"
                    && block["text"].as_str().is_none_or(|text| text.trim().is_empty())
                {
                    found.add(format!("message {index}: a blank text block"));
                }
            }
            blocks.iter().collect()
        }
        _ => {
            found.add(format!("message {index}: no content"));
            Vec::new()
        }
    }
}
