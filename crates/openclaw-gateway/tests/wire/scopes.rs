use openclaw_protocol::registry::METHODS;
use openclaw_protocol::{Access, Scope, ScopeSet};
use serde_json::{Value, json};

use crate::support::TestGateway;

#[tokio::test]
async fn every_method_asks_for_its_scope() {
    let gateway = TestGateway::start().await;
    for method in METHODS {
        let Access::Scope(needed) = method.access else { continue };
        for scope in Scope::ALL {
            let params = json!({"no such param": 1});
            let answer = gateway.call_as("somebody", &[scope], method.name, params).await;
            let allows = [scope].into_iter().collect::<ScopeSet>().allows(needed);
            let expected = if allows { -32602 } else { -32002 };
            assert_eq!(answer["error"]["code"], expected, "{} with {scope}", method.name);
        }
        let none = gateway.call_as("somebody", &[], method.name, json!({})).await;
        assert_eq!(none["error"]["code"], -32002, "{}", method.name);
    }
}

#[tokio::test]
async fn nobody_grants_more_than_they_have() {
    let gateway = TestGateway::start().await;
    let owner = json!({"channel_id": "fake", "user_id": "7", "owner": true});
    let answer = gateway.call_as("p", &[Scope::Pairing], "pairing.approve", owner).await;
    assert_eq!(answer["error"]["code"], -32002);
    assert_eq!(answer["error"]["data"]["field"], "owner");

    let loose = json!({"label": "x", "config": {"sandbox_mode": "never"}});
    let answer = gateway.call_as("w", &[Scope::Write], "session.create", loose.clone()).await;
    assert_eq!(answer["error"]["code"], -32002);
    let strict = json!({"label": "x", "config": {"sandbox_mode": "always"}});
    let session = gateway.call_as("w", &[Scope::Write], "session.create", strict).await;
    let id = &session["result"]["id"];
    for mode in [json!("never"), json!("non_main"), Value::Null] {
        let patch = json!({"session_id": id, "patch": {"config": {"sandbox_mode": mode}}});
        let answer = gateway.call_as("w", &[Scope::Write], "session.update", patch.clone()).await;
        assert_eq!(answer["error"]["code"], -32002, "{mode}");
        let answer = gateway.call_as("a", &[Scope::Admin], "session.update", patch).await;
        assert!(answer["error"].is_null(), "{answer}");
    }
    let answer = gateway.call_as("a", &[Scope::Admin], "session.create", loose).await;
    assert!(answer["error"].is_null(), "{answer}");
}

#[tokio::test]
async fn keys_belong_to_who_used_them_first() {
    let gateway = TestGateway::start().await;
    let run = json!({"message": "hi", "idempotency_key": "k1", "wait": true});
    let write = [Scope::Write];
    let first = gateway.call_as("one", &write, "agent.run", run.clone()).await;
    assert_eq!(first["result"]["status"], "done", "{first}");
    let changed = json!({"message": "other", "session_key": "agent:main:other", "idempotency_key": "k1", "wait": true});
    let again = gateway.call_as("one", &write, "agent.run", changed).await;
    assert_eq!(again["result"], first["result"]);
    let other = gateway.call_as("two", &write, "agent.run", run).await;
    assert_eq!(other["error"]["code"], -32004);

    let send = json!({"channel_id": "web", "chat_id": "main", "content": "hello", "idempotency_key": "m1"});
    let first = gateway.call_as("one", &write, "message.send", send.clone()).await;
    let again = gateway.call_as("one", &write, "message.send", send.clone()).await;
    assert_eq!(first["result"]["message_id"], again["result"]["message_id"]);
    assert!(first["result"]["message_id"].is_string(), "{first}");
    let other = gateway.call_as("two", &write, "message.send", send).await;
    assert_eq!(other["error"]["code"], -32004);
}
