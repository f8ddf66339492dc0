use std::collections::BTreeSet;

use serde_json::Value;

use super::Findings;

const FIELDS: &[&str] = &[
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "metadata",
    "model",
    "parallel_tool_calls",
    "prompt_cache_key",
    "reasoning",
    "service_tier",
    "store",
    "stream",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
    "truncation",
    "user",
];

pub(super) fn check(body: &Value, found: &mut Findings) {
    found.unknown_fields("the request", body, FIELDS);
    if !body["max_output_tokens"].is_u64() {
        found.add("max_output_tokens is not set");
    }
    if body["store"] != false {
        found.add("store is not false: the provider would keep the conversation");
    }
    let mut names = BTreeSet::new();
    for tool in body["tools"].as_array().into_iter().flatten() {
        let known = ["type", "name", "description", "parameters", "strict"];
        found.unknown_fields("a tool", tool, &known);
        found.tool(&mut names, &tool["name"], &tool["parameters"]);
    }
    for (index, item) in body["input"].as_array().into_iter().flatten().enumerate() {
        if item["type"] == "reasoning" && !item["encrypted_content"].is_string() {
            found.add(format!("item {index}: reasoning that the provider does not keep is empty"));
        }
    }
}
