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
