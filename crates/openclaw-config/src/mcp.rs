use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use openclaw_core::{AgentId, Secret};

use crate::ExecAsk;

/// `[mcp.servers.<name>]`: a server of the Model Context Protocol whose tools agents may call.
#[derive(Debug, Clone, PartialEq)]
pub struct McpServer {
    /// The name in the file: the middle of `mcp__<name>__<tool>`.
    pub name: String,
    /// Whether it is used.
    pub enabled: bool,
    /// How it is reached.
    pub transport: McpTransport,
    /// The time limit of a call, and of the start.
    pub timeout: Duration,
    /// Its tools that may be called, by their own names or globs.
    pub allow: Vec<String>,
    /// Its tools that may not; deny wins.
    pub deny: Vec<String>,
    /// Agents that may use it; empty is all.
    pub agents: Vec<AgentId>,
    /// When a call asks for approval.
    pub ask: ExecAsk,
    /// What it is answered when it asks the user for something.
    pub elicitation: McpElicitation,
}

/// What an MCP server is answered when it asks the user to fill in a form during a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum McpElicitation {
    /// No.
    #[default]
    Decline,
    /// The form's own defaults, where all that has to be filled in has one.
    Defaults,
}

/// How an MCP server is reached.
#[derive(Debug, Clone, PartialEq)]
pub enum McpTransport {
    /// A program that speaks over its standard streams.
    Stdio(McpProgram),
    /// Streamable HTTP.
    Http(McpEndpoint),
}

/// A program of the owner.
#[derive(Debug, Clone, PartialEq)]
pub struct McpProgram {
    /// The program, by path or to be found on the `PATH`.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its variables, besides the few that every program needs.
    pub env: BTreeMap<String, Secret>,
    /// The folder it starts in, absolute.
    pub cwd: Option<PathBuf>,
    /// Whether it runs in the sandbox of the default agent.
    pub sandbox: bool,
}

/// A server reached over HTTP.
#[derive(Debug, Clone, PartialEq)]
pub struct McpEndpoint {
    /// Its URL.
    pub url: String,
    /// Headers of every request, for this server alone.
    pub headers: BTreeMap<String, Secret>,
    /// The client id that its authorization server gave out beforehand; without it one is asked for.
    pub client_id: Option<String>,
    /// The secret of that client.
    pub client_secret: Option<Secret>,
    /// An https URL that describes this client, for authorization servers that take one as client id.
    pub client_metadata_url: Option<String>,
    /// Scopes to ask for; empty leaves them to the server.
    pub scopes: Vec<String>,
}

impl McpServer {
    /// Whether this agent may use it.
    pub fn serves(&self, agent: &AgentId) -> bool {
        self.enabled && (self.agents.is_empty() || self.agents.contains(agent))
    }
}
