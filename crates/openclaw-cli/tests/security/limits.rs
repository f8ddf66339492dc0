//! 11 and 12: what holds before anybody has signed in, and against those who do not read.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::raw::{call, request, send};
use crate::support::{LIMIT, TOKEN, TestGateway};

async fn connect(gateway: &TestGateway) -> TcpStream {
    TcpStream::connect(("127.0.0.1", gateway.port())).await.expect("it can be connected to")
}

/// A WebSocket, opened by hand.
async fn upgraded(gateway: &TestGateway, bearer: Option<&str>) -> TcpStream {
    let mut stream = connect(gateway).await;
    let credential =
        bearer.map(|bearer| format!("Authorization: Bearer {bearer}\r\n")).unwrap_or_default();
    let head = format!(
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n{credential}\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("it is taken");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.expect("an answer"));
    }
    let answer = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 101"), "{answer}");
    assert!(!answer.contains("sec-websocket-extensions"), "nothing is inflated: {answer}");
    stream
}

/// Whether the gateway ends a connection within so long; what it says before is read.
async fn ends_within(stream: &mut TcpStream, limit: Duration) -> bool {
    let mut sink = [0; 4096];
    let ending = async { while matches!(stream.read(&mut sink).await, Ok(some) if some > 0) {} };
    timeout(limit, ending).await.is_ok()
}

#[tokio::test]
async fn s11_slow_heads_are_cut_off() {
    let gateway = TestGateway::with_config("").await;
    let mut silent = connect(&gateway).await;
    let mut slow = connect(&gateway).await;
    let started = Instant::now();
    let dripping = async {
        for byte in b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ".iter().cycle() {
            if slow.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    let limit = Duration::from_secs(20);
    let (silent_ended, dripped) =
        tokio::join!(ends_within(&mut silent, limit), timeout(limit, dripping));
    assert!(silent_ended, "a connection that says nothing is closed");
    assert!(dripped.is_ok(), "one that says a byte now and then is closed");
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}

#[tokio::test]
async fn s11_heads_and_bodies_are_bounded() {
    let gateway = TestGateway::with_config("").await;
    let long = format!("X-Long: {}", "x".repeat(70 << 10));
    let answer = send(
        &gateway,
        format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{long}\r\n\r\n").as_bytes(),
    )
    .await;
    assert!(answer.is_none_or(|answer| answer.status == 431));
    let many: String = (0..200).map(|at| format!("X-{at}: y\r\n")).collect();
    let answer =
        send(&gateway, format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{many}\r\n").as_bytes())
            .await;
    assert!(answer.is_none_or(|answer| answer.status == 431));

    let declared = "POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1073741824\r\nConnection: close\r\n\r\n";
    let answer = send(&gateway, declared.as_bytes()).await.expect("an answer before the body");
    assert_eq!((answer.status, answer.code()), (413, Some(-32009)));
    let large = request(&gateway, "POST /rpc", &[], &"x".repeat((64 << 10) + 1)).await;
    assert_eq!(large.status, 413);
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let known = request(&gateway, "POST /rpc", &[&bearer], &"x".repeat((64 << 10) + 1)).await;
    assert_eq!(known.code(), Some(-32700), "who has signed in may send more");
}

#[tokio::test]
async fn s11_a_frame_of_a_gibibyte_costs_nothing() {
    let gateway = TestGateway::with_config("").await;
    let before = memory(&gateway).await;
    let mut sockets = Vec::new();
    for bearer in [None, Some(TOKEN)] {
        for _ in 0..20 {
            let mut stream = upgraded(&gateway, bearer).await;
            let mut head = vec![0x81, 0xff];
            head.extend((1_u64 << 30).to_be_bytes());
            head.extend([0; 4]);
            head.extend([b'x'; 1024]);
            stream.write_all(&head).await.expect("it is taken");
            sockets.push(stream);
        }
    }
    for stream in &mut sockets {
        assert!(ends_within(stream, Duration::from_secs(5)).await, "the frame is refused at once");
    }
    let grown = memory(&gateway).await.saturating_sub(before);
    assert!(grown < 16 << 20, "it grew by {grown} bytes");
}

#[tokio::test]
async fn s11_a_compressed_body_is_not_inflated() {
    let gateway = TestGateway::with_config("").await;
    let before = memory(&gateway).await;
    // A gzip of zeros: a thousand to one, were it inflated.
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    bomb.extend([0xec, 0xc1, 1, 1]);
    bomb.resize(60 << 10, 0);
    for _ in 0..20 {
        let mut bytes = format!(
            "POST /rpc HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            bomb.len()
        )
        .into_bytes();
        bytes.extend(&bomb);
        let answer = send(&gateway, &bytes).await.expect("an answer");
        assert!(matches!(answer.status, 400 | 415), "{answer:?}");
    }
    assert!(memory(&gateway).await.saturating_sub(before) < 16 << 20);
}

#[tokio::test]
async fn s11_a_stranger_may_say_only_so_much() {
    let gateway = TestGateway::with_config("").await;
    let mut stream = upgraded(&gateway, None).await;
    let flooding = async {
        loop {
            // An empty ping.
            if stream.write_all(&[0x89, 0x80, 0, 0, 0, 0]).await.is_err() {
                return;
            }
        }
    };
    assert!(timeout(Duration::from_secs(5), flooding).await.is_ok(), "the flood is cut off");
    let mut idle = upgraded(&gateway, None).await;
    assert!(ends_within(&mut idle, Duration::from_secs(15)).await, "who never signs in must go");
}

#[tokio::test]
async fn s12_a_client_that_never_reads_is_dropped_and_memory_stays_flat() {
    let gateway = TestGateway::with_config("[gateway.rate_limit]\nrequests_per_second = 0\n").await;
    let before = memory(&gateway).await;
    let ask = json!({"jsonrpc": "2.0", "id": 1, "method": "rpc.discover"}).to_string();
    let mut readers = Vec::new();
    for _ in 0..8 {
        let mut stream = upgraded(&gateway, Some(TOKEN)).await;
        let frame = text_frame(&ask);
        let asking = async move {
            loop {
                if stream.write_all(&frame).await.is_err() {
                    return;
                }
            }
        };
        readers.push(timeout(LIMIT, asking));
    }
    // Some write until they are closed, others until nothing more is taken; all must end.
    let mut most = 0;
    let watching = async {
        for _ in 0..20 {
            most = memory(&gateway).await.max(most);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let (ended, ()) = tokio::join!(futures_util::future::join_all(readers), watching);
    assert!(ended.iter().all(Result::is_ok), "they are dropped");
    let grown = most.saturating_sub(before);
    assert!(grown < 64 << 20, "memory grew by {grown} bytes");
}

/// A text in one masked frame.
fn text_frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("a short text");
    assert!(length < 126);
    let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
    frame.extend(text.as_bytes());
    frame
}

/// What the gateway says of its own memory.
async fn memory(gateway: &TestGateway) -> u64 {
    let status = call(gateway, Some(TOKEN), "gateway.status", json!({})).await.json();
    status["result"]["rss_bytes"].as_u64().expect("Linux tells it")
}
