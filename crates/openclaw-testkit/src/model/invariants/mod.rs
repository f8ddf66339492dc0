//! What a request must keep so that every provider of its wire takes it.

mod chat;
mod gemini;
mod messages;
mod ollama;
mod responses;

use std::collections::BTreeSet;

use serde_json::Value;

use super::Api;

/// What is wrong with a request; nothing means sound.
pub(crate) fn check(
    api: Api,
    headers: &[(String, String)],
    body: &Value,
    conversation: &[Value],
) -> Vec<String> {
    let mut found = Findings(Vec::new());
    // The Gemini wire names the model in the path.
    if api != Api::Gemini && body["model"].as_str().is_none_or(str::is_empty) {
        found.add("model is missing");
    }
    if conversation.is_empty() {
        found.add("messages are missing");
    }
    match api {
        Api::Chat => {
            chat::check(body, &mut found);
            chat::alternates(conversation, &mut found);
            chat::messages(conversation, &mut found);
        }
        Api::Responses => {
            responses::check(body, &mut found);
            chat::messages(conversation, &mut found);
        }
        Api::Gemini => {
            gemini::check(headers, body, &mut found);
            chat::messages(conversation, &mut found);
        }
        Api::Ollama => {
            ollama::check(body, &mut found);
            chat::messages(conversation, &mut found);
        }
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

#[cfg(test)]
mod tests {
    use super::check;
    use crate::model::Api;
    use serde_json::{Value, json};

    fn findings(api: Api, body: &Value) -> Vec<String> {
        let headers = [("anthropic-version".to_owned(), "2023-06-01".to_owned())];
        check(api, &headers, body, &crate::model::conversation::of(api, body))
    }

    fn chat(messages: Value) -> Value {
        json!({"model": "m", "max_tokens": 9, "messages": messages})
    }

    #[test]
    fn sound_requests_pass() {
        let call = json!({"id": "a", "type": "function",
            "function": {"name": "t", "arguments": "{}"}});
        let body = chat(json!([
            {"role": "system", "content": "s"}, {"role": "user", "content": "hi"},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "a", "content": "r"},
        ]));
        assert_eq!(findings(Api::Chat, &body), Vec::<String>::new());
        let body = chat(json!([
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "a", "name": "t", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "r"},
                {"type": "text", "text": "and?"}]},
        ]));
        assert_eq!(findings(Api::Messages, &body), Vec::<String>::new());
    }

    #[test]
    fn each_rule_finds_its_breach() {
        let user = json!({"role": "user", "content": "hi"});
        let tool_use = |id: &str| {
            json!({"role": "assistant", "content": [
                {"type": "tool_use", "id": id, "name": "t", "input": {}}]})
        };
        let result = |id: &str| {
            json!({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": id, "content": "r"}]})
        };
        let call = |id: &str| {
            json!({"role": "assistant", "tool_calls": [{"id": id, "type": "function",
                "function": {"name": "t", "arguments": "{}"}}]})
        };
        let with = |mut body: Value, key: &str, value: Value| {
            body[key] = value;
            body
        };
        let good = chat(json!([user]));
        let tools = |schema: Value| json!([{"type": "function", "function": {"name": "t", "parameters": schema}}]);
        for (api, body, expected) in [
            (Api::Chat, json!({"model": "m", "messages": [user]}), "max_tokens"),
            (Api::Messages, json!({"model": "m", "messages": [user]}), "max_tokens"),
            (Api::Chat, with(good.clone(), "model", json!("")), "model is missing"),
            (Api::Chat, chat(json!([])), "messages are missing"),
            (Api::Chat, with(good.clone(), "bogus", json!(1)), "unknown field"),
            (Api::Messages, with(good.clone(), "bogus", json!(1)), "unknown field"),
            (Api::Chat, with(good.clone(), "stream", json!(true)), "include_usage"),
            (Api::Chat, with(good.clone(), "tools", tools(json!({"type": "string"}))), "no object"),
            (Api::Chat, chat(json!([user, call("a")])), "have no result"),
            (Api::Chat, chat(json!([user, call("a"), user])), "have no result"),
            (
                Api::Chat,
                chat(json!([{"role": "tool", "tool_call_id": "a", "content": "r"}])),
                "no open call",
            ),
            (Api::Chat, chat(json!([{"role": "wizard", "content": "x"}])), "unknown role"),
            (Api::Chat, chat(json!([{"role": "user", "content": ""}])), "no content"),
            (Api::Messages, chat(json!([user, user])), "in a row"),
            (Api::Messages, chat(json!([tool_use("a"), result("a")])), "first message"),
            (Api::Messages, chat(json!([user, tool_use("a"), user])), "have no result"),
            (Api::Messages, chat(json!([user, tool_use("a"), result("b")])), "no open call"),
            (
                Api::Messages,
                chat(json!([user, tool_use("a"), result("a"), tool_use("a"), result("a")])),
                "empty or twice",
            ),
            (
                Api::Messages,
                chat(json!([user, {"role": "assistant", "content": "x"}])),
                "last message",
            ),
            (
                Api::Messages,
                with(good.clone(), "thinking", json!({"type": "enabled", "budget_tokens": 9_000})),
                "thinking budget",
            ),
        ] {
            let found = findings(api, &body);
            assert!(found.iter().any(|text| text.contains(expected)), "{expected}: {found:?}");
        }
        assert!(
            check(Api::Messages, &[], &good, &crate::model::conversation::of(Api::Messages, &good))
                .iter()
                .any(|text| text.contains("version"))
        );
    }
}
