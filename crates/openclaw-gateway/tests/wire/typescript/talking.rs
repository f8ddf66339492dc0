use serde_json::{Value, json};

use super::support::{ADMIN, Device, TsClient, connect_params};
use crate::support::{TOKEN, TestGateway};

fn chat(state: &'static str) -> impl Fn(&Value) -> bool {
    move |payload: &Value| payload["state"] == state
}

fn said(frame: &Value) -> &str {
    frame["payload"]["message"]["content"][0]["text"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn chat_send_is_acknowledged_and_then_told() {
    let gateway = TestGateway::start().await;
    let mut client = TsClient::owner(&gateway).await;
    let params = json!({"sessionKey": "main", "message": "hello", "idempotencyKey": "r1"});
    let sent = client.call("chat.send", params.clone()).await.expect("sent");
    assert_eq!(sent, json!({"runId": "r1", "status": "started"}));
    let done = client.event("chat", chat("final")).await;
    assert_eq!(
        (said(&done), &done["payload"]["sessionKey"]),
        ("re: hello", &json!("agent:main:main"))
    );
    let agents: Vec<(Value, Value)> = client
        .events
        .iter()
        .filter(|frame| frame["event"] == "agent")
        .map(|frame| (frame["payload"]["stream"].clone(), frame["payload"]["data"].clone()))
        .collect();
    assert_eq!(agents[0].1["phase"], "start");
    assert_eq!(agents[1], (json!("assistant"), json!({"text": "re: ", "delta": "re: "})));
    assert_eq!(agents[2].1, json!({"text": "re: hello", "delta": "hello"}));
    assert_eq!(agents[3].1["phase"], "end");
    // Broadcasts are numbered without gaps.
    let seqs: Vec<u64> = client.events.iter().filter_map(|frame| frame["seq"].as_u64()).collect();
    assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seqs:?}");
    let again = client.call("chat.send", params).await.expect("known");
    assert_eq!(again, json!({"runId": "r1", "status": "ok"}));
    let history = client.call("chat.history", json!({"sessionKey": "main"})).await.expect("there");
    let texts: Vec<&str> = history["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .filter_map(|message| message["content"][0]["text"].as_str())
        .collect();
    assert_eq!(texts, ["hello", "re: hello"]);
}

#[tokio::test]
async fn agent_answers_twice_and_can_be_waited_for() {
    let gateway = TestGateway::start().await;
    let mut client = TsClient::owner(&gateway).await;
    let params =
        json!({"message": "hello", "sessionKey": "agent:main:other", "idempotencyKey": "r2"});
    let id = client.ask("agent", params).await;
    let first = client.answer_to(&id).await.expect("accepted");
    assert_eq!((&first["runId"], &first["status"]), (&json!("r2"), &json!("accepted")));
    let last = client.answer_to(&id).await.expect("ended");
    assert_eq!((&last["status"], &last["summary"]), (&json!("ok"), &json!("completed")));
    assert_eq!(last["result"]["payloads"][0]["text"], "re: hello");
    assert_eq!(last["result"]["meta"]["agentMeta"]["usage"]["output"], 2);
    let waited = client.call("agent.wait", json!({"runId": "r2"})).await.expect("ended");
    assert_eq!(waited["status"], "ok");
    let held = json!({"message": "hold", "sessionKey": "main", "idempotencyKey": "r3"});
    client.call("chat.send", held).await.expect("sent");
    let short = json!({"runId": "r3", "timeoutMs": 1});
    let waited = client.call("agent.wait", short).await.expect("in time");
    assert_eq!(waited, json!({"runId": "r3", "status": "timeout"}));
    gateway.runner.let_go();
    client.event("chat", chat("final")).await;
}

#[tokio::test]
async fn what_agent_cannot_do_is_said_before_it_runs() {
    let gateway = TestGateway::start().await;
    let mut client = TsClient::owner(&gateway).await;
    let base = json!({"message": "hello", "sessionKey": "main", "idempotencyKey": "n1"});
    for (more, expected) in [
        (json!({"deliver": true}), "deliver needs a channel and whom to send to"),
        (json!({"deliver": true, "channel": "nosuch", "to": "x"}), "unsupported channel: nosuch"),
        (
            json!({"spawnedBy": "agent:main:main"}),
            "agent.spawnedBy is not built yet: it waits for subagents",
        ),
        (json!({"lane": "nested"}), "agent.lane is not built yet: it waits for subagents"),
    ] {
        let mut params = base.clone();
        params.as_object_mut().expect("an object").extend(more.as_object().expect("one").clone());
        let error = client.call("agent", params).await.expect_err("refused");
        assert_eq!(error["message"], expected);
    }
    let listed = client.call("sessions.list", json!({})).await.expect("listed");
    assert_eq!(listed["count"], 0, "nothing ran");
}

#[tokio::test]
async fn an_answer_that_cannot_be_delivered_is_told_all_the_same() {
    let gateway = TestGateway::start().await;
    let mut client = TsClient::owner(&gateway).await;
    // Somebody else has used the name of the delivery.
    let other = json!({
        "channel_id": "web", "chat_id": "x", "content": "hi", "idempotency_key": "deliver:d1",
    });
    gateway.call("message.send", other).await.expect("sent");
    let params = json!({
        "message": "hello", "sessionKey": "main", "idempotencyKey": "d1",
        "deliver": true, "channel": "webchat", "to": "x",
    });
    let id = client.ask("agent", params).await;
    client.answer_to(&id).await.expect("accepted");
    let last = client.answer_to(&id).await.expect("ended");
    assert_eq!(last["result"]["payloads"][0]["text"], "re: hello");
    assert!(last["result"]["deliveryError"].is_string(), "{last}");
}

#[tokio::test]
async fn the_model_that_is_told_is_the_sessions_own() {
    let config = "[agents]\nmodel = \"mock/m1\"\n[models.providers.mock]\napi = \"openai-chat\"\nbase_url = \"http://127.0.0.1:9/v1\"\n";
    let gateway = TestGateway::with(config, Default::default()).await;
    let mut client = TsClient::owner(&gateway).await;
    for (run, model) in [("m1", "m1"), ("m2", "m2")] {
        if run == "m2" {
            let patch = json!({"key": "agent:main:main", "model": "mock/m2"});
            client.call("sessions.patch", patch).await.expect("patched");
        }
        let params = json!({"message": "hello", "sessionKey": "main", "idempotencyKey": run});
        let id = client.ask("agent", params).await;
        client.answer_to(&id).await.expect("accepted");
        let last = client.answer_to(&id).await.expect("ended");
        assert_eq!(last["result"]["meta"]["agentMeta"]["model"], model);
    }
}

#[tokio::test]
async fn a_run_is_aborted_by_call_and_by_word() {
    let gateway = TestGateway::start().await;
    let mut client = TsClient::owner(&gateway).await;
    for (run, how) in [("a1", "chat.abort"), ("a2", "chat.send")] {
        let held = json!({"sessionKey": "main", "message": "hold", "idempotencyKey": run});
        client.call("chat.send", held).await.expect("sent");
        client.event("chat", chat("delta")).await;
        let params = match how {
            "chat.abort" => json!({"sessionKey": "main", "runId": run}),
            _ => json!({"sessionKey": "main", "message": "/stop", "idempotencyKey": "x"}),
        };
        let stopped = client.call(how, params).await.expect("stopped");
        assert_eq!(stopped, json!({"ok": true, "aborted": true, "runIds": [run]}));
        let told = client.event("chat", chat("aborted")).await;
        assert_eq!((said(&told), &told["payload"]["runId"]), ("re: ", &json!(run)));
    }
    let nothing = client.call("chat.abort", json!({"sessionKey": "main"})).await.expect("nothing");
    assert_eq!(nothing["aborted"], false);
}

#[tokio::test]
async fn a_run_that_another_took_is_told_too() {
    let gateway =
        TestGateway::with("[session]\nqueue_mode = \"batch\"\n", Default::default()).await;
    let mut client = TsClient::owner(&gateway).await;
    let send = |message: &str, run: &str| json!({"sessionKey": "main", "message": message, "idempotencyKey": run});
    client.call("chat.send", send("hold", "b1")).await.expect("sent");
    client.event("chat", chat("delta")).await;
    client.call("chat.send", send("one", "b2")).await.expect("sent");
    client.call("chat.send", send("two", "b3")).await.expect("sent");
    gateway.runner.let_go();
    for run in ["b1", "b2", "b3"] {
        client
            .event("chat", |payload| payload["state"] == "final" && payload["runId"] == run)
            .await;
    }
}

#[tokio::test]
async fn without_a_model_the_reason_is_told() {
    let gateway = TestGateway::start().await;
    gateway.runner.lose_model();
    let mut client = TsClient::owner(&gateway).await;
    let params = json!({"sessionKey": "main", "message": "hello", "idempotencyKey": "r1"});
    let error = client.call("chat.send", params).await.expect_err("refused");
    assert_eq!(error["code"], "UNAVAILABLE");
    assert_eq!(error["message"], "no model is configured; set agents.model");
}

#[tokio::test]
async fn events_need_scopes() {
    let gateway = TestGateway::start().await;
    let mut owner = TsClient::owner(&gateway).await;
    let mut pairer = TsClient::open(&gateway, &[]).await;
    let params = connect_params(TOKEN, &["operator.pairing"]);
    pairer.connect(&Device::new(5), params).await.expect("connects");
    let mut far = TsClient::open(&gateway, &[("via", "1.1 proxy")]).await;
    far.connect(&Device::new(6), connect_params(TOKEN, ADMIN)).await.expect_err("waits");
    pairer.event("device.pair.requested", |_| true).await;
    let params = json!({"sessionKey": "main", "message": "hello", "idempotencyKey": "r1"});
    owner.call("chat.send", params).await.expect("sent");
    owner.event("chat", chat("final")).await;
    // What its scopes allow arrives in order: nothing of the conversation came before.
    let mut other = TsClient::open(&gateway, &[("via", "1.1 proxy")]).await;
    other.connect(&Device::new(7), connect_params(TOKEN, ADMIN)).await.expect_err("waits");
    pairer.event("device.pair.requested", |_| true).await;
    assert!(
        pairer.events.iter().all(|frame| frame["event"] != "chat" && frame["event"] != "agent")
    );
}
