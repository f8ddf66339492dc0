use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use openclaw_config::Config;
use openclaw_core::AgentId;
use openclaw_media::MediaStore;
use openclaw_storage::Storage;
use openclaw_tools::approvals::Approvals;
use openclaw_tools::{ToolContext, ToolDefinition, ToolError, ToolOutput, ToolSource};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::Connector;
use super::foreign::PREFIX;
use super::program::{Place, Programs};
use super::server::Server;

/// How long the servers may take to end together.
const END_LIMIT: Duration = Duration::from_secs(8);

/// What servers need.
#[derive(Debug)]
pub struct McpDeps {
    /// Where the lists of their tools are kept.
    pub storage: Arc<dyn Storage>,
    /// Where their files are kept.
    pub media: MediaStore,
    /// Who is asked.
    pub approvals: Arc<Approvals>,
    /// What runs their programs.
    pub programs: Programs,
    /// The state folder, where sign-ins are kept.
    pub state_dir: PathBuf,
}

/// What all servers share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) media: MediaStore,
    pub(super) approvals: Arc<Approvals>,
    pub(super) connector: Connector,
}

/// The MCP servers of the configuration in force.
#[derive(Debug)]
pub struct McpServers {
    shared: Arc<Shared>,
    servers: RwLock<BTreeMap<String, Arc<Server>>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl McpServers {
    /// The servers of this configuration; none is started.
    pub fn new(deps: McpDeps, config: &Config) -> Self {
        let McpDeps { storage, media, approvals, programs, state_dir } = deps;
        let tasks = TaskTracker::new();
        let connector = Connector { programs, state_dir, tasks: tasks.clone() };
        let servers = Self {
            shared: Arc::new(Shared { storage, media, approvals, connector }),
            servers: RwLock::default(),
            tasks,
            stop: CancellationToken::new(),
        };
        servers.apply(config);
        servers
    }

    /// Follows the configuration: servers whose settings changed end and are started again when they
    /// are needed; the others go on.
    pub fn follow(self: &Arc<Self>, mut config: watch::Receiver<Arc<Config>>) {
        let (servers, stop) = (self.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    changed = config.changed() => if changed.is_err() { return },
                }
                let config = config.borrow_and_update().clone();
                servers.apply(&config);
            }
        });
    }

    /// Ends all servers.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        let servers = std::mem::take(&mut *self.write());
        self.tasks.close();
        let ending = async {
            join_all(servers.values().map(|server| server.close())).await;
            self.tasks.wait().await;
        };
        if tokio::time::timeout(END_LIMIT, ending).await.is_err() {
            tracing::warn!("MCP servers did not end in time");
        }
    }

    fn apply(&self, config: &Config) {
        let place = Place::of(config);
        let mut servers = self.write();
        let mut old = std::mem::take(&mut *servers);
        if self.stop.is_cancelled() {
            return;
        }
        for settings in config.mcp.values().filter(|server| server.enabled) {
            let server = match old.remove(&settings.name) {
                Some(server) if server.is(settings, &place) => server,
                other => {
                    old.extend(other.map(|other| (settings.name.clone(), other)));
                    let shared = self.shared.clone();
                    Arc::new(Server::new(settings.clone(), place.clone(), shared))
                }
            };
            servers.insert(settings.name.clone(), server);
        }
        for server in old.into_values() {
            self.tasks.spawn(async move { server.close().await });
        }
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<String, Arc<Server>>> {
        self.servers.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The servers that an agent may use, by name.
    fn of(&self, agent: &AgentId) -> Vec<Arc<Server>> {
        let servers = self.servers.read().unwrap_or_else(PoisonError::into_inner);
        servers.values().filter(|server| server.settings.serves(agent)).cloned().collect()
    }
}

#[async_trait]
impl ToolSource for McpServers {
    fn prefix(&self) -> &str {
        PREFIX
    }

    async fn prepare(&self, agent: &AgentId) {
        let servers = self.of(agent);
        join_all(servers.iter().map(|server| server.learn())).await;
    }

    fn definitions(&self, agent: &AgentId) -> Vec<ToolDefinition> {
        let offers = self.of(agent).into_iter().filter_map(|server| server.offers());
        offers
            .flat_map(|offers| {
                offers.iter().map(|offer| offer.definition.clone()).collect::<Vec<_>>()
            })
            .collect()
    }

    async fn call(
        &self,
        context: &ToolContext,
        name: &str,
        arguments: Value,
    ) -> Result<ToolOutput, ToolError> {
        let rest = name.strip_prefix(PREFIX).unwrap_or_default();
        let server = self.of(&context.agent_id).into_iter().find(|server| {
            rest.strip_prefix(server.settings.name.as_str())
                .is_some_and(|rest| rest.starts_with("__"))
        });
        match server {
            Some(server) => server.call(context, name, arguments).await,
            None => Err(ToolError::Unknown(name.to_owned())),
        }
    }
}
