//! One HTTP request per connection, as plain as it can be.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct HttpAnswer {
    /// The status.
    pub(crate) status: u16,
    /// The body; null where there is none or it is no JSON.
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) text: String,
    /// The headers as they came.
    pub(crate) head: String,
}

pub(super) async fn get(port: u16, path: &str) -> io::Result<HttpAnswer> {
    exchange(
        port,
        &format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n"),
    )
    .await
}

pub(super) async fn post(
    port: u16,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> io::Result<HttpAnswer> {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let credential: Vec<_> = bearer.iter().map(|it| ("authorization", it.as_str())).collect();
    post_with(port, path, &credential, body).await
}

pub(super) async fn post_with(
    port: u16,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<HttpAnswer> {
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    exchange(port, &request).await
}

pub(super) async fn get_with(
    port: u16,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<HttpAnswer> {
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    exchange(
        port,
        &format!(
            "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n{headers}\r\n"
        ),
    )
    .await
}

async fn exchange(port: u16, request: &str) -> io::Result<HttpAnswer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let bad = || io::Error::new(io::ErrorKind::InvalidData, "this is no HTTP answer");
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(bad)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(bad)?;
    Ok(HttpAnswer {
        status,
        body: serde_json::from_str(body).unwrap_or_default(),
        text: body.to_owned(),
        head: head.to_lowercase(),
    })
}
