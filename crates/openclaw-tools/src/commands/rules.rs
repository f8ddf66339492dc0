use std::path::PathBuf;
use std::time::Duration;

use openclaw_config::{
    AgentSettings, Config, DockerSettings, EgressCredential, ExecAsk, SandboxEngine,
};
use openclaw_core::{SandboxMode, SessionKey};

use crate::sandbox::{GrantedPath, Limits};

/// How commands of one session run: from the configuration that its turn began with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRules {
    /// Whether in the sandbox.
    pub sandboxed: bool,
    /// The longest a command may run.
    pub timeout: Duration,
    /// When a command asks for approval.
    pub ask: ExecAsk,
    /// Which sandbox.
    pub engine: SandboxEngine,
    /// How containers are made, for the engine that makes some.
    pub docker: DockerSettings,
    /// Hosts that commands in the sandbox may reach.
    pub hosts: Vec<String>,
    /// Hosts that they may reach with a credential that they do not see.
    pub credentials: Vec<EgressCredential>,
    /// Paths of the host that the sandbox shows.
    pub paths: Vec<GrantedPath>,
    /// Paths that the sandbox must not show.
    pub hidden: Vec<PathBuf>,
    /// What a command may take.
    pub limits: Limits,
}

impl Default for CommandRules {
    /// The strictest: in the sandbox, with nothing granted.
    fn default() -> Self {
        Self {
            sandboxed: true,
            timeout: Duration::from_secs(300),
            ask: ExecAsk::OnMiss,
            engine: SandboxEngine::default(),
            docker: DockerSettings::default(),
            hosts: Vec::new(),
            credentials: Vec::new(),
            paths: Vec::new(),
            hidden: Vec::new(),
            limits: Limits::default(),
        }
    }
}

impl CommandRules {
    /// The rules of a session of this agent; `mode` is the session's own setting.
    pub fn new(
        config: &Config,
        agent: &AgentSettings,
        mode: Option<SandboxMode>,
        key: &SessionKey,
    ) -> Self {
        let sandboxed = match mode.unwrap_or(agent.sandbox.mode) {
            SandboxMode::Always => true,
            SandboxMode::NonMain => *key != SessionKey::main(&agent.id),
            SandboxMode::Never => false,
        };
        let mut hidden = vec![config.state_dir.clone()];
        hidden.extend(config.file.clone());
        let own = agent.tools.as_ref().map(|tools| tools.exec_ask);
        let settings = &agent.sandbox;
        // Outside the sandbox nothing is granted: everything is there.
        let paths = settings
            .paths
            .iter()
            .filter(|_| sandboxed)
            .map(|granted| GrantedPath { path: granted.path.clone(), writable: granted.writable });
        Self {
            sandboxed,
            timeout: settings.timeout,
            ask: own.unwrap_or(config.tools.exec_ask),
            engine: settings.engine,
            docker: settings.docker.clone(),
            hosts: if sandboxed { settings.allow_hosts.clone() } else { Vec::new() },
            credentials: if sandboxed { settings.egress.clone() } else { Vec::new() },
            paths: paths.collect(),
            hidden,
            limits: Limits {
                memory_bytes: settings.memory_mb * 1024 * 1024,
                processes: settings.max_processes,
                cpus: settings.cpus,
                ..Limits::default()
            },
        }
    }

    /// These rules where `other` hold as well: of each, what is stricter. Where `other` asks for a
    /// sandbox, it is that one's.
    #[must_use]
    pub fn within(self, other: &Self) -> Self {
        let Self {
            sandboxed,
            timeout,
            ask,
            engine,
            docker,
            hosts,
            credentials,
            paths,
            mut hidden,
            limits,
        } = self;
        let (hosts, credentials, paths) = match (sandboxed, other.sandboxed) {
            (true, true) => (
                hosts.into_iter().filter(|host| other.hosts.contains(host)).collect(),
                credentials.into_iter().filter(|own| other.credentials.contains(own)).collect(),
                paths.iter().filter_map(|granted| within_paths(granted, &other.paths)).collect(),
            ),
            // Outside the sandbox nothing is granted, because everything is there.
            (true, false) => (hosts, credentials, paths),
            (false, _) => (other.hosts.clone(), other.credentials.clone(), other.paths.clone()),
        };
        let (engine, docker) = match other.sandboxed {
            true => (other.engine, other.docker.clone()),
            false => (engine, docker),
        };
        for path in &other.hidden {
            if !hidden.contains(path) {
                hidden.push(path.clone());
            }
        }
        Self {
            sandboxed: sandboxed || other.sandboxed,
            timeout: timeout.min(other.timeout),
            ask: stricter(ask, other.ask),
            engine,
            docker,
            hosts,
            credentials,
            paths,
            hidden,
            limits: limits.within(&other.limits),
        }
    }
}

/// A path as far as it is granted among these too.
fn within_paths(granted: &GrantedPath, others: &[GrantedPath]) -> Option<GrantedPath> {
    let other = others.iter().find(|other| other.path == granted.path)?;
    let writable = granted.writable && other.writable;
    Some(GrantedPath { path: granted.path.clone(), writable })
}

fn stricter(one: ExecAsk, other: ExecAsk) -> ExecAsk {
    match (one, other) {
        (ExecAsk::Always, _) | (_, ExecAsk::Always) => ExecAsk::Always,
        (ExecAsk::OnMiss, _) | (_, ExecAsk::OnMiss) => ExecAsk::OnMiss,
        (ExecAsk::Off, ExecAsk::Off) => ExecAsk::Off,
    }
}
