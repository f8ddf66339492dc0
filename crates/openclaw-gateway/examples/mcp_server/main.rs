//! Our MCP server with what the protocol's own conformance suite expects to find. Prints its URL and
//! serves until it is killed.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a program for tests")]

mod fixtures;
mod tools;

use std::convert::Infallible;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use openclaw_gateway::mcp::{HostCheck, McpDoor, Offerings, SessionKeeping};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let offerings = Offerings {
        name: "openclaw-fixtures".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        instructions: None,
        tools: Arc::new(tools::Fixtures),
        resources: Some(Arc::new(fixtures::Pages)),
        prompts: Some(Arc::new(fixtures::Sayings)),
        completion: Some(Arc::new(fixtures::Guesses)),
        sends_logs: true,
    };
    let stop = CancellationToken::new();
    let door =
        McpDoor::new(offerings, SessionKeeping::Sessions, HostCheck::Loopback, 1 << 20, stop);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("http://{}/mcp", listener.local_addr()?);
    let tasks = TaskTracker::new();
    loop {
        let (stream, _) = listener.accept().await?;
        let door = door.clone();
        tasks.spawn(async move {
            let answer = service_fn(move |request| {
                let door = door.clone();
                async move { Ok::<_, Infallible>(door.answer(request).await) }
            });
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            if let Err(error) = served {
                eprintln!("a connection ended: {error}");
            }
        });
    }
}
