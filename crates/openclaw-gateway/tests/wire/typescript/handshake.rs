use openclaw_gateway::server::ServerLimits;
use serde_json::json;
use std::time::Duration;

use super::support::{ADMIN, Device, Heard, TsClient, connect_params};
use crate::support::{Brought, TOKEN, TestGateway};

#[tokio::test]
async fn a_client_is_welcomed_with_how_things_stand() {
    let gateway = TestGateway::start().await;
    let mut client = TsClient::open(&gateway, &[]).await;
    let device = Device::new(1);
    let hello = client.connect(&device, connect_params(TOKEN, ADMIN)).await.expect("connects");
    assert_eq!((&hello["type"], &hello["protocol"]), (&json!("hello-ok"), &json!(3)));
    assert_eq!(hello["auth"]["scopes"].as_array().map(Vec::len), Some(5));
    assert!(hello["auth"]["deviceToken"].as_str().is_some_and(|token| token.len() >= 43));
    assert_eq!(hello["policy"]["tickIntervalMs"], 30_000);
    let methods = hello["features"]["methods"].as_array().expect("methods");
    assert!(methods.contains(&json!("chat.send")) && !methods.contains(&json!("skills.status")));
    // The client itself is present already, beside the gateway.
    let presence = client.event("presence", |_| true).await;
    let present = presence["payload"]["presence"].as_array().expect("entries");
    assert!(present.iter().any(|entry| entry["deviceId"] == device.id()));
    assert_eq!(presence["seq"], 1);
    let again = client.call("connect", json!({})).await.expect_err("refused");
    assert_eq!(again["message"], "connect is only valid as the first request");
}

#[tokio::test]
async fn whatever_comes_first_must_be_connect() {
    let gateway = TestGateway::start().await;
    let mut client = TsClient::open(&gateway, &[]).await;
    let error = client.call("health", json!({})).await.expect_err("refused");
    assert_eq!(error["code"], "INVALID_REQUEST");
    assert_eq!(client.end().await.0, Some(1008));
    let mut client = TsClient::open(&gateway, &[]).await;
    client.say(&json!({"type": "req", "id": 7})).await;
    let (code, reason) = client.end().await;
    assert!(code == Some(1008) && reason.starts_with("invalid request frame"), "{reason}");
}

#[tokio::test]
async fn who_says_nothing_is_let_go() {
    let limits = ServerLimits { sign_in: Duration::from_millis(50), ..ServerLimits::default() };
    let gateway = TestGateway::with("", limits).await;
    assert_eq!(TsClient::open(&gateway, &[]).await.end().await.0, Some(1008));
}

#[tokio::test]
async fn the_highest_common_version_is_spoken() {
    let gateway = TestGateway::start().await;
    for (oldest, newest, spoken) in [(3, 3, 3), (3, 4, 4), (4, 4, 4), (1, 9, 4)] {
        let mut client = TsClient::open(&gateway, &[]).await;
        let mut params = connect_params(TOKEN, ADMIN);
        params["minProtocol"] = json!(oldest);
        params["maxProtocol"] = json!(newest);
        let hello = client.connect(&Device::new(1), params).await.expect("connects");
        assert_eq!(hello["protocol"], spoken);
        assert_eq!(hello["server"].get("host").is_some(), spoken == 3);
    }
    for (oldest, newest) in [(1, 2), (5, 6)] {
        let mut client = TsClient::open(&gateway, &[]).await;
        let mut params = connect_params(TOKEN, ADMIN);
        params["minProtocol"] = json!(oldest);
        params["maxProtocol"] = json!(newest);
        let error = client.connect(&Device::new(1), params).await.expect_err("refused");
        assert_eq!(error["message"], "protocol mismatch");
        assert_eq!(client.end().await, (Some(1002), "protocol mismatch".to_owned()));
    }
}

#[tokio::test]
async fn both_framings_are_understood_on_one_connection() {
    let gateway = TestGateway::start().await;
    let mut client = TsClient::open(&gateway, &[]).await;
    client.say(&json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})).await;
    assert_eq!(
        client.next().await,
        Heard::Frame(json!({"jsonrpc": "2.0", "id": 1, "result": {"pong": true}}))
    );
    client.connect(&Device::new(1), connect_params(TOKEN, ADMIN)).await.expect("connects");
    client.say(&json!({"jsonrpc": "2.0", "id": 2, "method": "session.list"})).await;
    let listed = loop {
        match client.next().await {
            Heard::Frame(frame) if frame["id"] == 2 => break frame,
            Heard::Frame(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(listed["result"]["sessions"], json!([]));
    // And the other way round, where nobody was told a challenge.
    let mut socket = gateway.socket().await;
    socket.say(r#"{"type":"req","id":"x","method":"health"}"#).await;
    match socket.next().await {
        Brought::Text(frame) => {
            assert_eq!((&frame["type"], &frame["ok"]), (&json!("res"), &json!(false)))
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_wrong_token_is_told_and_counts_towards_the_lockout() {
    let gateway = TestGateway::start().await;
    for attempt in 0..11 {
        let mut client = TsClient::open(&gateway, &[]).await;
        let params = connect_params("wrong", ADMIN);
        let error = client.connect(&Device::new(1), params).await.expect_err("refused");
        let message = error["message"].as_str().expect("a message");
        if attempt < 10 {
            assert!(message.starts_with("unauthorized"), "{message}");
            let (code, reason) = client.end().await;
            assert!(code == Some(1008) && reason.contains("device token mismatch"), "{reason}");
        } else {
            assert!(error["retryAfterMs"].as_u64().is_some_and(|millis| millis > 0), "{error}");
        }
    }
    let mut client = TsClient::open(&gateway, &[]).await;
    assert!(client.connect(&Device::new(1), connect_params(TOKEN, ADMIN)).await.is_ok());
}

#[tokio::test]
async fn a_client_without_a_device_has_no_scope() {
    let gateway = TestGateway::start().await;
    let mut client = TsClient::open(&gateway, &[]).await;
    client.call("connect", connect_params(TOKEN, ADMIN)).await.expect("connects");
    let error = client.call("health", json!({})).await.expect_err("refused");
    assert_eq!(error["message"], "missing scope: operator.read");
    let mut client = TsClient::open(&gateway, &[]).await;
    let mut params = connect_params(TOKEN, ADMIN);
    params.as_object_mut().expect("an object").shift_remove("auth");
    let error = client.call("connect", params).await.expect_err("refused");
    assert_eq!(error["code"], "NOT_PAIRED");
}

#[tokio::test]
async fn the_command_line_of_version_4_keeps_its_scopes_on_this_machine_only() {
    let gateway = TestGateway::start().await;
    let mut params = connect_params(TOKEN, ADMIN);
    params["maxProtocol"] = json!(4);
    params["client"]["id"] = json!("cli");
    params["client"]["mode"] = json!("cli");
    let mut client = TsClient::open(&gateway, &[]).await;
    client.call("connect", params.clone()).await.expect("connects");
    assert!(client.call("health", json!({})).await.is_ok());
    let mut far = TsClient::open(&gateway, &[("x-forwarded-for", "192.0.2.1")]).await;
    far.call("connect", params).await.expect("connects");
    assert!(far.call("health", json!({})).await.is_err());
}

#[tokio::test]
async fn who_may_read_nothing_is_told_nothing_but_life_and_end() {
    let gateway = TestGateway::start().await;
    let mut owner = TsClient::owner(&gateway).await;
    let said = json!({"sessionKey": "main", "message": "hello", "idempotencyKey": "s1"});
    owner.call("chat.send", said).await.expect("sent");
    let mut client = TsClient::open(&gateway, &[]).await;
    let params = connect_params(TOKEN, &["operator.pairing"]);
    let hello = client.connect(&Device::new(2), params).await.expect("connects");
    let snapshot = &hello["snapshot"];
    assert_eq!(snapshot["presence"].as_array().map(Vec::len), Some(1), "{hello}");
    assert_eq!(snapshot["presence"][0]["mode"], "gateway");
    let keys: Vec<&String> = snapshot["health"].as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["ok", "ts"]);
    gateway.serving.refuse_new();
    gateway.serving.shutdown(Duration::from_secs(5)).await;
    client.event("shutdown", |_| true).await;
}

#[tokio::test]
async fn where_sessions_are_kept_is_for_administrators() {
    let gateway = TestGateway::start().await;
    let mut owner = TsClient::owner(&gateway).await;
    let mut reader = TsClient::open(&gateway, &[]).await;
    let params = connect_params(TOKEN, &["operator.read", "operator.write"]);
    let hello = reader.connect(&Device::new(2), params).await.expect("connects");
    assert_eq!(hello["snapshot"]["health"]["sessions"]["path"], json!(null));
    for (method, path) in
        [("health", "/sessions/path"), ("sessions.list", "/path"), ("cron.status", "/storePath")]
    {
        let told = owner.call(method, json!({})).await.expect(method);
        assert!(told.pointer(path).is_some_and(|path| path.is_string()), "{method}: {told}");
        let told = reader.call(method, json!({})).await.expect(method);
        assert_eq!(told.pointer(path), Some(&json!(null)), "{method}");
    }
}

#[tokio::test]
async fn a_stopping_gateway_tells_its_clients() {
    let gateway = TestGateway::start().await;
    let mut client = TsClient::owner(&gateway).await;
    gateway.serving.refuse_new();
    gateway.serving.shutdown(Duration::from_secs(5)).await;
    let (code, reason) = client.end().await;
    assert_eq!((code, reason.as_str()), (Some(1012), "service restart"));
}
