//! Each error code that a method can give, over both ways.

use openclaw_protocol::registry::METHODS;
use openclaw_protocol::{Access, Scope};
use openclaw_testkit::model::{ModelServer, Reply, Script};
use serde_json::{Value, json};

use super::caller::{Caller, WAYS, Way};
use crate::support::{TOKEN, Telegram, TestGateway};

const INVALID_PARAMS: i64 = -32602;
const UNAUTHENTICATED: i64 = -32001;
const FORBIDDEN: i64 = -32002;
const NOT_FOUND: i64 = -32003;
const CONFLICT: i64 = -32004;
const RATE_LIMITED: i64 = -32005;
const OVERLOADED: i64 = -32006;
const UNAVAILABLE: i64 = -32008;
const TOO_LARGE: i64 = -32009;

/// A call, its code, and the field that `data` names.
type Row = (&'static str, Value, i64, Option<&'static str>);

/// Params that have the right names and cannot be meant.
fn invalid() -> Vec<Row> {
    let row = |method, params, field| (method, params, INVALID_PARAMS, Some(field));
    vec![
        row("authenticate", json!({}), "token"),
        row("authenticate", json!({"token": "a", "password": "b"}), "token"),
        row("agent.run", json!({"message": " "}), "message"),
        row("agent.run", json!({"message": "a", "agent_id": "nobody"}), "agent_id"),
        row("agent.run", json!({"message": "a", "session_key": "agent:nobody:a"}), "session_key"),
        row("agent.run", json!({"message": "a", "timeout_seconds": 0}), "timeout_seconds"),
        row(
            "agent.run",
            json!({"message": "a", "attachments": [{"mime_type": "text/plain", "file_name": "a", "content_base64": "%"}]}),
            "attachments[0].content_base64",
        ),
        row("agent.stop", json!({}), "run_id"),
        row("agent.status", json!({"limit": 0}), "limit"),
        row("session.create", json!({"agent_id": "nobody"}), "agent_id"),
        row("session.create", json!({"label": "x".repeat(300)}), "label"),
        row("session.get", json!({}), "session_key"),
        row("session.reset", json!({}), "session_key"),
        row("session.delete", json!({}), "session_key"),
        row(
            "session.update",
            json!({"session_key": "agent:main:there", "patch": {"config": {"timeout_seconds": 0}}}),
            "patch.config.timeout_seconds",
        ),
        row("session.list", json!({"cursor": "nonsense"}), "cursor"),
        row("session.list", json!({"limit": 100_000}), "limit"),
        row("message.history", json!({"session_key": "agent:main:there", "limit": 0}), "limit"),
        row(
            "message.receive",
            json!({"session_key": "agent:main:there", "wait_ms": 60_000}),
            "wait_ms",
        ),
        row("message.send", json!({"channel_id": "web", "chat_id": "a", "content": ""}), "content"),
        row("tool.call", json!({"name": "read", "arguments": {}}), "arguments"),
        row("config.set", json!({"key": "session.queue_mode", "value": "sideways"}), "value"),
        row("models.status", json!({"agent_id": "nobody"}), "agent_id"),
        row("models.probe", json!({"timeout_ms": 1}), "timeout_ms"),
        row("usage.cost", json!({"days": 0}), "days"),
        row("pairing.approve", json!({}), "code"),
        row("logs.tail", json!({"limit": 0}), "limit"),
        row("keys.create", json!({"name": "", "scopes": ["operator.read"]}), "name"),
        row("keys.create", json!({"name": "a", "scopes": []}), "scopes"),
    ]
}

/// What names something that is not there.
fn not_found() -> Vec<Row> {
    let session = json!({"session_key": "agent:main:nowhere"});
    let row = |method, params| (method, params, NOT_FOUND, None);
    vec![
        row("session.get", session.clone()),
        row("session.update", json!({"session_key": "agent:main:nowhere", "patch": {}})),
        row("session.delete", session.clone()),
        row("session.reset", session.clone()),
        row("session.create", json!({"channel_id": "pigeon"})),
        row("message.history", session.clone()),
        row("message.receive", session.clone()),
        row("message.send", json!({"channel_id": "pigeon", "chat_id": "1", "content": "coo"})),
        row("agent.run", json!({"message": "a", "session_id": "nowhere"})),
        row("agent.stop", json!({"run_id": "no-such-run"})),
        row("agent.stop", session.clone()),
        row("agent.status", json!({"run_id": "no-such-run"})),
        row("agent.status", session.clone()),
        row("tool.call", json!({"name": "no_such_tool", "arguments": {}})),
        row("tool.list", json!({"session_key": "agent:main:nowhere"})),
        row("channel.status", json!({"channel_id": "pigeon"})),
        row("channel.connect", json!({"channel_id": "pigeon"})),
        row("channel.disconnect", json!({"channel_id": "pigeon"})),
        row("pairing.approve", json!({"code": "AAAAAAAA"})),
        row("pairing.approve", json!({"channel_id": "telegram", "user_id": "1"})),
        row("config.get", json!({"key": "no.such_key"})),
        row("models.list", json!({"provider": "nobody"})),
        row("keys.rotate", json!({"id": "nobody"})),
        row("keys.revoke", json!({"id": "nobody"})),
    ]
}

fn others() -> Vec<Row> {
    let chat = json!({"channel_id": "web", "chat_id": "taken"});
    let large = "QUFB".repeat(1_800_000);
    vec![
        ("authenticate", json!({"token": "wrong"}), UNAUTHENTICATED, None),
        ("authenticate", json!({"api_key": "a"}), UNAUTHENTICATED, None),
        ("authenticate", json!({"jwt": "a"}), UNAUTHENTICATED, None),
        ("authenticate", json!({"password": "a"}), UNAUTHENTICATED, None),
        ("keys.create", json!({"name": "taken", "scopes": ["operator.read"]}), CONFLICT, None),
        (
            "tool.call",
            json!({"name": "write", "arguments": {"path": "a", "content": "b"}}),
            FORBIDDEN,
            Some("name"),
        ),
        ("session.create", chat, CONFLICT, None),
        ("channel.connect", json!({"channel_id": "telegram/off"}), UNAVAILABLE, None),
        (
            "agent.run",
            json!({"message": "a", "attachments": [{"mime_type": "text/plain", "file_name": "a", "content_base64": large}]}),
            TOO_LARGE,
            Some("attachments[0].content_base64"),
        ),
    ]
}

/// What is wrong with the answers to these rows.
async fn wrong(gateway: &TestGateway, way: Way, rows: &[Row]) -> Vec<String> {
    let caller = Caller::new(gateway, way).await;
    let mut wrong = Vec::new();
    for (method, params, code, field) in rows {
        let answer = caller.call(method, params).await;
        let is_right = matches!(&answer, Err(refusal) if refusal.code == *code
            && field.is_none_or(|field| refusal.data["field"] == field)
            && refusal.data["code"].is_string());
        if !is_right {
            let params: String = params.to_string().chars().take(120).collect();
            wrong.push(format!("{way:?} {method} {params}: {answer:?}, not {code} {field:?}"));
        }
    }
    wrong
}

#[tokio::test]
async fn each_code_is_given() {
    let (model, telegram) = (ModelServer::start().await, Telegram::start().await);
    let off = "[channels.telegram.accounts.off]\nenabled = false\ntoken = \"1:off\"\n";
    let more = format!("[tools]\ndeny = [\"write\"]\n{}{off}", telegram.config(""));
    let gateway = TestGateway::with_model(&model, &more).await;
    let caller = Caller::new(&gateway, Way::Http).await;
    let there = json!({"message": "a", "session_key": "agent:main:there", "wait": true});
    caller.call("agent.run", &there).await.expect("it runs");
    let taken = json!({"channel_id": "web", "chat_id": "taken"});
    caller.call("session.create", &taken).await.expect("it is free");
    let key = json!({"name": "taken", "scopes": ["operator.read"]});
    caller.call("keys.create", &key).await.expect("it is free");
    let mut all_wrong = Vec::new();
    for way in WAYS {
        for rows in [invalid(), not_found(), others()] {
            all_wrong.extend(wrong(&gateway, way, &rows).await);
        }
    }
    assert!(all_wrong.is_empty(), "{all_wrong:#?}");
}

#[tokio::test]
async fn subscriptions_need_a_connection_and_a_session() {
    let gateway = TestGateway::with_config("").await;
    let http = vec![
        ("subscribe", json!({"topics": ["agent.*"]}), UNAVAILABLE, None),
        ("unsubscribe", json!({"subscription_id": "1"}), UNAVAILABLE, None),
    ];
    let websocket = vec![
        ("subscribe", json!({"topics": []}), INVALID_PARAMS, Some("topics")),
        ("subscribe", json!({"topics": ["a b"]}), INVALID_PARAMS, Some("topics[0]")),
        ("subscribe", json!({"topics": ["*"], "from_seq": 1}), INVALID_PARAMS, Some("from_seq")),
        (
            "subscribe",
            json!({"topics": ["*"], "session_key": "agent:main:nowhere"}),
            NOT_FOUND,
            None,
        ),
        ("unsubscribe", json!({"subscription_id": "nothing"}), NOT_FOUND, None),
    ];
    let mut all_wrong = wrong(&gateway, Way::Http, &http).await;
    all_wrong.extend(wrong(&gateway, Way::WebSocket, &websocket).await);
    assert!(all_wrong.is_empty(), "{all_wrong:#?}");
}

#[tokio::test]
async fn without_a_model_a_run_is_unavailable() {
    let gateway = TestGateway::with_config("").await;
    let row = ("agent.run", json!({"message": "a"}), UNAVAILABLE, None);
    for way in WAYS {
        assert_eq!(wrong(&gateway, way, std::slice::from_ref(&row)).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_full_backlog_is_overloaded() {
    let model = ModelServer::with(Script::new().on_user("hang", Reply::hang())).await;
    let config = format!(
        "[gateway]\nmax_backlog = 1\n[agents]\nmodel = \"test/test-model\"\n[models.providers.test]\napi = \"openai-chat\"\nbase_url = \"{}\"\napi_key = \"sk-test\"\n",
        model.base_url()
    );
    let gateway = TestGateway::with_config(&config).await;
    let caller = Caller::new(&gateway, Way::Http).await;
    caller.call("agent.run", &json!({"message": "hang"})).await.expect("there is room");
    let row = ("agent.run", json!({"message": "one too many"}), OVERLOADED, None);
    for way in WAYS {
        assert_eq!(wrong(&gateway, way, std::slice::from_ref(&row)).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn every_method_needs_its_scope() {
    let gateway = TestGateway::with_config("").await;
    let owner = Caller::new(&gateway, Way::Http).await;
    let mut keys = Vec::new();
    for scope in ["operator.read", "operator.pairing"] {
        let params = json!({"name": scope, "scopes": [scope]});
        let issued = owner.call("keys.create", &params).await.expect("it is made");
        keys.push(issued["key"].as_str().expect("it has a secret").to_owned());
    }
    for way in WAYS {
        let reader = Caller::with_credential(&gateway, way, &keys[0]).await;
        let pairer = Caller::with_credential(&gateway, way, &keys[1]).await;
        for method in METHODS {
            let caller = match method.access {
                Access::Public => continue,
                Access::Scope(Scope::Read) => &pairer,
                Access::Scope(_) => &reader,
            };
            let answer = caller.call(method.name, &json!({})).await;
            let code = answer.as_ref().err().map(|refusal| refusal.code);
            assert_eq!(code, Some(FORBIDDEN), "{way:?} {}: {answer:?}", method.name);
        }
        let owner = json!({"channel_id": "telegram", "user_id": "1", "owner": true});
        let answer = pairer.call("pairing.approve", &owner).await;
        let code = answer.as_ref().err().map(|refusal| refusal.code);
        assert_eq!(code, Some(FORBIDDEN), "{way:?}: only an admin makes owners: {answer:?}");
    }
}

#[tokio::test]
async fn every_method_is_limited_in_its_rate() {
    let config = "[gateway.rate_limit]\nrequests_per_second = 1\nburst = 1\n";
    let gateway = TestGateway::with_config(config).await;
    for way in WAYS {
        let caller = Caller::new(&gateway, way).await;
        for method in METHODS.iter().filter(|method| method.access != Access::Public) {
            // One call in a second passes; of so many at once, most do not.
            let mut codes = Vec::new();
            for _ in 0..8 {
                let refusal = caller.call(method.name, &json!({"no_such_param": 1})).await;
                let refusal = refusal.expect_err("no method has such a param");
                codes.push(refusal.code);
                if refusal.code == RATE_LIMITED {
                    assert!(refusal.data["retry_after_ms"].is_u64(), "{}: {refusal}", method.name);
                    break;
                }
            }
            assert!(codes.contains(&RATE_LIMITED), "{way:?} {}: {codes:?}", method.name);
        }
    }
}

#[tokio::test]
async fn wrong_credentials_and_codes_are_limited() {
    for way in WAYS {
        let gateway = TestGateway::with_config("").await;
        let caller = Caller::new(&gateway, way).await;
        for (method, params, first) in [
            ("pairing.approve", json!({"code": "AAAAAAAA"}), NOT_FOUND),
            ("authenticate", json!({"token": "wrong"}), UNAUTHENTICATED),
        ] {
            let mut codes = Vec::new();
            for _ in 0..30 {
                codes.push(caller.call(method, &params).await.expect_err("it is wrong").code);
            }
            assert_eq!(codes.first(), Some(&first), "{way:?} {method}");
            assert_eq!(codes.last(), Some(&RATE_LIMITED), "{way:?} {method}: {codes:?}");
        }
        let right = caller.call("authenticate", &json!({"token": TOKEN})).await;
        assert!(right.is_ok(), "{way:?}: the right token still passes: {right:?}");
    }
}
