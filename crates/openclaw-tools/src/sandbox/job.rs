use std::path::PathBuf;

use openclaw_config::{DockerSettings, EgressCredential, SandboxEngine};

use super::Limits;

/// Where a workspace stands inside every sandbox.
pub const WORKSPACE: &str = "/workspace";

/// A command to start: exactly this program with exactly these arguments, no shell in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The program, by absolute path or to be found on the `PATH`, and its arguments.
    pub argv: Vec<String>,
    /// The folder it starts in, as it is called where the command runs.
    pub cwd: String,
    /// Variables besides those that every command has.
    pub env: Vec<(String, String)>,
    /// What its standard streams are.
    pub streams: Streams,
}

/// A command's standard streams. Output and errors are one stream, in the order they were written,
/// but where they are asked for apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Streams {
    /// There is nothing to read.
    #[default]
    OutputOnly,
    /// Input is written while it runs.
    Piped,
    /// Input is written while it runs, and errors are a stream of their own.
    Apart,
    /// A terminal.
    Terminal,
}

/// What a command may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The folder that stands at [`WORKSPACE`], writable.
    pub workspace: PathBuf,
    /// Folders and files that must not be seen, wherever they stand: the state folder.
    pub hidden: Vec<PathBuf>,
    /// Paths of the host that are visible at their own place.
    pub paths: Vec<GrantedPath>,
    /// Hosts that may be reached, as names or `*.name`; none is no network at all.
    pub hosts: Vec<String>,
    /// Hosts that may be reached with a credential that the proxy adds.
    pub credentials: Vec<EgressCredential>,
    /// Which engine is asked for.
    pub engine: SandboxEngine,
    /// How containers are made, for the engine that makes some.
    pub docker: DockerSettings,
    /// What it may take.
    pub limits: Limits,
}

/// A path of the host that a sandbox shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedPath {
    /// The path.
    pub path: PathBuf,
    /// Whether it may be written.
    pub writable: bool,
}

impl Room {
    /// A workspace and nothing else.
    pub fn new(workspace: impl Into<PathBuf>) -> Self {
        Self {
            workspace: workspace.into(),
            hidden: Vec::new(),
            paths: Vec::new(),
            hosts: Vec::new(),
            credentials: Vec::new(),
            engine: SandboxEngine::default(),
            docker: DockerSettings::default(),
            limits: Limits::default(),
        }
    }

    /// Whether there is no way out at all.
    pub fn reaches_nothing(&self) -> bool {
        self.hosts.is_empty() && self.credentials.is_empty()
    }
}
