use openclaw_core::{Clock as _, SystemClock};
use openclaw_protocol::event::topic;
use openclaw_storage::{Batch, EventDraft, LogEntry, Write};
use serde_json::{Value, json};

use super::support::{Device, TsClient, connect_params};
use crate::support::{TOKEN, TestGateway};

/// Stores an event of the main session, as a tool that asks does.
async fn happens(gateway: &TestGateway, topic: &'static str, data: Value) {
    let key = "agent:main:main".parse().expect("valid");
    let session = gateway.state.storage.session_by_key(&key).await.expect("read");
    let entry = LogEntry {
        session_id: session.expect("there").id,
        session_key: key,
        run_id: None,
        message: None,
        transcript: None,
        event: Some(EventDraft { topic, message_id: None, data: Some(data) }),
        at: SystemClock.now(),
    };
    let batch = Batch::new().with(Write::Append(Box::new(entry)));
    gateway.state.storage.apply(batch).await.expect("stored");
}

#[tokio::test]
async fn what_waits_for_approval_is_told_to_those_who_may_approve() {
    let gateway = TestGateway::start().await;
    let mut client = TsClient::owner(&gateway).await;
    let mut reader = TsClient::open(&gateway, &[]).await;
    let scopes = ["operator.read", "operator.write"];
    reader.connect(&Device::new(2), connect_params(TOKEN, &scopes)).await.expect("connects");
    let said = json!({"sessionKey": "main", "message": "hello", "idempotencyKey": "a1"});
    client.call("chat.send", said.clone()).await.expect("sent");
    client.event("chat", |payload| payload["state"] == "final").await;
    let asked = json!({
        "id": "abcd1234", "agent_id": "main", "session_key": "agent:main:main", "reason": "r",
        "digest": "00", "command": "make it", "argv": ["/bin/make", "it"], "shell": false,
        "cwd": "/w", "sandboxed": false,
        "created_at": "1970-01-01T00:00:01Z", "expires_at": "1970-01-01T00:02:01Z",
    });
    happens(&gateway, topic::APPROVAL_REQUESTED, asked).await;
    let told = client.event("exec.approval.requested", |_| true).await;
    assert_eq!(
        told["payload"],
        json!({
            "id": "abcd1234",
            "request": {
                "command": "make it", "cwd": "/w", "host": "gateway", "security": null, "ask": null,
                "agentId": "main", "resolvedPath": "/bin/make", "sessionKey": "agent:main:main",
            },
            "createdAtMs": 1_000, "expiresAtMs": 121_000,
        })
    );
    for (outcome, decision) in
        [("allow_once", json!("allow-once")), ("deny", json!("deny")), ("expired", json!(null))]
    {
        let data = json!({"id": "abcd1234", "outcome": outcome, "by": "me"});
        happens(&gateway, topic::APPROVAL_RESOLVED, data).await;
        let told = client.event("exec.approval.resolved", |_| true).await;
        assert_eq!(
            (&told["payload"]["decision"], &told["payload"]["resolvedBy"]),
            (&decision, &json!("me"))
        );
    }
    // Whoever may not approve hears what came after, and nothing of it.
    let later = json!({"sessionKey": "main", "message": "later", "idempotencyKey": "a2"});
    client.call("chat.send", later).await.expect("sent");
    reader.event("chat", |payload| payload["runId"] == "a2" && payload["state"] == "final").await;
    let is_of_approvals = |event: &Value| {
        event["event"].as_str().is_some_and(|name| name.starts_with("exec.approval"))
    };
    assert!(!reader.events.iter().any(is_of_approvals));
    let unknown = json!({"id": "nosuch", "decision": "deny"});
    assert!(client.call("exec.approval.resolve", unknown.clone()).await.is_err());
    let refused = reader.call("exec.approval.resolve", unknown).await.expect_err("no scope");
    assert!(refused["message"].as_str().is_some_and(|text| text.contains("scope")), "{refused}");
    let maybe = json!({"id": "nosuch", "decision": "maybe"});
    assert_eq!(
        client.call("exec.approval.resolve", maybe).await.expect_err("no word")["code"],
        "INVALID_REQUEST"
    );
}

#[tokio::test]
async fn a_client_asks_and_another_answers() {
    let gateway = TestGateway::start().await;
    let mut asker = TsClient::owner(&gateway).await;
    let mut owner = TsClient::open(&gateway, &[]).await;
    let scopes = ["operator.read", "operator.approvals"];
    owner.connect(&Device::new(3), connect_params(TOKEN, &scopes)).await.expect("connects");
    let params = json!({
        "id": "node-1", "command": "rm -rf build", "cwd": "/src", "host": "node", "twoPhase": true,
        "agentId": "main", "timeoutMs": 60_000,
    });
    let asked = asker.ask("exec.approval.request", params).await;
    let told = owner.event("exec.approval.requested", |_| true).await["payload"].clone();
    assert_eq!(told["id"], "node-1");
    assert_eq!(told["request"]["command"], "rm -rf build");
    assert_eq!(told["request"]["cwd"], "/src");
    let answer = json!({"id": "node-1", "decision": "allow-once"});
    assert_eq!(owner.call("exec.approval.resolve", answer).await.expect("it waits")["ok"], true);
    let resolved = owner.event("exec.approval.resolved", |_| true).await["payload"].clone();
    assert_eq!(resolved["decision"], "allow-once");
    let first = asker.answer_to(&asked).await.expect("accepted");
    assert_eq!((&first["status"], &first["id"]), (&json!("accepted"), &json!("node-1")));
    let last = asker.answer_to(&asked).await.expect("decided");
    assert_eq!((&last["id"], &last["decision"]), (&json!("node-1"), &json!("allow-once")));
    assert_eq!(
        last["expiresAtMs"]
            .as_i64()
            .zip(last["createdAtMs"].as_i64())
            .map(|(end, began)| end - began),
        Some(60_000)
    );
    // Whoever asks later is told the same.
    let late = owner.call("exec.approval.waitDecision", json!({"id": "node-1"})).await;
    assert_eq!(late.expect("it is remembered")["decision"], "allow-once");
    let unknown = owner.call("exec.approval.waitDecision", json!({"id": "nosuch"})).await;
    assert_eq!(unknown.expect_err("no such request")["code"], "INVALID_REQUEST");
    let expired = json!({"command": "ls", "timeoutMs": 1});
    let nobody = asker.call("exec.approval.request", expired).await.expect("it ends");
    assert_eq!(nobody["decision"], json!(null));
}

#[tokio::test]
async fn what_is_allowed_always_is_read_and_taken_back_but_not_written() {
    let gateway = TestGateway::start().await;
    let mut client = TsClient::owner(&gateway).await;
    let shown = client.call("exec.approvals.get", json!({})).await.expect("read");
    assert_eq!(shown["file"]["version"], 1);
    assert_eq!(shown["file"]["agents"], json!({}));
    let hash = shown["hash"].as_str().expect("a hash").to_owned();
    let more =
        json!({"version": 1, "agents": {"main": {"allowlist": [{"pattern": "/usr/bin/*"}]}}});
    for (params, words) in [
        (json!({"file": more.clone(), "baseHash": hash.clone()}), "cannot be allowed by a pattern"),
        (json!({"file": more.clone()}), "base hash required"),
        (json!({"file": more, "baseHash": "other"}), "changed since"),
    ] {
        let error = client.call("exec.approvals.set", params).await.expect_err("refused");
        assert!(error["message"].as_str().is_some_and(|text| text.contains(words)), "{error}");
    }
    let same = json!({"file": {"version": 1, "agents": {}}, "baseHash": hash});
    assert_eq!(
        client.call("exec.approvals.set", same).await.expect("nothing changes")["hash"],
        hash
    );
}
