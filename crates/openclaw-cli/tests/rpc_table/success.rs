//! For each method a success, whose effect another method shows.

use openclaw_testkit::model::{ModelServer, Reply, Script};
use serde_json::{Value, json};

use super::caller::{Caller, Way};
use crate::support::{LIMIT, TOKEN, Telegram, TestGateway};

const ANN: i64 = 4_711;
const KEY: &str = "agent:main:table";

/// What holds for a result.
type Holds = fn(&Value) -> bool;

/// A call, what its result must say, and where its effect shows.
struct Row {
    method: &'static str,
    params: Value,
    holds: Holds,
    shown: Option<Shown>,
}

struct Shown {
    method: &'static str,
    params: Value,
    /// `None` where the effect is that there is no such thing any more.
    holds: Option<Holds>,
}

fn row(method: &'static str, params: Value, holds: Holds) -> Row {
    Row { method, params, holds, shown: None }
}

impl Row {
    fn shown_by(mut self, method: &'static str, params: Value, holds: Holds) -> Self {
        self.shown = Some(Shown { method, params, holds: Some(holds) });
        self
    }

    fn gone_for(mut self, method: &'static str, params: Value) -> Self {
        self.shown = Some(Shown { method, params, holds: None });
        self
    }
}

fn has_text(messages: &Value, text: &str) -> bool {
    messages["messages"].to_string().contains(text)
}

/// In the order in which they depend on each other. `subscribe` and `unsubscribe` need an open
/// connection and have a test of their own, and so has `gateway.restart`, which makes another process.
fn rows() -> Vec<Row> {
    let session = json!({"session_key": KEY});
    let web = session.clone();
    let telegram = json!({"channel_id": "telegram"});
    vec![
        row("ping", json!({}), |result| *result == json!({"pong": true})),
        row("rpc.discover", json!({}), |result| result["openrpc"].is_string()),
        row("authenticate", json!({"token": TOKEN}), |result| {
            result["scopes"].to_string().contains("operator.admin")
        }),
        row(
            "agent.run",
            json!({"message": "hello", "session_key": KEY, "idempotency_key": "table-1", "wait": true}),
            |result| result["status"] == "done" && result["reply"] == "You said: hello",
        )
        .shown_by("message.history", session.clone(), |result| {
            has_text(result, "You said: hello")
        }),
        row("agent.status", json!({"run_id": "table-1"}), |result| {
            result["runs"][0]["status"] == "done"
        }),
        row(
            "agent.run",
            json!({"message": "never end", "session_key": KEY, "idempotency_key": "table-2"}),
            |result| result["status"] == "accepted",
        )
        .shown_by("agent.status", json!({"run_id": "table-2"}), |result| {
            result["runs"][0]["ended_at"].is_null()
        }),
        row("agent.stop", json!({"run_id": "table-2"}), |result| result["stopped"] == true)
            .shown_by("session.get", session.clone(), |result| result["session_key"] == KEY),
        row("session.create", json!({"label": "fresh"}), |result| result["label"] == "fresh")
            .shown_by("session.list", json!({"search": "fresh"}), |result| {
                result["sessions"].as_array().is_some_and(|found| found.len() == 1)
            }),
        row("session.get", session.clone(), |result| result["session_key"] == KEY),
        row(
            "session.update",
            json!({"session_key": KEY, "patch": {"label": "a table"}}),
            |result| result["label"] == "a table",
        )
        .shown_by("session.get", session.clone(), |result| result["label"] == "a table"),
        row("session.list", json!({"limit": 10}), |result| {
            result["sessions"].to_string().contains(KEY)
        }),
        row("message.history", session.clone(), |result| has_text(result, "hello")),
        row("message.receive", json!({"session_key": KEY, "after_seq": 0}), |result| {
            has_text(result, "hello") && result["next_seq"].is_i64()
        }),
        row(
            "message.send",
            json!({"channel_id": "web", "chat_id": "table", "content": "good day"}),
            |result| result["message_id"].is_string(),
        )
        .shown_by("message.history", web, |result| has_text(result, "good day")),
        row(
            "tool.call",
            json!({"name": "write", "arguments": {"path": "note.txt", "content": "a note"}}),
            |result| result["is_error"] == false,
        )
        .shown_by(
            "tool.call",
            json!({"name": "read", "arguments": {"path": "note.txt"}}),
            |result| result["result"].to_string().contains("a note"),
        ),
        row("tool.list", json!({}), |result| {
            result["tools"].as_array().is_some_and(|tools| tools.len() > 5)
        }),
        row("channel.list", json!({}), |result| {
            result["channels"].as_array().is_some_and(|channels| channels.len() == 2)
        }),
        row("channel.status", json!({"channel_id": "telegram", "probe": true}), |result| {
            result["channels"][0]["health"]["probe_ms"].is_u64()
        }),
        row("channel.disconnect", telegram.clone(), |result| result["channel_id"] == "telegram")
            .shown_by("channel.status", telegram.clone(), |result| {
                result["channels"][0]["state"] == "stopped"
            }),
        row("channel.connect", telegram.clone(), |result| result["channel_id"] == "telegram")
            .shown_by("channel.status", telegram, |result| {
                result["channels"][0]["state"] == "connected"
            }),
        row("pairing.list", json!({}), |result| {
            result["pairings"][0]["user_id"] == "4711"
                && result["pairings"][0]["approved_at"].is_null()
        }),
        row(
            "pairing.approve",
            json!({"channel_id": "telegram", "user_id": "4711", "owner": true}),
            |result| result["is_owner"] == true,
        )
        .shown_by("pairing.list", json!({}), |result| {
            result["pairings"][0]["approved_at"].is_string()
        }),
        row("config.get", json!({"key": "session.owners"}), |result| {
            result["value"] == json!(["telegram:4711"])
        }),
        row("config.set", json!({"key": "session.queue_mode", "value": "batch"}), |result| {
            result["file"].is_string()
        })
        .shown_by("config.get", json!({"key": "session.queue_mode"}), |result| {
            result["value"] == "batch"
        }),
        row("config.schema", json!({}), |result| result["schema"]["properties"].is_object()),
        row("gateway.status", json!({"deep": true}), |result| {
            result["storage"].is_object() && result["sessions"].as_u64() >= Some(2)
        }),
        row("models.list", json!({}), |result| {
            result["models"].as_array().is_some_and(|models| {
                models.iter().any(|model| model["configured"] == true)
            })
        }),
        row("models.status", json!({}), |result| {
            result["model"].is_string() && result["today"]["usage"].is_object()
        }),
        row("models.probe", json!({"timeout_ms": 5_000}), |result| {
            result["probes"][0]["latency_ms"].is_u64()
        }),
        row("usage.cost", json!({"days": 2}), |result| {
            result["total"]["model_calls"].as_u64() >= Some(1)
        }),
        row("gateway.reload", json!({}), Value::is_object).shown_by(
            "gateway.status",
            json!({}),
            |result| result["config_problem"].is_null(),
        ),
        row("keys.create", json!({"name": "table", "scopes": ["operator.read"]}), |result| {
            result["key"].as_str().is_some_and(|key| key.starts_with("oc_"))
        })
        .shown_by("keys.list", json!({}), |result| result["keys"][0]["name"] == "table"),
        row("keys.list", json!({}), |result| result["keys"][0]["revoked_at"].is_null()),
        row("keys.rotate", json!({"id": "table"}), |result| result["key"].is_string())
            .shown_by("keys.list", json!({}), |result| result["keys"][0]["name"] == "table"),
        row("keys.revoke", json!({"id": "table"}), |result| result["name"] == "table")
            .shown_by("keys.list", json!({}), |result| {
                result["keys"][0]["revoked_at"].is_string()
            }),
        row("keys.rotate_signing", json!({}), |result| result["id"].is_string()),
        row("logs.tail", json!({"limit": 10}), |result| {
            result["file"].is_string() && result["lines"].is_array()
        }),
        row("route.explain", json!({"channel_id": "web", "chat_id": "table"}), |result| {
            result.to_string().contains("main")
        }),
        row("session.reset", session.clone(), |result| result["session_key"] == KEY)
            .shown_by("message.history", session.clone(), |result| {
                result["messages"] == json!([])
            }),
        row("session.delete", session.clone(), |result| result["deleted"] == true)
            .gone_for("session.get", session),
        row("gateway.stop", json!({}), |result| result["stopping"] == true),
    ]
}

/// What is wrong with a row, asking for its effect until it shows.
async fn wrong(caller: &Caller<'_>, row: &Row) -> Option<String> {
    let result = caller.call(row.method, &row.params).await;
    if !result.as_ref().is_ok_and(row.holds) {
        return Some(format!("{} {}: {result:?}", row.method, row.params));
    }
    let shown = row.shown.as_ref()?;
    let mut seen = None;
    let looking = async {
        loop {
            let found = caller.call(shown.method, &shown.params).await;
            let is_there = match (&found, shown.holds) {
                (Ok(result), Some(holds)) => holds(result),
                (Err(refusal), None) => refusal.code == -32003,
                _ => false,
            };
            if is_there {
                return;
            }
            seen = Some(found);
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(LIMIT, looking).await.is_ok();
    (!in_time).then(|| format!("{} is not shown by {}: {seen:?}", row.method, shown.method))
}

async fn every_method_has_its_effect(way: Way) {
    let script = Script::new().on_user("never end", Reply::hang());
    let (model, telegram) = (ModelServer::with(script).await, Telegram::start().await);
    telegram.bot.add_user(ANN, "Ann", None);
    let mut gateway = TestGateway::with_model(&model, &telegram.config("")).await;
    telegram.bot.say(ANN, ANN, "let me in");
    telegram.bot.wait_for_sent(ANN, 1, LIMIT).await;
    let caller = Caller::new(&gateway, way).await;
    let mut all_wrong = Vec::new();
    for row in rows() {
        all_wrong.extend(wrong(&caller, &row).await);
    }
    assert!(all_wrong.is_empty(), "{way:?}: {all_wrong:#?}");
    drop(caller);
    let status = gateway.exit_within(LIMIT).await;
    assert_eq!(status.code(), Some(0), "it has stopped: {}", gateway.log());
}

#[tokio::test]
async fn every_method_works_over_http() {
    every_method_has_its_effect(Way::Http).await;
}

#[tokio::test]
async fn every_method_works_over_a_websocket() {
    every_method_has_its_effect(Way::WebSocket).await;
}

#[tokio::test]
async fn subscriptions_begin_and_end() {
    let model = ModelServer::start().await;
    let gateway = TestGateway::with_model(&model, "").await;
    let (client, mut events) = gateway.connect().await;
    let speak = |text: &str| json!({"message": text, "session_key": KEY, "wait": true});
    let http = Caller::new(&gateway, Way::Http).await;
    http.call("agent.run", &speak("before")).await.expect("it is answered");
    let topics = json!({"topics": ["message.*"], "session_key": KEY, "from_seq": 1});
    let subscribed = client.call_raw("subscribe", &topics, LIMIT).await.expect("it subscribes");
    http.call("agent.run", &speak("after")).await.expect("it is answered");
    let mut heard = String::new();
    while !heard.contains("You said: after") {
        let event = tokio::time::timeout(LIMIT, events.next()).await.expect("events come");
        heard.push_str(&event.expect("the connection stands").data.to_string());
    }
    let replayed = heard.find("You said: before").expect("what was stored is replayed");
    assert!(Some(replayed) < heard.find("You said: after"), "{heard}");

    let ended: Value = serde_json::from_str(subscribed.get()).expect("it is JSON");
    let ended = client.call_raw("unsubscribe", &ended, LIMIT).await.expect("it unsubscribes");
    assert_eq!(ended.get(), "{}");
    http.call("agent.run", &speak("unheard")).await.expect("it is answered");
    // Answers come in order with events: whatever was to come has come before this one.
    client.call_raw("ping", &json!({}), LIMIT).await.expect("it answers");
    let rest = tokio::time::timeout(std::time::Duration::ZERO, events.next()).await;
    assert!(!format!("{rest:?}").contains("unheard"), "{rest:?}");
}
