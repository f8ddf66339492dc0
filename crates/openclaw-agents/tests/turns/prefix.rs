//! What providers can cache: every request of a session begins as the one before it.

use openclaw_testkit::model::{Api, RecordedRequest, Reply, Script, ScriptedCall};
use serde_json::{Value, json};

use crate::on_every_wire;
use crate::support::Setup;

/// A section of a request as bytes, without the marks of what to cache.
fn without_marks(value: &Value) -> String {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.shift_remove("cache_control");
                map.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = value.clone();
    strip(&mut value);
    value.to_string()
}

/// What stands before the conversation, and the conversation message by message.
fn sections(request: &RecordedRequest) -> (Vec<String>, Vec<String>) {
    let body = &request.body;
    let before =
        ["system", "instructions", "systemInstruction", "tools", "toolConfig", "tool_choice"];
    let before = before.iter().map(|key| without_marks(&body[*key])).collect();
    let messages = [&body["messages"], &body["input"], &body["contents"]]
        .into_iter()
        .find_map(Value::as_array)
        .expect("a conversation");
    (before, messages.iter().map(without_marks).collect())
}

on_every_wire! {
    async fn each_request_begins_as_the_one_before(api: Api) {
        let script = Script::new()
            .then(Reply::text("One."))
            .then(Reply::new().then_call(ScriptedCall::new("add", &json!({"a": 1, "b": 2}))))
            .then(Reply::text("Three."))
            .then(Reply::text("Four.")
                .then_call(ScriptedCall::new("count", &json!({})))
                .then_call(ScriptedCall::new("fail", &json!({}))))
            .then(Reply::text("Five."))
            .then(Reply::text("Six."));
        let harness = Setup::new(api).script(script).build().await;
        for text in ["one", "two", "three", "four"] {
            harness.reply(text).await;
        }
        let requests = harness.server.requests();
        assert_eq!(requests.len(), 6);
        for pair in requests.windows(2) {
            let (before, messages) = sections(&pair[0]);
            let (next_before, next_messages) = sections(&pair[1]);
            assert_eq!(before, next_before, "request {}", pair[1].index);
            assert!(messages.len() < next_messages.len());
            assert_eq!(messages, next_messages[..messages.len()], "request {}", pair[1].index);
        }
        harness.assert_sound();
    }
}

/// Tools, system and the end of the conversation are marked: four marks at most, the last of which
/// moves along.
#[tokio::test]
async fn claude_is_told_what_to_cache() {
    let harness = Setup::new(Api::Messages).build().await;
    for text in ["one", "two", "three"] {
        harness.reply(text).await;
    }
    for request in harness.server.requests() {
        let body = &request.body;
        let marks = body.to_string().matches("cache_control").count();
        assert!((3..=4).contains(&marks), "{marks}");
        let last = |value: &Value| value.as_array().and_then(|list| list.last()).cloned();
        let marked = |block: Option<Value>| {
            block.is_some_and(|block| block["cache_control"]["type"] == "ephemeral")
        };
        assert!(marked(last(&body["tools"])), "{body}");
        assert!(marked(last(&body["system"])), "{body}");
        let message = last(&body["messages"]).expect("one");
        assert!(marked(last(&message["content"])), "{message}");
    }
}
