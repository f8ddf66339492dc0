use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use openclaw_config::{McpServer, McpTransport};
use rmcp::model::{CallToolRequestParams, CallToolResult, ServerPeerInfo, Tool};
use rmcp::service::{Peer, RunningService};
use rmcp::{RoleClient, ServiceExt as _};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::DropGuard;
use tokio_util::task::TaskTracker;

use super::handler::Handler;
use super::program::{Place, Program, ProgramHandle, Programs};
use super::{CredentialFile, McpError, endpoint, listing};

/// How long saying goodbye may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// What connections are made with.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    pub(super) programs: Programs,
    pub(super) state_dir: PathBuf,
    pub(super) tasks: TaskTracker,
}

/// A server that answers.
#[derive(Debug)]
pub(super) struct Connection {
    server: String,
    /// Its URL, whose query is kept out of messages.
    url: String,
    peer: Peer<RoleClient>,
    service: Mutex<Option<RunningService<RoleClient, Handler>>>,
    program: Option<ProgramHandle>,
    /// A connection that nobody closed ends its program all the same.
    _guard: Option<DropGuard>,
    limit: Duration,
    /// When it was connected to.
    pub(super) since: Instant,
}

impl Connector {
    /// Starts or connects to a server, and exchanges the first messages.
    pub(super) async fn connect(
        &self,
        server: &McpServer,
        place: &Place,
        changed: Arc<dyn Fn() + Send + Sync>,
    ) -> Result<Connection, McpError> {
        let limit = server.timeout;
        let late = || McpError::TimedOut { what: "start", seconds: limit.as_secs() };
        let handler = Handler::new(server.elicitation, changed);
        let (service, program, guard, url) = match &server.transport {
            McpTransport::Stdio(program) => {
                let started =
                    self.programs.start(&server.name, program, place, &self.tasks).await?;
                let Program { output, input, handle, guard } = started;
                let serving = handler.serve((output, input));
                let served = match tokio::time::timeout(limit, serving).await {
                    Ok(served) => {
                        served.map_err(|error| McpError::of_start(&server.name, &error, ""))
                    }
                    Err(_) => Err(late()),
                };
                match served {
                    Ok(service) => (service, Some(handle), Some(guard), String::new()),
                    Err(error) => {
                        handle.end().await;
                        return Err(with_errors(error, &handle));
                    }
                }
            }
            McpTransport::Http(endpoint) => {
                let file = CredentialFile::new(&self.state_dir, &server.name);
                let connecting = endpoint::connect(&server.name, endpoint, &file, handler);
                let service =
                    tokio::time::timeout(limit, connecting).await.map_err(|_| late())??;
                (service, None, None, endpoint.url.clone())
            }
        };
        Ok(Connection {
            server: server.name.clone(),
            url,
            peer: service.peer().clone(),
            service: Mutex::new(Some(service)),
            program,
            _guard: guard,
            limit,
            since: Instant::now(),
        })
    }
}

/// What a program said last tells most about why it failed.
fn with_errors(error: McpError, program: &ProgramHandle) -> McpError {
    let said = program.last_errors();
    match error {
        McpError::Connect(text) if !said.is_empty() => {
            McpError::Connect(format!("{text}; it wrote: {said}"))
        }
        other => other,
    }
}

impl Connection {
    /// Whether the other side is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.peer.is_transport_closed()
    }

    /// What it says of itself.
    pub(super) fn about(&self) -> Option<Arc<ServerPeerInfo>> {
        self.peer.peer_info()
    }

    pub(super) async fn list(&self) -> Result<Vec<Tool>, McpError> {
        listing::list(&self.server, &self.peer, self.limit, &self.url).await
    }

    /// Calls a tool. Dropping this tells the server that nobody waits any more.
    pub(super) async fn call(
        &self,
        name: &str,
        arguments: Map<String, Value>,
    ) -> Result<CallToolResult, McpError> {
        let params = CallToolRequestParams::new(name.to_owned()).with_arguments(arguments);
        match tokio::time::timeout(self.limit, self.peer.call_tool(params)).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(error)) => Err(McpError::of_call(&self.server, &error, &self.url)),
            Err(_) => Err(McpError::TimedOut { what: "answer", seconds: self.limit.as_secs() }),
        }
    }

    /// Says goodbye and ends the program.
    pub(super) async fn close(&self) {
        if let Some(mut service) = self.service.lock().await.take()
            && let Err(error) = service.close_with_timeout(CLOSE_LIMIT).await
        {
            tracing::debug!(server = self.server, %error, "a connection to an MCP server broke");
        }
        if let Some(program) = &self.program {
            program.end().await;
        }
    }
}
