use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use openclaw_core::{Secret, SystemClock};
use openclaw_gateway::auth::{Authenticator, Principal};
use openclaw_gateway::rpc::{Caller, answer};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{TOKEN, TestGateway, code};

#[tokio::test]
async fn sessions_live_and_end() {
    let gateway = TestGateway::start().await;
    let created = gateway.call("session.create", json!({})).await.expect("creates");
    let key = created["session_key"].as_str().expect("a key");
    assert!(key.starts_with("agent:main:web:direct:"), "{key}");
    assert_eq!(created["channel_id"], "web");
    let named = json!({"user_id": "alice", "label": "Alice"});
    let alice = gateway.call("session.create", named.clone()).await.expect("creates");
    assert_eq!(alice["session_key"], "agent:main:web:direct:alice");
    assert_eq!(code(gateway.call("session.create", named).await), -32004);
    let nobody = json!({"agent_id": "nobody"});
    assert_eq!(code(gateway.call("session.create", nobody).await), -32602);

    let by_key = json!({"session_key": "AGENT:Main:web:direct:Alice"});
    assert_eq!(gateway.call("session_get", by_key.clone()).await, Ok(alice.clone()));
    assert_eq!(code(gateway.call("session.get", json!({})).await), -32602);
    let both = json!({"session_key": alice["session_key"], "session_id": alice["id"]});
    assert_eq!(code(gateway.call("session.get", both).await), -32602);
    assert_eq!(code(gateway.call("session.get", json!({"session_id": "x"})).await), -32003);

    let patch =
        json!({"session_id": alice["id"], "patch": {"label": null, "config": {"model": "a/b"}}});
    let updated = gateway.call("session.update", patch).await.expect("updates");
    assert_eq!((updated.get("label"), &updated["config"]["model"]), (None, &json!("a/b")));
    let patch = json!({"session_id": alice["id"], "patch": {"config": {"model": null, "timeout_seconds": 5}}});
    let updated = gateway.call("session.update", patch).await.expect("updates");
    assert_eq!(updated["config"], json!({"timeout_seconds": 5}));

    let page = gateway.call("session.list", json!({"limit": 1})).await.expect("lists");
    let cursor = json!({"limit": 1, "cursor": page["next_cursor"]});
    let rest = gateway.call("session.list", cursor).await.expect("lists");
    assert_ne!(page["sessions"][0]["id"], rest["sessions"][0]["id"]);
    assert!(rest.get("next_cursor").is_none());
    assert_eq!(code(gateway.call("session.list", json!({"cursor": "?"})).await), -32602);

    let fresh = gateway.call("session.reset", by_key.clone()).await.expect("resets");
    assert_eq!(fresh["session_key"], alice["session_key"]);
    assert_ne!(fresh["id"], alice["id"]);
    assert_eq!(fresh["config"], json!({"timeout_seconds": 5}));
    let old = gateway.call("session.get", json!({"session_id": alice["id"]})).await;
    assert!(old.expect("still there")["ended_at"].is_string());

    let deleted = gateway.call("session.delete", by_key.clone()).await;
    assert_eq!(deleted, Ok(json!({"deleted": true})));
    assert_eq!(code(gateway.call("session.delete", by_key).await), -32003);
}

#[tokio::test]
async fn deleting_a_session_ends_its_runs() {
    let gateway = TestGateway::start().await;
    let run = json!({"message": "hold", "session_key": "agent:main:x", "idempotency_key": "r"});
    gateway.call("agent.run", run).await.expect("begins");
    let deleted = gateway.call("session.delete", json!({"session_key": "agent:main:x"})).await;
    assert_eq!(deleted, Ok(json!({"deleted": true})));
    assert!(gateway.state.lanes.active_runs().is_empty());
}

#[tokio::test]
async fn runs_are_begun_waited_for_and_stopped() {
    let gateway = TestGateway::start().await;
    let done =
        gateway.call("agent.run", json!({"message": "hi", "wait": true})).await.expect("runs");
    assert_eq!((&done["status"], &done["reply"]), (&json!("done"), &json!("re: hi")));
    assert_eq!(done["usage"]["output_tokens"], 2);

    for (params, expected) in [
        (json!({"message": " "}), -32602),
        (json!({"message": "a", "agent_id": "nobody"}), -32602),
        (json!({"message": "a", "session_key": "agent:nobody:x"}), -32602),
        (json!({"message": "a", "session_key": "agent:main:x", "session_id": "y"}), -32602),
        (json!({"message": "a", "session_id": "y"}), -32003),
        (json!({"message": "a", "timeout_seconds": 0}), -32602),
        (json!({"message": "a", "idempotency_key": "not ok"}), -32602),
        (json!({"message": "a", "idempotency_key": "x".repeat(129)}), -32602),
        (json!({"message": "a", "attachments": [{}]}), -32602),
        (json!({"message": "a", "attachments": [{"content_base64": "a*"}]}), -32602),
        (json!({"message": "a", "attachments": [{"media_id": "a"}]}), -32602),
    ] {
        assert_eq!(code(gateway.call("agent.run", params.clone()).await), expected, "{params}");
    }
    let large = "A".repeat(8 << 20);
    let params = json!({"message": "a", "attachments": [{"mime_type": "text/plain", "file_name": "a", "content_base64": large}]});
    assert_eq!(code(gateway.call("agent.run", params).await), -32009);
    let params = json!({"message": "", "wait": true, "attachments": [{"mime_type": "text/plain", "file_name": "a.txt", "content_base64": "aGVsbG8="}]});
    let history_key = json!({"session_key": "agent:main:main", "limit": 2});
    gateway.call("agent.run", params).await.expect("runs");
    let history = gateway.call("message.history", history_key).await.expect("reads");
    assert_eq!(history["messages"][0]["content"]["media"][0]["size_bytes"], 5);

    let held = json!({"message": "hold", "idempotency_key": "held", "session_key": "agent:main:h"});
    gateway.call("agent.run", held.clone()).await.expect("begins");
    let next = json!({"message": "next", "idempotency_key": "next", "session_key": "agent:main:h"});
    gateway.call("agent.run", next).await.expect("begins");
    let all =
        gateway.call("agent.status", json!({"session_key": "agent:main:h"})).await.expect("tells");
    assert_eq!(all["runs"].as_array().map(Vec::len), Some(2));
    assert_eq!(code(gateway.call("agent.stop", json!({"run_id": "none"})).await), -32003);
    assert_eq!(code(gateway.call("agent.stop", json!({})).await), -32602);
    let stopped = gateway.call("agent.stop", json!({"session_key": "agent:main:h"})).await;
    assert_eq!(stopped, Ok(json!({"stopped": true})));
    let mut wait = held;
    wait["wait"] = json!(true);
    let ended = gateway.call("agent.run", wait).await.expect("ended");
    assert_eq!((&ended["status"], &ended["run_id"]), (&json!("stopped"), &json!("held")));
    let stopped = gateway.call("agent.stop", json!({"run_id": "held"})).await;
    assert_eq!(stopped, Ok(json!({"stopped": false})));
    assert_eq!(code(gateway.call("agent.status", json!({"run_id": "none"})).await), -32003);
}

#[tokio::test]
async fn without_a_model_a_run_is_refused_with_a_hint() {
    let gateway = TestGateway::start().await;
    gateway.runner.lose_model();
    for wait in [false, true] {
        let key = format!("key-{wait}");
        let params = json!({"message": "hi", "wait": wait, "idempotency_key": key});
        let error = gateway.call("agent.run", params).await.expect_err("refused");
        assert_eq!(error["code"], -32008);
        assert_eq!(error["data"]["hint"], "set agents.model");
    }
    // It is stored all the same.
    let history = gateway.call("message.history", json!({"session_key": "agent:main:main"})).await;
    let history = history.expect("reads");
    assert!(history["messages"].as_array().is_some_and(|messages| messages.len() >= 2));
}

#[tokio::test]
async fn messages_are_sent_received_and_remembered() {
    let gateway = TestGateway::start().await;
    let to = |channel: &str, content: Value| json!({"channel_id": channel, "chat_id": "42", "content": content});
    let sent = gateway.call("message.send", to("web", json!("hello"))).await.expect("sends");
    assert_eq!(sent["status"], "sent");
    let queued =
        gateway.call("message.send", to("fake", json!({"type": "text", "text": "hello"}))).await;
    assert_eq!(queued.expect("queues")["status"], "queued");
    for (params, expected) in [
        (to("telegram", json!("hello")), -32003),
        (to("web", json!("")), -32602),
        (to("web", json!(["hello"])), -32602),
        (to("web", json!({"type": "media", "media": []})), -32602),
        (to("web", json!({"type": "poll", "question": "?", "options": ["1"]})), -32602),
    ] {
        assert_eq!(code(gateway.call("message.send", params.clone()).await), expected, "{params}");
    }

    let key = "agent:main:main";
    for number in 0..3 {
        let params = json!({"message": format!("m{number}"), "wait": true});
        gateway.call("agent.run", params).await.expect("runs");
    }
    let texts = |page: &Value| -> Vec<String> {
        let messages = page["messages"].as_array().expect("a list");
        messages.iter().filter_map(|it| it["content"]["text"].as_str().map(str::to_owned)).collect()
    };
    let newest = gateway
        .call("message.history", json!({"session_key": key, "limit": 2}))
        .await
        .expect("reads");
    assert_eq!(texts(&newest), ["m2", "re: m2"]);
    let older = json!({"session_key": key, "limit": 2, "before": newest["next_cursor"]});
    let older = gateway.call("message.history", older).await.expect("reads");
    assert_eq!(texts(&older), ["m1", "re: m1"]);
    let seq = &older["messages"][0]["seq"];
    let oldest = gateway
        .call("message.history", json!({"session_key": key, "before": seq}))
        .await
        .expect("reads");
    assert_eq!(texts(&oldest), ["m0", "re: m0"]);
    assert!(oldest.get("next_cursor").is_none());
    let wrong = json!({"session_key": key, "before": "x"});
    assert_eq!(code(gateway.call("message.history", wrong).await), -32602);
    assert_eq!(
        code(gateway.call("message.history", json!({"session_key": key, "limit": 1001})).await),
        -32602
    );

    let all = gateway
        .call("message.receive", json!({"session_key": key, "limit": 5}))
        .await
        .expect("reads");
    assert_eq!(texts(&all).len(), 5);
    let rest = json!({"session_key": key, "after_seq": all["next_seq"]});
    let rest = gateway.call("message.receive", rest).await.expect("reads");
    assert_eq!(texts(&rest), ["re: m2"]);
    for (params, expected) in [
        (json!({"session_key": key, "wait_ms": 55_001}), -32602),
        (json!({"session_key": key, "after_seq": -1}), -32602),
        (json!({"session_key": "agent:main:none"}), -32003),
    ] {
        assert_eq!(
            code(gateway.call("message.receive", params.clone()).await),
            expected,
            "{params}"
        );
    }
    let wait = json!({"session_key": key, "after_seq": rest["next_seq"], "wait_ms": 55_000});
    let (received, ran) = tokio::join!(
        gateway.call("message.receive", wait),
        gateway.call("agent.run", json!({"message": "m3"}))
    );
    ran.expect("begins");
    assert_eq!(texts(&received.expect("reads"))[0], "m3");
}

#[tokio::test]
async fn channels_tell_how_they_are() {
    let gateway = TestGateway::start().await;
    let list = gateway.call("channel.list", json!({})).await.expect("lists");
    let ids: Vec<&Value> =
        list["channels"].as_array().expect("a list").iter().map(|it| &it["channel_id"]).collect();
    assert_eq!(ids, ["fake", "web"]);
    let unknown = json!({"channel_id": "telegram"});
    for method in ["channel.status", "channel.connect", "channel.disconnect"] {
        assert_eq!(code(gateway.call(method, unknown.clone()).await), -32003, "{method}");
    }
    let fake = json!({"channel_id": "fake"});
    let mut watcher = gateway.socket().await;
    watcher.call("subscribe", json!({"topics": ["channel.*"]})).await.expect("subscribes");
    let off = gateway.call("channel.disconnect", fake.clone()).await.expect("stops");
    assert_eq!((&off["state"], &off["health"]["ok"]), (&json!("stopped"), &json!(false)));
    gateway.call("channel.connect", fake).await.expect("starts");
    loop {
        let event = watcher.event("channel.status").await;
        if event["data"]["channel_id"] == "fake" && event["data"]["state"] == "connected" {
            break;
        }
    }
    loop {
        let params = json!({"channel_id": "fake", "probe": true});
        let status = gateway.call("channel.status", params).await.expect("tells");
        let channel = &status["channels"][0];
        if channel["state"] == "connected" {
            assert_eq!(channel["account"], "@fake");
            assert_eq!(channel["capabilities"]["polls"], true);
            break;
        }
    }
}

#[tokio::test]
async fn tools_are_called_under_the_policy() {
    let gateway = TestGateway::with(
        "[tools]\nallow = [\"*\"]\ndeny = [\"write\"]\n",
        openclaw_gateway::server::ServerLimits::default(),
    )
    .await;
    let echo = |text: &str| json!({"name": "echo", "arguments": {"text": text}});
    let result = gateway.call("tool.call", echo("hi")).await.expect("calls");
    assert_eq!((&result["result"], &result["is_error"]), (&json!("hi"), &json!(false)));
    let result = gateway.call("tool.call", echo("wrong")).await.expect("calls");
    assert_eq!((&result["result"], &result["is_error"]), (&json!("that is wrong"), &json!(true)));
    for (params, expected) in [
        (json!({"name": "nope", "arguments": {}}), -32003),
        (json!({"name": "echo", "arguments": {}}), -32602),
        (json!({"name": "echo", "arguments": []}), -32602),
        (json!({"name": "echo"}), -32602),
        (
            json!({"name": "echo", "arguments": {"text": "a"}, "session_key": "agent:main:none"}),
            -32003,
        ),
    ] {
        assert_eq!(code(gateway.call("tool.call", params.clone()).await), expected, "{params}");
    }
    let quiet = json!({"user_id": "q", "config": {"tools_enabled": false}});
    let session = gateway.call("session.create", quiet).await.expect("creates");
    let mut call = echo("hi");
    call["session_key"] = session["session_key"].clone();
    assert_eq!(code(gateway.call("tool.call", call).await), -32002);
}

#[tokio::test]
async fn the_gateway_tells_about_itself() {
    let gateway = TestGateway::start().await;
    let status = gateway.call("gateway.status", json!({"deep": true})).await.expect("tells");
    assert_eq!(status["storage"]["engine"], "memory");
    let listening = status["listening"].as_array().expect("a list");
    assert_eq!(listening[0], format!("http://127.0.0.1:{}", gateway.port));
    assert_eq!(
        gateway.call("config.get", json!({"key": "a.b"})).await.expect("gets")["value"]["asked"],
        "a.b"
    );
    let set = gateway.call("config.set", json!({"key": "a", "value": null})).await.expect("sets");
    assert_eq!(set["file"], "/by/rpc: owner");
    assert_eq!(code(gateway.call("config.set", json!({"key": "a"})).await), -32602);
    assert!(gateway.call("config.schema", json!({})).await.expect("gives")["schema"].is_object());
    assert!(gateway.call("gateway.reload", json!({})).await.is_ok());
    let route = json!({"channel_id": "fake", "chat_id": "7", "text": "hi"});
    let route = gateway.call("route.explain", route).await.expect("explains");
    assert_eq!(route["session_key"], "agent:main:fake:direct:7");
    let document = gateway.call("rpc.discover", json!({})).await.expect("discovers");
    assert_eq!(document, openclaw_protocol::openrpc::document());
    assert_eq!(gateway.call("pairing.list", json!({})).await, Ok(json!({"pairings": []})));
    let code_of = |params| async { code(gateway.call("pairing.approve", params).await) };
    assert_eq!(code_of(json!({"code": "ABCDEFGH"})).await, -32003);
    assert_eq!(code_of(json!({})).await, -32602);
    for _ in 0..9 {
        code_of(json!({"code": "ABCDEFGH"})).await;
    }
    assert_eq!(code_of(json!({"code": "ABCDEFGH"})).await, -32005);
}

/// Calls that are nearly right.
fn calls() -> impl Strategy<Value = String> {
    let names: Vec<&str> = openclaw_protocol::registry::METHODS
        .iter()
        .map(|method| method.name)
        .filter(|name| !["gateway.stop", "rpc.discover"].contains(name))
        .collect();
    let value = prop_oneof![
        Just(json!(null)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<bool>().prop_map(|flag| json!(flag)),
        "[a-z:.*]{0,12}".prop_map(|text| json!(text)),
        Just(json!("agent:main:main")),
        Just(json!(["agent.*"])),
        Just(json!({})),
        Just(json!({"type": "text", "text": "hi"})),
    ];
    let key = prop::sample::select(vec![
        "session_key",
        "session_id",
        "message",
        "limit",
        "patch",
        "topics",
        "from_seq",
        "channel_id",
        "chat_id",
        "content",
        "name",
        "arguments",
        "run_id",
        "before",
        "cursor",
        "config",
        "key",
        "value",
        "wait_ms",
        "attachments",
        "idempotency_key",
        "code",
        "user_id",
    ]);
    let params = prop::collection::btree_map(key, value, 0..5);
    (prop::sample::select(names), params).prop_map(|(method, params)| {
        let mut params = json!(params);
        // A long poll would only be long.
        params.as_object_mut().expect("a map").remove("wait_ms");
        json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string()
    })
}

#[test]
fn any_text_gets_a_valid_answer_or_none() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let gateway = runtime.block_on(TestGateway::start());
    let credentials = gateway.state.credentials.clone();
    let authenticator =
        Arc::new(Authenticator::new(&Secret::new(TOKEN), credentials, Arc::new(SystemClock)));
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let text = prop_oneof![
        4 => calls(),
        1 => prop::collection::vec(calls(), 1..4).prop_map(|calls| format!("[{}]", calls.join(","))),
        1 => ".{0,80}",
    ];
    proptest!(ProptestConfig::with_cases(300), |(text in text, signed_in in any::<bool>())| {
        let client = signed_in.then(|| gateway.state.hub.connect());
        let principal = signed_in.then(Principal::owner);
        let caller = Arc::new(Caller::new(address, client.clone(), authenticator.clone(), principal));
        let answered = runtime.block_on(answer(&gateway.state, &caller, &text));
        if let Some(client) = client {
            gateway.state.hub.disconnect(&client);
        }
        if let Some(answered) = answered {
            let value: Value = serde_json::from_str(&answered).expect("JSON");
            let answers = match value {
                Value::Array(answers) => answers,
                one => vec![one],
            };
            prop_assert!(!answers.is_empty());
            for answer in answers {
                prop_assert_eq!(&answer["jsonrpc"], "2.0");
                prop_assert!(answer.get("id").is_some());
                prop_assert!(answer.get("result").is_some() != answer.get("error").is_some());
                prop_assert_ne!(&answer["error"]["code"], -32603, "{}", text);
            }
        }
    });
}
