//! A model that answers at once and costs next to nothing.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// What the model saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Requests.
    pub requests: AtomicU64,
    /// Bytes of the first request's body.
    pub first_bytes: AtomicUsize,
    /// When requests came, while `record` is on.
    pub arrivals: Mutex<Vec<Instant>>,
}

/// Serves OpenAI chat completions, streamed in 20 chunks, on a port of its own.
///
/// # Errors
/// When no port can be had.
pub async fn serve(tasks: &TaskTracker) -> Result<(u16, Arc<Seen>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    let seen = Arc::new(Seen::default());
    let answer: Arc<[u8]> = answer().into();
    let (connections, noted) = (tasks.clone(), seen.clone());
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(converse(stream, noted.clone(), answer.clone()));
        }
    });
    Ok((port, seen))
}

async fn converse(mut stream: TcpStream, seen: Arc<Seen>, answer: Arc<[u8]>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut buffer = Vec::with_capacity(64 << 10);
    loop {
        let Some(body) = read_request(&mut stream, &mut buffer).await else { return };
        if seen.requests.fetch_add(1, Ordering::Relaxed) == 0 {
            seen.first_bytes.store(body, Ordering::Relaxed);
        }
        seen.arrivals.lock().expect("no panic while arrivals are held").push(Instant::now());
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// Reads one request and gives the length of its body; `None` at the end of the connection.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<usize> {
    loop {
        if let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
            let length: usize = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .and_then(|value| value.trim().parse().ok())
                .unwrap_or(0);
            if buffer.len() >= head + 4 + length {
                buffer.drain(..head + 4 + length);
                return Some(length);
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

fn answer() -> Vec<u8> {
    let chunk = |delta: &str, finish: &str| {
        format!(
            "data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"mock-1\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let mut events = vec![chunk("{\"role\":\"assistant\",\"content\":\"\"}", "null")];
    events.extend((0..20).map(|n| chunk(&format!("{{\"content\":\"word{n} \"}}"), "null")));
    events.push(chunk("{}", "\"stop\""));
    events.push("data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"mock-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":20,\"total_tokens\":30}}\n\n".to_owned());
    events.push("data: [DONE]\n\n".to_owned());
    let mut bytes =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec();
    for event in events {
        bytes.extend_from_slice(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes());
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}
