//! What a request must keep so that every provider of its wire takes it.

mod chat;
mod messages;

use std::collections::BTreeSet;

use serde_json::Value;

use super::Api;

/// What is wrong with a request; nothing means sound.
pub(crate) fn check(api: Api, headers: &[(String, String)], body: &Value) -> Vec<String> {
    let mut found = Findings(Vec::new());
    if body["model"].as_str().is_none_or(str::is_empty) {
        found.add("model is missing");
    }
    if body["messages"].as_array().is_none_or(Vec::is_empty) {
        found.add("messages are missing");
    }
    match api {
        Api::Chat => chat::check(body, &mut found),
        Api::Messages => messages::check(headers, body, &mut found),
    }
    found.0
}

pub(crate) struct Findings(Vec<String>);

impl Findings {
    fn add(&mut self, finding: impl Into<String>) {
        self.0.push(finding.into());
    }

    fn unknown_fields(&mut self, place: &str, object: &Value, known: &[&str]) {
        let Some(object) = object.as_object() else {
            self.add(format!("{place} is no object"));
            return;
        };
        for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
            self.add(format!("{place} has the unknown field {key:?}"));
        }
    }

    /// Checks a tool's name and the schema of its arguments.
    fn tool(&mut self, names: &mut BTreeSet<String>, name: &Value, schema: &Value) {
        let text = name.as_str().unwrap_or_default();
        let well_formed = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if !well_formed {
            self.add(format!("the tool name {name} is malformed"));
        }
        if !names.insert(text.to_owned()) {
            self.add(format!("the tool {text} is offered twice"));
        }
        if schema["type"] != "object" {
            self.add(format!("the arguments of tool {text} are no object schema"));
        }
        if schema.to_string().contains("\"$ref\"") {
            self.add(format!("the arguments of tool {text} hold a $ref"));
        }
    }
}
