use std::path::Path;
use std::time::Duration;

use openclaw_config::{Config, McpServer};
use serde::Serialize;
use tokio::time::Instant;

use super::foreign::{self, clean};
use super::{McpError, McpSession, Programs};

/// What a server says of itself when it is asked once.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Probe {
    /// Its own name, where it gives one.
    pub server: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The version of the protocol that it speaks.
    pub protocol: Option<String>,
    /// How long it took to start and to exchange the first messages.
    pub connect_ms: u64,
    /// How long it took to list its tools.
    pub list_ms: u64,
    /// The tools that can be offered.
    pub tools: Vec<ProbedTool>,
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProbedTool {
    /// Its own name.
    pub name: String,
    /// What models call it.
    pub offered_as: String,
    /// What it says of itself.
    pub description: String,
}

/// Starts or connects to a server, asks it for its tools, and ends it.
///
/// # Errors
/// Any [`McpError`] but `Paused` and `Gone`.
pub async fn probe(
    server: &McpServer,
    config: &Config,
    programs: Programs,
    state_dir: &Path,
) -> Result<Probe, McpError> {
    let began = Instant::now();
    let session = McpSession::open(server, config, programs, state_dir).await?;
    let connect_ms = milliseconds(began.elapsed());
    let began = Instant::now();
    let listed = session.list().await;
    let list_ms = milliseconds(began.elapsed());
    let about = session.about();
    session.close().await;
    let implementation = about.as_ref().and_then(|about| about.server_info.as_ref());
    let tools = foreign::tools(&server.name, listed?).into_iter().map(|tool| ProbedTool {
        name: clean(&tool.name),
        offered_as: tool.offered_as,
        description: tool.description,
    });
    Ok(Probe {
        server: implementation.map(|server| clean(&server.name)),
        version: implementation.map(|server| clean(&server.version)),
        protocol: about.as_ref().map(|about| about.protocol_version.to_string()),
        connect_ms,
        list_ms,
        tools: tools.collect(),
    })
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
