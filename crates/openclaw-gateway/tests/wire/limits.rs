use std::time::Duration;

use openclaw_gateway::server::ServerLimits;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::{Brought, PATIENCE, Reply, TOKEN, TestGateway, code, request};
use futures_util::{SinkExt as _, StreamExt as _};

const SHORT: Duration = Duration::from_millis(300);

fn short() -> ServerLimits {
    ServerLimits { head: SHORT, small_body: SHORT, sign_in: SHORT, ..ServerLimits::default() }
}

async fn is_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("closed in time");
    // A reset is an end too.
    drop(ended);
    rest
}

#[tokio::test]
async fn a_peer_that_is_slow_with_its_request_is_closed() {
    let gateway = TestGateway::with("", short()).await;
    let mut silent = gateway.connect().await;
    let mut half = gateway.connect().await;
    half.write_all(b"POST /rpc HTTP/1.1\r\nHost: loc").await.expect("sends");
    let mut idle = gateway.connect().await;
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("sends");
    let mut slow_body = gateway.connect().await;
    slow_body
        .write_all(b"POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        .await
        .expect("sends");
    assert!(is_closed(&mut silent).await.is_empty());
    assert!(is_closed(&mut half).await.is_empty());
    assert!(is_closed(&mut idle).await.starts_with(b"HTTP/1.1 200"));
    assert!(is_closed(&mut slow_body).await.starts_with(b"HTTP/1.1 408"));
}

#[tokio::test]
async fn heads_have_a_limit() {
    let gateway = TestGateway::start().await;
    let long = format!("X-Long: {}", "x".repeat(70 << 10));
    let mut stream = gateway.connect().await;
    let text = request("GET /health", &["Host: localhost", &long], "");
    let (mut read, mut write) = stream.split();
    let mut answer = Vec::new();
    // The peer may be cut off while it still sends.
    let (_, _) = tokio::join!(async { drop(write.write_all(text.as_bytes()).await) }, async {
        drop(timeout(PATIENCE, read.read_to_end(&mut answer)).await.expect("ends"))
    });
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let many: Vec<String> = (0..70).map(|number| format!("X-{number}: 1")).collect();
    let mut headers: Vec<&str> = many.iter().map(String::as_str).collect();
    headers.push("Host: localhost");
    assert_eq!(gateway.http("GET /health", &headers, "").await.status, 431);
}

#[tokio::test]
async fn bodies_have_a_small_limit_before_sign_in_and_a_large_one_after() {
    let gateway = TestGateway::start().await;
    let padded = |bytes: usize| {
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        format!("{call}{}", " ".repeat(bytes - call.len()))
    };
    let anonymous = async |body: &str| gateway.http("POST /rpc", &["Host: localhost"], body).await;
    assert_eq!(anonymous(&padded(64 << 10)).await.status, 200);
    let refused = anonymous(&padded((64 << 10) + 1)).await;
    assert_eq!((refused.status, refused.error_code()), (413, -32009));
    assert_eq!(gateway.post(&padded((64 << 10) + 1)).await.status, 200);
    assert_eq!(gateway.post(&padded(3 << 20)).await.status, 200);

    let bearer = format!("Authorization: Bearer {TOKEN}");
    let head = format!(
        "POST /rpc HTTP/1.1\r\nHost: localhost\r\n{bearer}\r\nContent-Length: 26214401\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(gateway.raw(head.as_bytes()).await.status, 413);

    // Without a declared length it is found out on the way.
    let mut stream = gateway.connect().await;
    let head = "POST /rpc HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let chunk = format!("10001\r\n{}\r\n0\r\n\r\n", " ".repeat(65_537));
    stream.write_all(format!("{head}{chunk}").as_bytes()).await.expect("sends");
    assert_eq!(Reply::read(&mut stream).await.status, 413);
}

#[tokio::test]
async fn what_all_receive_together_is_bounded() {
    let limits = ServerLimits { bytes_together: 1 << 20, ..ServerLimits::default() };
    let gateway = TestGateway::with("", limits).await;
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let mut first = gateway.connect().await;
    let head = format!(
        "POST /rpc HTTP/1.1\r\nHost: localhost\r\n{bearer}\r\nContent-Length: 900000\r\nConnection: close\r\n\r\n"
    );
    first.write_all(format!("{head}{{").as_bytes()).await.expect("sends");

    let call = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let large = format!("{call}{}", " ".repeat(200_000));
    let second = loop {
        // The first may not have been read yet.
        let reply = gateway.post(&large).await;
        if reply.status != 200 {
            break reply;
        }
    };
    assert_eq!((second.status, second.error_code()), (503, -32006));
    assert_eq!(gateway.post(call).await.status, 200);

    let mut socket = gateway.socket().await;
    assert!(socket.call("ping", json!({})).await.is_ok());
    socket.say(&large).await;
    match socket.next().await {
        Brought::Text(text) => assert_eq!(text["error"]["code"], -32006),
        other => panic!("{other:?}"),
    }
    assert_eq!(socket.end().await, Some(CloseCode::Again));

    drop(first);
    let mut socket = gateway.socket().await;
    loop {
        // The end of the first is noticed in a moment.
        let reply = gateway.post(&large).await;
        if reply.status == 200 {
            break;
        }
    }
    socket.say(&large).await;
    match socket.next().await {
        Brought::Text(text) => assert_eq!(text["result"]["pong"], true),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_so() {
    let gateway = TestGateway::with("max_connections = 2\n", ServerLimits::default()).await;
    let _one = gateway.socket().await;
    let mut two = gateway.connect().await;
    two.write_all(b"GET /hea").await.expect("sends");
    // The first two are counted once they are accepted.
    while gateway.state.server.connections() < 2 {
        tokio::task::yield_now().await;
    }
    let reply = gateway.http("GET /health", &["Host: localhost"], "").await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.headers.get("x-content-type-options").map(String::as_str), Some("nosniff"));
    drop(two);
    while gateway.state.server.connections() > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(gateway.http("GET /health", &["Host: localhost"], "").await.status, 200);
}

#[tokio::test]
async fn who_does_not_sign_in_in_time_is_closed() {
    let gateway = TestGateway::with("", short()).await;
    let mut socket = gateway.anonymous().await;
    assert!(socket.call("ping", json!({})).await.is_ok());
    assert_eq!(code(socket.call("session.list", json!({})).await), -32001);
    assert_eq!(socket.end().await, Some(CloseCode::Policy));

    let mut signed_in = gateway.anonymous().await;
    signed_in.call("authenticate", json!({"token": TOKEN})).await.expect("signs in");
    let until = Instant::now() + 2 * SHORT;
    while Instant::now() < until {
        assert!(signed_in.call("ping", json!({})).await.is_ok());
    }
}

#[tokio::test]
async fn messages_have_limits_before_sign_in() {
    let gateway = TestGateway::start().await;
    let mut chatty = gateway.anonymous().await;
    for _ in 0..64 {
        chatty.socket.send(Message::Ping(bytes::Bytes::new())).await.expect("sends");
    }
    chatty.say(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).await;
    assert_eq!(chatty.end().await, Some(CloseCode::Policy));

    let mut large = gateway.anonymous().await;
    large.say(&format!("\"{}\"", "x".repeat(64 << 10))).await;
    match large.next().await {
        Brought::Text(text) => assert_eq!(text["error"]["code"], -32009),
        other => panic!("{other:?}"),
    }
    assert_eq!(large.end().await, Some(CloseCode::Size));

    let mut binary = gateway.anonymous().await;
    binary.socket.send(Message::Binary(bytes::Bytes::from_static(b"{}"))).await.expect("sends");
    assert_eq!(binary.end().await, Some(CloseCode::Unsupported));
}

#[tokio::test]
async fn a_gigabyte_is_refused_by_its_declaration() {
    let gateway = TestGateway::start().await;
    let socket = gateway.socket().await;
    let mut stream = socket.socket.into_inner();
    let mut head = vec![0x81, 0x80 | 127];
    head.extend((1_u64 << 30).to_be_bytes());
    head.extend([0; 4]);
    stream.write_all(&head).await.expect("sends");
    let answer = is_closed(&mut stream).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    assert!(text.contains("-32009"), "{text:?}");
}

#[tokio::test]
async fn signing_in_lifts_the_limit_for_what_was_sent_along() {
    let gateway = TestGateway::start().await;
    let mut socket = gateway.anonymous().await;
    let sign_in =
        json!({"jsonrpc": "2.0", "id": "in", "method": "authenticate", "params": {"token": TOKEN}});
    let padding = " ".repeat(300_000);
    let large = format!(r#"{{"jsonrpc":"2.0","id":"large","method":"ping"}}{padding}"#);
    // Both are on their way before the first is answered.
    socket.socket.feed(Message::text(sign_in.to_string())).await.expect("sends");
    socket.socket.flush().await.expect("sends");
    match socket.next().await {
        Brought::Text(text) => assert_eq!(text["id"], "in"),
        other => panic!("{other:?}"),
    }
    socket.socket.feed(Message::text(large)).await.expect("sends");
    let small = r#"{"jsonrpc":"2.0","id":"small","method":"ping"}"#;
    socket.socket.feed(Message::text(small)).await.expect("sends");
    socket.socket.flush().await.expect("sends");
    let mut answered = Vec::new();
    for _ in 0..2 {
        match socket.next().await {
            Brought::Text(text) => answered.push(text["id"].as_str().map(str::to_owned)),
            other => panic!("{other:?}"),
        }
    }
    answered.sort();
    assert_eq!(answered, [Some("large".to_owned()), Some("small".to_owned())]);
}

#[tokio::test]
async fn large_and_small_messages_in_any_order_are_all_answered() {
    let gateway = TestGateway::start().await;
    let mut socket = gateway.socket().await;
    let sizes = [0, 9_000, 10, 200_000, 0, 0, 70_000, 9_000, 5];
    let mut left: std::collections::BTreeSet<u64> = (1..=sizes.len() as u64).collect();
    for (id, size) in (1..).zip(sizes) {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}{}"#, " ".repeat(size));
        socket.socket.feed(Message::text(text)).await.expect("sends");
        socket.socket.feed(Message::Ping(bytes::Bytes::new())).await.expect("sends");
    }
    socket.socket.flush().await.expect("sends");
    while !left.is_empty() {
        match socket.next().await {
            Brought::Text(text) => assert!(left.remove(&text["id"].as_u64().expect("an id"))),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_credential_has_a_rate() {
    let config = "[gateway.rate_limit]\nrequests_per_second = 1\nburst = 3\n";
    let gateway = TestGateway::with(config, ServerLimits::default()).await;
    let mut socket = gateway.socket().await;
    for _ in 0..3 {
        assert!(socket.call("session.list", json!({})).await.is_ok());
    }
    let error = socket.call("session.list", json!({})).await.expect_err("limited");
    assert_eq!(error["code"], -32005);
    assert!((1..=1_000).contains(&error["data"]["retry_after_ms"].as_u64().expect("a pause")));
    // The credential's share, not the connection's.
    let reply = gateway.post(r#"{"jsonrpc":"2.0","id":1,"method":"session.list"}"#).await;
    assert_eq!((reply.status, reply.error_code()), (429, -32005));
    assert!(socket.call("ping", json!({})).await.is_ok());
}

#[tokio::test]
async fn a_socket_that_answers_no_pings_is_closed() {
    let limits = ServerLimits { ping_every: SHORT, ..ServerLimits::default() };
    let gateway = TestGateway::with("", limits).await;
    let mut lively = gateway.socket().await;
    let dead = gateway.socket().await;
    let mut stream = dead.socket.into_inner();
    let answering = async {
        // Reading is what answers pings.
        loop {
            let next = timeout(PATIENCE, lively.socket.next()).await.expect("pings come");
            assert!(matches!(next, Some(Ok(Message::Ping(_)))), "{next:?}");
        }
    };
    let answer = tokio::select! {
        answer = is_closed(&mut stream) => answer,
        () = answering => unreachable!("it ends with the other"),
    };
    assert_eq!(answer.iter().filter(|byte| **byte == 0x89).count(), 2, "{answer:?}");
    assert!(lively.call("ping", json!({})).await.is_ok());
}

#[tokio::test]
async fn waiting_calls_are_bounded_and_leave_room_for_others() {
    let limits = ServerLimits { calls: 2, waiting_calls: 3, ..ServerLimits::default() };
    let gateway = TestGateway::with("", limits).await;
    let mut socket = gateway.socket().await;
    socket.call("agent.run", json!({"message": "hi", "wait": true})).await.expect("runs");
    let wait = json!({"session_key": "agent:main:main", "after_seq": 1_000, "wait_ms": 50_000});
    let waiting = [
        socket.ask("message.receive", wait.clone()).await,
        socket.ask("message.receive", wait.clone()).await,
        socket.ask("message_receive", wait.clone()).await,
    ];
    assert_eq!(code(socket.call("message.receive", wait).await), -32006);
    for _ in 0..10 {
        assert!(socket.call("session.list", json!({})).await.is_ok());
    }
    gateway.state.shutdown.request();
    for id in waiting {
        assert_eq!(socket.answer_to(id).await.expect("none")["messages"], json!([]));
    }
}
