use std::path::{Path, PathBuf};

use openclaw_core::AgentId;

use crate::Environment;

/// The state folder and the names of what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatePaths {
    root: PathBuf,
}

impl StatePaths {
    /// A state folder at this absolute path.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// `$OPENCLAW_STATE_DIR`, else `~/.openclaw-rs`; where that folder holds the TypeScript
    /// version's `openclaw.json`, its subfolder `rs`.
    pub fn find(environment: &Environment) -> Self {
        let folder = match environment.var("OPENCLAW_STATE_DIR") {
            Some(path) => environment.current_dir().join(environment.expand_home(path)),
            None => environment.home().join(".openclaw-rs"),
        };
        if folder.join("openclaw.json").is_file() {
            Self { root: folder.join("rs") }
        } else {
            Self { root: folder }
        }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The configuration, where `$OPENCLAW_CONFIG` does not name another.
    pub fn config(&self) -> PathBuf {
        self.root.join("openclaw.toml")
    }

    /// The SQLite file.
    pub fn database(&self) -> PathBuf {
        self.root.join("openclaw.db")
    }

    /// What `openclaw login` keeps.
    pub fn login(&self) -> PathBuf {
        self.root.join("login.json")
    }

    /// The gateway token made at first start.
    pub fn gateway_token(&self) -> PathBuf {
        self.root.join("gateway.token")
    }

    /// The gateway's id, owner of leases.
    pub fn gateway_id(&self) -> PathBuf {
        self.root.join("gateway.id")
    }

    /// The lock that one process holds.
    pub fn gateway_lock(&self) -> PathBuf {
        self.root.join("gateway.lock")
    }

    /// The copy of the last configuration that the gateway ran with.
    pub fn last_good(&self) -> PathBuf {
        self.root.join("openclaw.last-good.toml")
    }

    /// The journal of edits, one JSON object a line.
    pub fn config_journal(&self) -> PathBuf {
        self.root.join("config-journal.jsonl")
    }

    /// The log of the gateway.
    pub fn log_file(&self) -> PathBuf {
        self.root.join("logs").join("gateway.log")
    }

    /// Backups that the gateway makes.
    pub fn backups(&self) -> PathBuf {
        self.root.join("backups")
    }

    /// Attachments.
    pub fn media(&self) -> PathBuf {
        self.root.join("media")
    }

    /// The default workspace of an agent.
    pub fn workspace(&self, agent: &AgentId) -> PathBuf {
        if *agent == AgentId::main() {
            self.root.join("workspace")
        } else {
            self.root.join("workspaces").join(agent.as_str())
        }
    }
}

/// The main configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MainFile {
    /// Absolute.
    pub(crate) path: PathBuf,
    /// As the user named it.
    pub(crate) display: String,
    /// Whether `$OPENCLAW_CONFIG` names it, so that it must exist.
    pub(crate) named: bool,
}

impl MainFile {
    pub(crate) fn find(environment: &Environment, state: &StatePaths) -> Self {
        match environment.var("OPENCLAW_CONFIG") {
            Some(name) => Self {
                path: environment.current_dir().join(environment.expand_home(name)),
                display: name.to_owned(),
                named: true,
            },
            None => {
                Self { path: state.config(), display: "openclaw.toml".to_owned(), named: false }
            }
        }
    }

    /// The folder that relative paths in the configuration start from.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }
}

/// The configuration file that commands read and edit: `$OPENCLAW_CONFIG`, else `openclaw.toml` in
/// the state folder. It need not exist.
pub fn config_file(environment: &Environment) -> PathBuf {
    MainFile::find(environment, &StatePaths::find(environment)).path
}
