use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{TOKEN, TestGateway, request};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"session.list"}"#;

#[tokio::test]
async fn every_reply_carries_the_security_headers() {
    let gateway = TestGateway::start().await;
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let host = "Host: localhost";
    for (head, headers, body, status) in [
        ("GET /health", vec![host], "", 200),
        ("HEAD /health", vec![host], "", 200),
        ("GET /ready", vec![host], "", 200),
        ("POST /health", vec![host], "", 405),
        ("POST /rpc", vec![host], PING, 200),
        ("POST /rpc", vec![host], LIST, 401),
        ("POST /rpc", vec![host, "Authorization: Bearer wrong"], PING, 401),
        ("POST /rpc", vec![host, "Authorization: Basic eDp5"], PING, 401),
        ("POST /rpc", vec![host, &bearer], LIST, 200),
        ("POST /rpc", vec![host, &bearer], r#"{"jsonrpc":"2.0","method":"ping"}"#, 204),
        ("GET /rpc", vec![host, &bearer], "", 405),
        ("GET /ws", vec![host], "", 426),
        ("GET /", vec![host], "", 404),
        ("GET /etc/passwd", vec![host, &bearer], "", 404),
        ("GET /health", vec!["Host: evil.example"], "", 421),
        ("GET /health", vec![], "", 421),
        ("POST /rpc", vec![host, &bearer, "Origin: https://evil.example"], PING, 403),
        ("GET /health?token=x", vec![host], "", 400),
        ("POST /rpc?api_key=x", vec![host, &bearer], PING, 400),
    ] {
        let reply = gateway.http(head, &headers, body).await;
        assert_eq!(reply.status, status, "{head} {headers:?}: {reply:?}");
        for (name, value) in [
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(reply.headers.get(name).map(String::as_str), Some(value), "{head} {name}");
        }
    }
}

#[tokio::test]
async fn an_upgrade_from_a_foreign_page_is_refused_on_every_path() {
    let gateway = TestGateway::start().await;
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let upgrade = [
        "Host: localhost",
        &bearer,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    let with = |extra: &'static str| [&upgrade[..], &[extra]].concat();
    let ask = async |path: &str, headers: Vec<&str>| {
        let head = format!("GET {path} HTTP/1.1\r\n");
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let mut stream = gateway.connect().await;
        stream.write_all(format!("{head}{headers}\r\n").as_bytes()).await.expect("sends");
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.expect("answers");
        String::from_utf8_lossy(&status[9..]).parse::<u16>().expect("a status")
    };
    assert_eq!(ask("/ws", upgrade.to_vec()).await, 101);
    assert_eq!(ask("/", upgrade.to_vec()).await, 101);
    assert_eq!(ask("/gateway", upgrade.to_vec()).await, 101);
    assert_eq!(ask("/ws", with("Origin: https://evil.example")).await, 403);
    assert_eq!(ask("/ws", with("Origin: null")).await, 403);
    assert_eq!(ask("/ws?token=x", upgrade.to_vec()).await, 400);
    let own = format!("Origin: http://localhost:{}", gateway.port);
    assert_eq!(ask("/ws", [&upgrade[..], &[own.as_str()]].concat()).await, 101);
}

#[tokio::test]
async fn envelopes_over_http() {
    let gateway = TestGateway::start().await;
    for (body, status, expected) in [
        (PING, 200, r#"{"jsonrpc":"2.0","id":1,"result":{"pong":true}}"#),
        (
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            200,
            r#"{"jsonrpc":"2.0","id":null,"result":{"pong":true}}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":"ä","method":"ping","params":{}}"#,
            200,
            r#"{"jsonrpc":"2.0","id":"ä","result":{"pong":true}}"#,
        ),
        (r#"[{"jsonrpc":"2.0","method":"ping"},{"jsonrpc":"2.0","method":"nope"}]"#, 204, ""),
        (
            r#"[{"jsonrpc":"2.0","id":2,"method":"ping"},{"jsonrpc":"2.0","method":"ping"}]"#,
            200,
            r#"[{"jsonrpc":"2.0","id":2,"result":{"pong":true}}]"#,
        ),
    ] {
        let reply = gateway.post(body).await;
        assert_eq!((reply.status, reply.body.as_str()), (status, expected), "{body}");
    }
    for (body, code) in [
        ("", -32700),
        ("{", -32700),
        ("[]", -32600),
        ("1", -32600),
        (r#"{"id":1,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"nope"}"#, -32601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1}}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"session_list","params":{"limit":0}}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"topics":["*"]}}"#, -32008),
    ] {
        let reply = gateway.post(body).await;
        assert_eq!((reply.status, reply.error_code()), (200, code), "{body}");
        assert!(reply.json()["error"]["data"]["code"].is_string(), "{body}");
    }
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"a":{}{}}}}}"#,
        "[".repeat(127),
        "]".repeat(127)
    );
    assert_eq!(gateway.post(&deep).await.error_code(), -32700);
}

#[tokio::test]
async fn only_three_calls_answer_before_sign_in() {
    let gateway = TestGateway::start().await;
    let ask = async |method: &str| {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method}).to_string();
        gateway.http("POST /rpc", &["Host: localhost"], &body).await
    };
    for method in openclaw_protocol::registry::METHODS {
        let reply = ask(method.name).await;
        match method.name {
            "ping" | "rpc.discover" => assert_eq!(reply.status, 200, "{}", method.name),
            "authenticate" => assert_eq!(reply.error_code(), -32602),
            other => assert_eq!((reply.status, reply.error_code()), (401, -32001), "{other}"),
        }
    }
    assert_eq!(ask("no.such.method").await.error_code(), -32001);
    let batch = format!("[{PING},{LIST}]");
    let reply = gateway.http("POST /rpc", &["Host: localhost"], &batch).await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.json()[0]["result"]["pong"], true);
    assert_eq!(reply.json()[1]["error"]["code"], -32001);
}

#[tokio::test]
async fn authenticate_checks_over_http_too() {
    let gateway = TestGateway::start().await;
    let ask = async |params: serde_json::Value| {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "authenticate", "params": params});
        gateway.http("POST /rpc", &["Host: localhost"], &call.to_string()).await
    };
    let reply = ask(json!({"token": TOKEN})).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["result"]["principal"], "owner");
    assert_eq!(ask(json!({"token": "wrong"})).await.status, 401);
    assert_eq!(ask(json!({})).await.error_code(), -32602);
    assert_eq!(ask(json!({"token": TOKEN, "password": "x"})).await.error_code(), -32602);
    let reply = ask(json!({"password": "x"})).await;
    assert_eq!(reply.error_code(), -32001);
    assert!(reply.json()["error"]["data"]["hint"].is_string());
}

#[tokio::test]
async fn ten_wrong_credentials_lock_out_but_not_the_right_one() {
    let gateway = TestGateway::start().await;
    let wrong = ["Host: localhost", "Authorization: Bearer wrong"];
    // A missing credential does not count.
    for _ in 0..20 {
        assert_eq!(gateway.http("POST /rpc", &["Host: localhost"], LIST).await.status, 401);
    }
    for attempt in 0..10 {
        assert_eq!(gateway.http("POST /rpc", &wrong, PING).await.status, 401, "{attempt}");
    }
    let locked = gateway.http("POST /rpc", &wrong, PING).await;
    assert_eq!((locked.status, locked.error_code()), (429, -32005));
    assert!(locked.json()["error"]["data"]["retry_after_ms"].as_u64() > Some(290_000));
    assert!(locked.headers.contains_key("retry-after"));
    assert_eq!(gateway.open(Some("wrong")).await.err(), Some(429));
    assert_eq!(gateway.post(LIST).await.status, 200);
    let mut socket = gateway.anonymous().await;
    let refused = socket.call("authenticate", json!({"token": "wrong"})).await;
    assert_eq!(refused.expect_err("locked")["code"], -32005);
    assert!(socket.call("authenticate", json!({"token": TOKEN})).await.is_ok());
}

#[tokio::test]
async fn health_lives_without_the_store_and_ready_does_not() {
    let gateway = TestGateway::start().await;
    let ready = gateway.http("GET /ready", &["Host: localhost"], "").await;
    assert_eq!(ready.json()["channels"]["enabled"], 2);
    gateway.state.storage.close().await;
    let health = gateway.http("GET /health", &["Host: localhost"], "").await;
    assert_eq!((health.status, health.body.as_str()), (200, r#"{"status":"ok"}"#));
    let ready = gateway.http("GET /ready", &["Host: localhost"], "").await;
    assert_eq!((ready.status, &ready.json()["ready"]), (503, &json!(false)));
}

#[tokio::test]
async fn one_connection_carries_several_requests() {
    let gateway = TestGateway::start().await;
    let mut stream = gateway.connect().await;
    let first =
        request("POST /rpc", &["Host: localhost"], PING).replace("Connection: close\r\n", "");
    stream.write_all(first.as_bytes()).await.expect("sends");
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).await.expect("reads");
    assert!(String::from_utf8_lossy(&answer[..read]).starts_with("HTTP/1.1 200"));
    stream
        .write_all(request("POST /rpc", &["Host: localhost"], PING).as_bytes())
        .await
        .expect("sends");
    assert_eq!(crate::support::Reply::read(&mut stream).await.status, 200);
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_stop_its_run() {
    let gateway = TestGateway::start().await;
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "agent.run",
        "params": {"message": "hold on", "idempotency_key": "run-1", "wait": true}});
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let mut stream = gateway.connect().await;
    let text = request("POST /rpc", &["Host: localhost", &bearer], &call.to_string());
    stream.write_all(text.as_bytes()).await.expect("sends");
    let mut socket = gateway.socket().await;
    socket.call("subscribe", json!({"topics": ["agent.*"]})).await.expect("subscribes");
    // The turn has begun.
    while gateway.state.lanes.active_runs().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(stream);
    gateway.runner.let_go();
    let done = socket.event("agent.done").await;
    assert_eq!(done["run_id"], "run-1");
    assert_eq!(done["data"]["reply"], "re: hold on");
}
