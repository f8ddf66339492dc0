//! What a gateway tells of itself: figures, ids, its log.

use openclaw_testkit::model::{ModelServer, Reply, Script};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{LIMIT, TOKEN, TestGateway};

#[tokio::test]
async fn figures_count_what_happened_and_need_a_credential() {
    let model = ModelServer::with(Script::new().on(|_| Some(Reply::text("hello")))).await;
    let gateway = TestGateway::with_model(&model, "").await;
    assert_eq!(gateway.get("/metrics", &[]).await.status, 401);
    let run = gateway.openclaw(&["agent", "run", "-m", "hi", "--json"]).await;
    assert!(run.status.success(), "{run:?}");
    let bearer = format!("Bearer {TOKEN}");
    let answer = gateway.get("/metrics", &[("authorization", &bearer)]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("text/plain; version=0.0.4"), "{}", answer.head);
    for line in [
        "openclaw_turns_total{outcome=\"done\"} 1",
        "openclaw_turn_seconds_count 1",
        "openclaw_messages_total{event=\"received\"} 1",
        "openclaw_model_calls_total 1",
        "openclaw_queue{queue=\"inputs\"} 0",
        "openclaw_channel_state{channel=\"web\",state=\"connected\"} 1",
    ] {
        assert!(answer.text.lines().any(|it| it == line), "{line}\n{}", answer.text);
    }
    let value = |name: &str| {
        let line = answer.text.lines().find(|line| line.starts_with(name)).expect(name);
        line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok()).expect("a number")
    };
    assert!(value("openclaw_connections") >= 1.0);
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert!(value("openclaw_model_tokens_total{kind=\"input\"}") > 0.0);
    for line in answer.text.lines().filter(|line| !line.starts_with('#')) {
        assert!(line.rsplit(' ').next().is_some_and(|it| it.parse::<f64>().is_ok()), "{line}");
    }
}

#[tokio::test]
async fn a_requests_id_is_given_back_and_stands_in_the_log_of_its_turn() {
    let model = ModelServer::with(Script::new().on(|_| Some(Reply::error(500, "x", "no")))).await;
    let gateway = TestGateway::with_model(&model, "[logging]\nlevel = \"debug\"\n").await;
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("x-request-id", "request-of-test")];
    let body = r#"{"model": "openclaw", "messages": [{"role": "user", "content": "hi"}]}"#;
    let answer = gateway.post("/v1/chat/completions", &headers, body).await;
    assert_eq!(answer.status, 502, "{}", answer.text);
    assert!(answer.head.contains("x-request-id: request-of-test"), "{}", answer.head);
    let fresh = gateway.get("/health", &[("x-request-id", "not an id")]).await;
    assert!(fresh.head.contains("x-request-id: "), "{}", fresh.head);
    assert!(!fresh.head.contains("not an id"), "{}", fresh.head);

    let logs = gateway.openclaw(&["logs", "--json", "-n", "5000"]).await;
    assert!(logs.status.success(), "{logs:?}");
    let text = String::from_utf8(logs.stdout).expect("UTF-8");
    let of_turn = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let spans = of_turn.filter_map(|line| line["spans"].as_array().cloned());
    let found = spans.flatten().any(|span| {
        span["name"] == "turn"
            && span["request_id"] == "request-of-test"
            && span["run_id"].is_string()
    });
    assert!(found, "{text}");
    let shown = gateway.openclaw(&["logs"]).await;
    assert!(String::from_utf8_lossy(&shown.stdout).contains("request-of-test"), "{shown:?}");
}

/// Takes one request as a collector does, and gives what came.
async fn collected(listener: TcpListener) -> (String, Vec<u8>) {
    let (mut stream, _) = listener.accept().await.expect("the gateway connects");
    let mut came = Vec::new();
    loop {
        let read = stream.read_buf(&mut came).await.expect("it can be read");
        let end = came.windows(4).position(|window| window == b"\r\n\r\n");
        let Some(end) = end else {
            assert!(read > 0, "the head broke off");
            continue;
        };
        let head = String::from_utf8_lossy(&came[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.expect("a length").trim().parse().expect("a number");
        if came.len() >= end + 4 + length {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.expect("it is answered");
            return (head, came.split_off(end + 4));
        }
    }
}

#[tokio::test]
async fn traces_go_to_a_collector() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let model = ModelServer::with(Script::new().on(|_| Some(Reply::text("hello")))).await;
    let config = format!(
        "[diagnostics.otel]\nenabled = true\nendpoint = \"http://127.0.0.1:{port}\"\n\
         authorization = \"Bearer collector\"\nflush_interval_ms = 500\nservice_name = \"mine\"\n"
    );
    let gateway = TestGateway::with_model(&model, &config).await;
    let run = gateway.openclaw(&["agent", "run", "-m", "hi"]).await;
    assert!(run.status.success(), "{run:?}");
    let (head, body) =
        tokio::time::timeout(LIMIT, collected(listener)).await.expect("traces are sent");
    assert!(head.starts_with("post /v1/traces "), "{head}");
    assert!(head.contains("authorization: bearer collector"), "{head}");
    let holds = |text: &str| body.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("mine") && holds("request"), "{} bytes", body.len());
}
