use std::convert::Infallible;
use std::fmt::Display;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;

use super::{McpServer, Offerings};

/// Whether clients have sessions, in which the server can speak first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionKeeping {
    /// Every request stands alone and is answered with JSON.
    Stateless,
    /// A client has a session, and streams that it can take up again.
    Sessions,
}

/// Who checks Host and Origin of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostCheck {
    /// Whoever listens, before.
    Before,
    /// The door itself: only names of this machine.
    Loopback,
}

/// The protocol over HTTP.
#[derive(Clone)]
pub struct McpDoor {
    service: StreamableHttpService<McpServer, LocalSessionManager>,
}

impl std::fmt::Debug for McpDoor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("McpDoor").finish_non_exhaustive()
    }
}

impl McpDoor {
    /// For these offerings, until `stop`; bodies are at most `largest_body` bytes.
    pub fn new(
        offerings: Offerings,
        sessions: SessionKeeping,
        hosts: HostCheck,
        largest_body: usize,
        stop: CancellationToken,
    ) -> Self {
        let config = StreamableHttpServerConfig::default();
        let config = match hosts {
            HostCheck::Before => config.disable_allowed_hosts().disable_allowed_origins(),
            HostCheck::Loopback => {
                let local = ["localhost", "127.0.0.1", "[::1]"];
                config.with_allowed_origins(local.map(|host| format!("http://{host}:*")))
            }
        };
        let config = config
            .with_legacy_session_mode(sessions == SessionKeeping::Sessions)
            .with_json_response(sessions == SessionKeeping::Stateless)
            .with_max_request_body_bytes(largest_body)
            .with_cancellation_token(stop);
        let server = McpServer::new(offerings);
        let service = StreamableHttpService::new(
            move || Ok(server.clone()),
            Arc::new(LocalSessionManager::default()),
            config,
        );
        Self { service }
    }

    /// Answers one request.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<BoxBody<Bytes, Infallible>>
    where
        B: http_body::Body + Send + 'static,
        B::Error: Display,
    {
        self.service.handle(request).await
    }
}
