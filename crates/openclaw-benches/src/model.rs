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
    let answers = Arc::new(Answers { words: answer(), reads: reads() });
    let (connections, noted) = (tasks.clone(), seen.clone());
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(converse(stream, noted.clone(), answers.clone()));
        }
    });
    Ok((port, seen))
}

/// The file that the model reads, and the message on which it does, twenty times at once.
pub const NOTE: &str = "note.txt";
/// See [`NOTE`].
pub const READ_ALL: &str = "read it twenty times";

struct Answers {
    words: Vec<u8>,
    reads: Vec<u8>,
}

impl Answers {
    fn to(&self, body: &[u8]) -> &[u8] {
        let has = |words: &str| body.windows(words.len()).any(|window| window == words.as_bytes());
        if has(READ_ALL) && !has("\"role\":\"tool\"") { &self.reads } else { &self.words }
    }
}

async fn converse(mut stream: TcpStream, seen: Arc<Seen>, answers: Arc<Answers>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut buffer = Vec::with_capacity(64 << 10);
    loop {
        let Some(body) = read_request(&mut stream, &mut buffer).await else { return };
        if seen.requests.fetch_add(1, Ordering::Relaxed) == 0 {
            seen.first_bytes.store(body.len(), Ordering::Relaxed);
        }
        seen.arrivals.lock().expect("no panic while arrivals are held").push(Instant::now());
        if stream.write_all(answers.to(&body)).await.is_err() {
            return;
        }
    }
}

/// Reads one request and gives its body; `None` at the end of the connection.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    loop {
        if let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
            let length: usize = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .and_then(|value| value.trim().parse().ok())
                .unwrap_or(0);
            if buffer.len() >= head + 4 + length {
                let rest = buffer.split_off(head + 4 + length);
                let mut whole = std::mem::replace(buffer, rest);
                return Some(whole.split_off(head + 4));
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

fn chunk(delta: &str, finish: &str) -> String {
    format!(
        "data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"mock-1\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
    )
}

fn answer() -> Vec<u8> {
    let words = (0..20).map(|n| chunk(&format!("{{\"content\":\"word{n} \"}}"), "null"));
    stream(words, "\"stop\"")
}

/// Twenty calls of `read`.
fn reads() -> Vec<u8> {
    let calls = (0..20).map(|n| {
        let arguments = format!("{{\\\"path\\\":\\\"{NOTE}\\\",\\\"offset\\\":{}}}", n + 1);
        let call = format!(
            "{{\"tool_calls\":[{{\"index\":{n},\"id\":\"call_{n}\",\"type\":\"function\",\"function\":{{\"name\":\"read\",\"arguments\":\"{arguments}\"}}}}]}}"
        );
        chunk(&call, "null")
    });
    stream(calls, "\"tool_calls\"")
}

fn stream(parts: impl Iterator<Item = String>, finish: &str) -> Vec<u8> {
    let mut events = vec![chunk("{\"role\":\"assistant\",\"content\":\"\"}", "null")];
    events.extend(parts);
    events.push(chunk("{}", finish));
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
