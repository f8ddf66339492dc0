use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use openclaw_core::{AgentId, CallId, SessionKey, ToolName};
use openclaw_media::{AddressRules, Fetcher};
use openclaw_tools::{ToolCall, ToolContext, ToolError, ToolPolicy, ToolRegistry};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Answers every request on a port with the same bytes, and keeps what was asked.
pub(crate) struct Page {
    pub(crate) address: SocketAddr,
    pub(crate) asked: Arc<std::sync::Mutex<Vec<String>>>,
    _tasks: TaskTracker,
}

impl Page {
    pub(crate) async fn serve(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let mut answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        )
        .into_bytes();
        answer.extend(body);
        Self::answering(answer).await
    }

    pub(crate) async fn redirect(to: &str) -> Self {
        let answer = format!(
            "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        Self::answering(answer.into_bytes()).await
    }

    async fn answering(answer: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("bound");
        let (tasks, asked) = (TaskTracker::new(), Arc::new(std::sync::Mutex::new(Vec::new())));
        let kept = asked.clone();
        tasks.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => break,
                    }
                }
                kept.lock().expect("free").push(String::from_utf8_lossy(&head).into_owned());
                stream.write_all(&answer).await.expect("written");
                stream.shutdown().await.expect("closed");
            }
        });
        Self { address, asked, _tasks: tasks }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/page", self.address)
    }
}

/// A client that may reach this machine beside public addresses.
pub(crate) fn local_fetcher() -> Fetcher {
    provide_tls();
    let rules = AddressRules::public_only().allowing(IpAddr::V4(Ipv4Addr::LOCALHOST));
    Fetcher::builder().rules(rules).build().expect("TLS is set up")
}

pub(crate) fn provide_tls() {
    // Another test may have been first.
    drop(rustls::crypto::ring::default_provider().install_default());
}

pub(crate) async fn call(
    registry: &ToolRegistry,
    name: &str,
    arguments: Value,
) -> Result<String, ToolError> {
    let context = ToolContext {
        agent_id: AgentId::main(),
        session_key: SessionKey::main(&AgentId::main()),
        run_id: None,
        workspace: "/nowhere".into(),
        commands: Arc::default(),
        cancel: CancellationToken::new(),
        output: Arc::new(|_| {}),
    };
    let call = ToolCall {
        call_id: CallId::new("call-1").expect("valid"),
        name: ToolName::new(name).expect("valid"),
        arguments,
    };
    Ok(registry.call(&ToolPolicy::allow_all(), call, context).await?.text)
}
