//! Every method over both ways in: that it works, and that it refuses what it must.

mod caller;
mod refusals;
mod success;

use openclaw_client::{Client, ClientError};
use openclaw_protocol::Method as _;
use openclaw_protocol::methods::RpcDiscover;
use openclaw_protocol::registry::METHODS;
use openclaw_testkit::model::ModelServer;
use serde_json::{Value, json};

use crate::support::{LIMIT, TOKEN, TestGateway};

/// Calls in the order in which they depend on each other.
fn calls() -> Vec<(&'static str, Value)> {
    let session = "agent:main:table";
    vec![
        ("ping", json!({})),
        ("rpc.discover", json!({})),
        ("logs.tail", json!({"limit": 10})),
        ("authenticate", json!({"token": TOKEN})),
        (
            "agent.run",
            json!({"message": "hello", "session_key": session, "idempotency_key": "table-1", "wait": true}),
        ),
        ("agent.status", json!({"run_id": "table-1"})),
        ("agent.stop", json!({"run_id": "table-1"})),
        ("session.get", json!({"session_key": session})),
        ("session.list", json!({"limit": 10})),
        ("session.update", json!({"session_key": session, "patch": {"label": "a table"}})),
        ("message.history", json!({"session_key": session, "limit": 10})),
        ("message.search", json!({"query": "hello"})),
        ("memory.search", json!({"query": "hello"})),
        ("memory.index", json!({})),
        ("memory.status", json!({})),
        ("backup.create", json!({})),
        ("backup.list", json!({})),
        ("message.receive", json!({"session_key": session, "after_seq": 0, "wait_ms": 0})),
        ("message.send", json!({"channel_id": "web", "chat_id": "table", "content": "good day"})),
        ("tool.call", json!({"name": "list", "arguments": {"path": "."}})),
        ("tool.list", json!({})),
        ("channel.list", json!({})),
        ("channel.status", json!({"channel_id": "web"})),
        ("channel.connect", json!({"channel_id": "web"})),
        ("channel.disconnect", json!({"channel_id": "web"})),
        ("pairing.list", json!({})),
        ("approval.list", json!({})),
        ("approval.allowed", json!({})),
        ("config.get", json!({"key": "gateway.port"})),
        ("config.schema", json!({})),
        ("config.set", json!({"key": "session.queue_mode", "value": "batch"})),
        ("gateway.status", json!({"deep": true})),
        ("models.list", json!({"all": true})),
        ("models.status", json!({})),
        ("models.probe", json!({"timeout_ms": 5_000})),
        ("usage.cost", json!({"days": 7})),
        ("gateway.reload", json!({})),
        ("cron.status", json!({})),
        ("cron.list", json!({})),
        (
            "cron.add",
            json!({
                "name": "table", "schedule": {"kind": "cron", "expr": "0 8 * * 1"},
                "payload": {"kind": "agent_turn", "message": "good morning"},
            }),
        ),
        ("keys.create", json!({"name": "table", "scopes": ["operator.read"]})),
        ("keys.list", json!({})),
        ("keys.rotate", json!({"id": "table"})),
        ("keys.revoke", json!({"id": "table"})),
        ("keys.rotate_signing", json!({})),
        ("device.list", json!({})),
        ("route.explain", json!({"channel_id": "web", "chat_id": "table"})),
        ("session.reset", json!({"session_key": session})),
        ("session.delete", json!({"session_key": session})),
        ("session.create", json!({"label": "fresh"})),
    ]
}

/// What names something that is not there.
fn not_found() -> Vec<(&'static str, Value)> {
    let session = "agent:main:nowhere";
    vec![
        ("session.get", json!({"session_key": session})),
        ("session.update", json!({"session_key": session, "patch": {}})),
        ("session.delete", json!({"session_key": session})),
        ("session.reset", json!({"session_key": session})),
        ("message.history", json!({"session_key": session})),
        ("message.receive", json!({"session_key": session})),
        ("message.send", json!({"channel_id": "pigeon", "chat_id": "1", "content": "coo"})),
        ("agent.stop", json!({"run_id": "no-such-run"})),
        ("approval.resolve", json!({"id": "nothing1", "decision": "deny"})),
        ("approval.forget", json!({"key": "0123456789abcdef"})),
        ("agent.status", json!({"run_id": "no-such-run"})),
        ("tool.call", json!({"name": "no_such_tool", "arguments": {}})),
        ("channel.status", json!({"channel_id": "pigeon"})),
        ("channel.connect", json!({"channel_id": "pigeon"})),
        ("channel.disconnect", json!({"channel_id": "pigeon"})),
        ("pairing.approve", json!({"code": "AAAAAAAA"})),
        ("cron.update", json!({"job_id": "none", "patch": {}})),
        ("cron.remove", json!({"job_id": "none"})),
        ("cron.run", json!({"job_id": "none"})),
        ("cron.runs", json!({"job_id": "none"})),
        ("keys.rotate", json!({"id": "nobody"})),
        ("keys.revoke", json!({"id": "nobody"})),
        ("device.approve", json!({"request_id": "none"})),
        ("device.reject", json!({"request_id": "none"})),
        ("device.rotate", json!({"device_id": "none"})),
        ("device.revoke", json!({"device_id": "none"})),
    ]
}

fn request(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
}

/// The code of the error over `/ws`; `None` for a result.
async fn ws_code(client: &Client, method: &str, params: &Value) -> Option<i64> {
    match client.call_raw(method, params, LIMIT).await {
        Ok(_) => None,
        Err(ClientError::Rpc(error)) => Some(error.code),
        Err(error) => panic!("{method}: {error}"),
    }
}

/// The status and the code of the error over `/rpc`.
async fn http_code(
    gateway: &TestGateway,
    token: Option<&str>,
    method: &str,
    params: &Value,
) -> (u16, Option<i64>) {
    let answer = gateway.post_rpc(token, &request(method, params)).await;
    (answer.status, answer.body["error"]["code"].as_i64())
}

async fn start() -> (ModelServer, TestGateway) {
    let model = ModelServer::start().await;
    let gateway = TestGateway::with_model(&model, "").await;
    (model, gateway)
}

/// The methods that open without a credential.
fn is_public(method: &str) -> bool {
    matches!(method, "ping" | "authenticate" | "rpc.discover")
}

#[tokio::test]
async fn every_method_works_over_http() {
    let (_model, gateway) = start().await;
    let mut wrong = Vec::new();
    for (method, params) in calls() {
        let answer = gateway.post_rpc(Some(TOKEN), &request(method, &params)).await;
        if answer.status != 200 || answer.body.get("result").is_none() || answer.body["id"] != 1 {
            wrong.push(format!("{method}: {answer:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn every_method_works_over_a_websocket() {
    let (_model, gateway) = start().await;
    let (client, _events) = gateway.connect().await;
    let mut wrong = Vec::new();
    for (method, params) in calls() {
        if let Err(error) = client.call_raw(method, &params, LIMIT).await {
            wrong.push(format!("{method}: {error:?}"));
        }
    }
    let params = json!({"topics": ["agent.*"]});
    let subscribed = client.call_raw("subscribe", &params, LIMIT).await.expect("it subscribes");
    let subscribed: Value = serde_json::from_str(subscribed.get()).expect("it is JSON");
    let ended = client.call_raw("unsubscribe", &subscribed, LIMIT).await;
    assert_eq!(ended.expect("it unsubscribes").get(), "{}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn the_table_names_every_method() {
    let (_model, gateway) = start().await;
    let answer = gateway.post_rpc(None, &request(RpcDiscover::NAME, &json!({}))).await;
    let mut described: Vec<String> = answer.body["result"]["methods"]
        .as_array()
        .expect("the document lists methods")
        .iter()
        .map(|method| method["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    // These need a WebSocket, a person or device that asks, a command that waits, a job's id, and the
    // end of the gateway.
    let elsewhere = [
        "subscribe",
        "unsubscribe",
        "pairing.approve",
        "approval.resolve",
        "approval.forget",
        "cron.update",
        "cron.remove",
        "cron.run",
        "cron.runs",
        "device.approve",
        "device.reject",
        "device.rotate",
        "device.revoke",
        "gateway.stop",
        "gateway.restart",
    ];
    let mut tried: Vec<String> =
        calls().iter().map(|(method, _)| *method).chain(elsewhere).map(str::to_owned).collect();
    described.sort();
    tried.sort();
    assert_eq!(described, tried);
}

#[tokio::test]
async fn without_a_credential_only_the_public_methods_answer() {
    let (_model, gateway) = start().await;
    let (client, _events) = gateway.connect_as(None).await;
    let mut wrong = Vec::new();
    for method in METHODS {
        let wanted = (!is_public(method.name)).then_some(-32001);
        let params =
            if method.name == "authenticate" { json!({"token": TOKEN}) } else { json!({}) };
        let http = http_code(&gateway, None, method.name, &params).await;
        if http != (if wanted.is_some() { 401 } else { 200 }, wanted) {
            wrong.push(format!("{} over HTTP: {http:?}", method.name));
        }
        // Signing in would open the connection for the rest.
        if method.name != "authenticate" {
            let ws = ws_code(&client, method.name, &params).await;
            if ws != wanted {
                wrong.push(format!("{} over WebSocket: {ws:?}", method.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn unknown_methods_and_params_are_refused() {
    let (_model, gateway) = start().await;
    let (client, _events) = gateway.connect().await;
    let mut wrong = Vec::new();
    let mut cases = vec![
        ("no.such_method", json!({}), -32601),
        ("Ping", json!({}), -32601),
        ("", json!({}), -32601),
    ];
    for method in METHODS {
        cases.push((method.name, json!({"no_such_param": 1}), -32602));
        cases.push((method.name, json!(["by", "place"]), -32602));
    }
    for (method, params, wanted) in cases {
        let http = http_code(&gateway, Some(TOKEN), method, &params).await.1;
        let ws = ws_code(&client, method, &params).await;
        if [http, ws] != [Some(wanted); 2] {
            wrong.push(format!("{method} {params}: {http:?} over HTTP, {ws:?} over WebSocket"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (_model, gateway) = start().await;
    let (client, _events) = gateway.connect().await;
    let mut wrong = Vec::new();
    for (method, params) in not_found() {
        let http = http_code(&gateway, Some(TOKEN), method, &params).await.1;
        let ws = ws_code(&client, method, &params).await;
        if [http, ws] != [Some(-32003); 2] {
            wrong.push(format!("{method} {params}: {http:?} over HTTP, {ws:?} over WebSocket"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
