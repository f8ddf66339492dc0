//! The answers and events field by field against those of a running TypeScript gateway, which are kept in
//! `shapes.json`: there a list is its first element and its length, a long text `str(n)`, null
//! `"null"`, and `{…}` an object that was not looked into.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::differences::DIFFERENCES;
use super::support::{ADMIN, Device, TsClient, connect_params};
use crate::support::{TOKEN, TestGateway};

const SHAPES: &str = include_str!("shapes.json");

/// Fields whose keys are data: channels by kind, and the configuration of another program.
const MAPS: &[&str] = &[
    "channels",
    "channelAccounts",
    "channelDefaultAccountId",
    "channelDetailLabels",
    "channelLabels",
    "config",
    "parsed",
    "resolved",
];

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "flag",
        Value::Number(_) => "number",
        Value::String(text) if text == "null" => "null",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

fn compare(path: &str, theirs: &Value, ours: &Value, found: &mut BTreeSet<String>) {
    if kind(theirs) != kind(ours) {
        if theirs != "{\u{2026}}" || !ours.is_object() {
            found.insert(format!("~{path}"));
        }
        return;
    }
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => objects(path, theirs, ours, found),
        (Value::Array(theirs), Value::Array(ours)) => {
            // A kept list ends with its length.
            if let (Some(their_first), Some(our_first)) = (theirs.first(), ours.first())
                && theirs.len() == 2
            {
                compare(&format!("{path}[]"), their_first, our_first, found);
            }
        }
        _ => {}
    }
}

fn objects(
    path: &str,
    theirs: &Map<String, Value>,
    ours: &Map<String, Value>,
    found: &mut BTreeSet<String>,
) {
    for (key, theirs) in theirs {
        let inner = format!("{path}.{key}");
        match ours.get(key) {
            Some(_) if MAPS.contains(&key.as_str()) => {}
            Some(ours) => compare(&inner, theirs, ours, found),
            None => {
                found.insert(format!("-{inner}"));
            }
        }
    }
    for key in ours.keys().filter(|key| !theirs.contains_key(*key)) {
        found.insert(format!("+{path}.{key}"));
    }
}

/// The methods that are compared, in an order in which they can be called.
fn calls() -> Vec<(&'static str, Value)> {
    let main = "agent:main:main";
    vec![
        ("chat.send", json!({"sessionKey": main, "message": "hi", "idempotencyKey": "bm-x-1"})),
        (
            "agent",
            json!({"message": "hi", "sessionKey": "agent:main:other", "idempotencyKey": "bm-x-2"}),
        ),
        ("agent.wait", json!({"runId": "bm-x-2", "timeoutMs": 15_000})),
        ("health", json!({})),
        ("status", json!({})),
        ("channels.status", json!({})),
        ("config.get", json!({})),
        ("models.list", json!({})),
        ("agents.list", json!({})),
        ("agents.files.list", json!({"agentId": "main"})),
        ("sessions.list", json!({})),
        ("sessions.list", json!({"includeDerivedTitles": true, "includeLastMessage": true})),
        ("sessions.preview", json!({"keys": [main]})),
        ("sessions.resolve", json!({"key": main})),
        ("sessions.patch", json!({"key": main, "thinkingLevel": "low", "label": "lbl"})),
        ("last-heartbeat", json!({})),
        ("device.pair.list", json!({})),
        (
            "cron.add",
            json!({
                "name": "t1", "schedule": {"kind": "every", "everyMs": 3_600_000},
                "sessionTarget": "isolated", "wakeMode": "now",
                "payload": {"kind": "agentTurn", "message": "hi"},
            }),
        ),
        ("cron.list", json!({})),
        ("cron.status", json!({})),
        ("system-presence", json!({})),
        ("agent.identity.get", json!({})),
        ("chat.history", json!({"sessionKey": main})),
        ("chat.inject", json!({"sessionKey": main, "message": "inj"})),
        ("chat.abort", json!({"sessionKey": main})),
        ("wake", json!({"mode": "now", "text": "x"})),
        ("system-event", json!({"text": "hello"})),
        ("sessions.reset", json!({"key": "agent:main:other"})),
        ("sessions.delete", json!({"key": "agent:main:other"})),
    ]
}

/// The kept answer of a method: its name, or its name and the beginning of its params.
fn kept<'a>(shapes: &'a Map<String, Value>, method: &str, params: &Value) -> &'a Value {
    let names: Vec<&String> = shapes
        .keys()
        .filter(|name| *name == method || name.starts_with(&format!("{method} {{")))
        .collect();
    let titled = params.get("includeDerivedTitles").is_some();
    let name = names
        .iter()
        .find(|name| names.len() == 1 || name.contains("includeDerivedTitles") == titled);
    &shapes[*name.unwrap_or_else(|| panic!("no shape of {method}"))]
}

#[tokio::test]
async fn answers_have_the_shapes_of_the_typescript_gateway() {
    let shapes: Value = serde_json::from_str(SHAPES).expect("JSON");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("AGENTS.md"), "be kind").expect("written");
    let config = format!(
        "[agents]\nmodel = \"mock/m1\"\nworkspace = '{}'\n[models.providers.mock]\napi = \"openai-chat\"\nbase_url = \"http://127.0.0.1:9/v1\"\n",
        folder.path().display()
    );
    let gateway = TestGateway::with(&config, Default::default()).await;
    let rpc = shapes["rpc"].as_object().expect("answers");
    let mut found = BTreeSet::new();
    let mut client = TsClient::open(&gateway, &[]).await;
    let mut params = connect_params(TOKEN, ADMIN);
    params["client"]["deviceFamily"] = json!("Linux");
    let hello = client.connect(&Device::new(1), params).await.expect("connects");
    compare("hello", &rpc["hello"], &hello, &mut found);
    let presence = client.event("presence", |_| true).await;
    compare("presence", &shapes["events"]["presence"], &presence["payload"], &mut found);
    for (method, params) in calls() {
        let ours = client.call(method, params.clone()).await.expect(method);
        compare(method, kept(rpc, method, &params), &ours, &mut found);
        if method == "chat.send" {
            client.event("chat", |payload| payload["state"] == "final").await;
        }
    }
    events(&mut client, shapes["events"].as_object().expect("events"), &mut found).await;
    let known: BTreeSet<String> = DIFFERENCES.iter().map(|(path, _)| (*path).to_owned()).collect();
    let new: Vec<&String> = found.difference(&known).collect();
    let gone: Vec<&String> = known.difference(&found).collect();
    assert!(new.is_empty() && gone.is_empty(), "not in the table: {new:#?}\nnot seen: {gone:#?}");
    assert!(DIFFERENCES.iter().all(|(_, why)| !why.is_empty()));
}

async fn events(client: &mut TsClient, shapes: &Map<String, Value>, found: &mut BTreeSet<String>) {
    let params = json!({"sessionKey": "main", "message": "hi", "idempotencyKey": "events"});
    client.events.clear();
    client.call("chat.send", params).await.expect("sent");
    let is_of_run = |payload: &Value| payload["runId"] == "events";
    let last =
        client.event("chat", |payload| is_of_run(payload) && payload["state"] == "final").await;
    compare("chat:final", &shapes["chat:final"], &last["payload"], found);
    for (name, event, stream, phase) in [
        ("agent:lifecycle/start", "agent", json!("lifecycle"), json!("start")),
        ("agent:assistant", "agent", json!("assistant"), Value::Null),
        ("agent:lifecycle/end", "agent", json!("lifecycle"), json!("end")),
        ("chat:delta", "chat", Value::Null, Value::Null),
    ] {
        let told = client
            .event(event, |payload| {
                is_of_run(payload)
                    && payload["stream"] == stream
                    && payload["data"]["phase"] == phase
            })
            .await;
        compare(name, &shapes[name], &told["payload"], found);
    }
}
