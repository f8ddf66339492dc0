//! Requests as they are on the wire, headers and all.

use std::collections::BTreeMap;
use std::time::Duration;

use openclaw_client::{Client, Endpoint, Events, Trust, connect_websocket};
use openclaw_core::Secret;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{LIMIT, TestGateway};

/// An answer with its headers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub(crate) fn code(&self) -> Option<i64> {
        self.json()["error"]["code"].as_i64()
    }
}

/// Sends one request; `Host` is the gateway's own unless it is among the headers.
pub(crate) async fn request(
    gateway: &TestGateway,
    line: &str,
    headers: &[&str],
    body: &str,
) -> Answer {
    let host = format!("Host: 127.0.0.1:{}", gateway.port());
    let has_host = headers.iter().any(|line| line.starts_with("Host:"));
    let lines =
        has_host.then_some(&*host).xor(Some(&*host)).into_iter().chain(headers.iter().copied());
    let head: String = lines.map(|line| format!("{line}\r\n")).collect();
    let request = format!(
        "{line} HTTP/1.1\r\n{head}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    send(gateway, request.as_bytes()).await.expect("an answer")
}

/// Sends bytes and reads until the connection ends; `None` where nothing came.
pub(crate) async fn send(gateway: &TestGateway, bytes: &[u8]) -> Option<Answer> {
    let mut stream =
        TcpStream::connect(("127.0.0.1", gateway.port())).await.expect("it can be connected to");
    // The gateway may answer and close before all was taken.
    let written = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = timeout(LIMIT, stream.read_to_end(&mut answer)).await.expect("it ends in time");
    if answer.is_empty() {
        assert!(written.is_err() || read.is_err() || read.is_ok());
        return None;
    }
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Some(Answer { status, headers, body: body.to_owned() })
}

/// A call over HTTP with this bearer.
pub(crate) async fn call(
    gateway: &TestGateway,
    bearer: Option<&str>,
    method: &str,
    params: Value,
) -> Answer {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let header = bearer.map(|bearer| format!("Authorization: Bearer {bearer}"));
    let headers: Vec<&str> = header.as_deref().into_iter().collect();
    request(gateway, "POST /rpc", &headers, &body).await
}

/// A socket, or the status of the refusal.
pub(crate) async fn socket(
    gateway: &TestGateway,
    bearer: &str,
) -> Result<(Client, Events), String> {
    let endpoint = Endpoint {
        address: format!("127.0.0.1:{}", gateway.port()),
        token: Some(Secret::new(bearer)),
        trust: Trust::Plain,
    };
    match connect_websocket(&endpoint).await {
        Ok(transport) => Ok(Client::start(transport)),
        Err(error) => Err(error.to_string()),
    }
}

/// Waits until the gateway has ended a socket; whether that was in time.
pub(crate) async fn ends_within(events: &mut Events, limit: Duration) -> bool {
    timeout(limit, async { while events.next().await.is_some() {} }).await.is_ok()
}
