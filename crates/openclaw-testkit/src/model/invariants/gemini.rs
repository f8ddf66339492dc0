use std::collections::BTreeSet;

use serde_json::Value;

use super::Findings;

const FIELDS: &[&str] = &[
    "cachedContent",
    "contents",
    "generationConfig",
    "labels",
    "safetySettings",
    "systemInstruction",
    "toolConfig",
    "tools",
];

pub(super) fn check(headers: &[(String, String)], body: &Value, found: &mut Findings) {
    if !headers.iter().any(|(name, _)| name == "x-goog-api-key") {
        found.add("the header x-goog-api-key is missing");
    }
    found.unknown_fields("the request", body, FIELDS);
    if !body["generationConfig"]["maxOutputTokens"].is_u64() {
        found.add("generationConfig.maxOutputTokens is not set");
    }
    let mut names = BTreeSet::new();
    for tool in body["tools"].as_array().into_iter().flatten() {
        found.unknown_fields("a tool", tool, &["functionDeclarations", "codeExecution"]);
        if !tool["codeExecution"].is_null() {
            found.add("the provider is asked to run code");
        }
        for function in tool["functionDeclarations"].as_array().into_iter().flatten() {
            let known = ["name", "description", "parameters", "parametersJsonSchema"];
            found.unknown_fields("a function", function, &known);
            let schema = function.get("parametersJsonSchema").unwrap_or(&function["parameters"]);
            if !schema.is_null() {
                found.tool(&mut names, &function["name"], schema);
            }
        }
    }
    let mut previous = String::new();
    for (index, content) in body["contents"].as_array().into_iter().flatten().enumerate() {
        found.unknown_fields(&format!("content {index}"), content, &["role", "parts"]);
        let role = content["role"].as_str().unwrap_or_default();
        if !matches!(role, "user" | "model") {
            found.add(format!("content {index}: the unknown role {role:?}"));
        }
        if role == previous && role == "model" {
            found.add(format!("content {index}: two contents of the model in a row"));
        }
        if content["parts"].as_array().is_none_or(Vec::is_empty) {
            found.add(format!("content {index}: no parts"));
        }
        previous = role.to_owned();
    }
}
