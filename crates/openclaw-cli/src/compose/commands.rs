use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use openclaw_config::{Config, DockerSettings, Environment, SandboxEngine};
use openclaw_core::{Clock, IdGen};
use openclaw_media::Fetcher;
use openclaw_tools::approvals::Approvals;
use openclaw_tools::commands::{CommandDeps, Commands};
use openclaw_tools::egress::Egress;
use openclaw_tools::sandbox::{
    Bubblewrap, Containers, ContainersConfig, Engines, Helper, Host, Namespaces,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long commands in the background may take to be gone.
const END_LIMIT: Duration = Duration::from_secs(2);

/// What commands on the host get of the environment. Nothing that loads code into programs, and no
/// secret, is among it.
pub(super) const HOST_VARIABLES: [&str; 8] =
    ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR"];

/// The commands that run in the background of a gateway.
#[derive(Debug, Clone, Default)]
pub(crate) struct Background {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Background {
    /// Holds what runs in the background.
    pub(super) fn tasks(&self) -> TaskTracker {
        self.tasks.clone()
    }

    /// Ends it.
    pub(super) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Ends them all.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(END_LIMIT, self.tasks.wait()).await.is_err() {
            tracing::warn!("commands in the background did not end in time");
        }
    }
}

/// What runs commands for agents.
pub(super) fn commands(
    environment: &Environment,
    fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGen>,
    background: &Background,
    (state, gateway_id): (&Path, &str),
) -> (Arc<Commands>, Engines) {
    let egress = Arc::new(Egress::new(fetcher));
    let engines = engines(
        environment,
        Some(egress),
        state,
        (gateway_id, ids.new_id()),
        background.tasks.clone(),
    );
    let host = HOST_VARIABLES
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), environment.var(name)?.to_owned())));
    let commands = Arc::new(Commands::new(CommandDeps {
        sandbox: Arc::new(engines.clone()),
        host: Arc::new(Host::new(Helper::this_program(), host.collect())),
        approvals: Arc::new(Approvals::new(clock, ids)),
        tasks: background.tasks.clone(),
        stop: background.stop.clone(),
    }));
    (commands, engines)
}

/// Every sandbox there is.
pub(crate) fn engines(
    environment: &Environment,
    egress: Option<Arc<Egress>>,
    state: &Path,
    (gateway_id, run): (&str, String),
    tasks: TaskTracker,
) -> Engines {
    let helper = Helper::this_program();
    let namespaces = match &egress {
        Some(egress) => Namespaces::with_egress(helper.clone(), egress.clone()),
        None => Namespaces::new(helper.clone()),
    };
    let named = environment.var("DOCKER_HOST").and_then(|host| host.strip_prefix("unix://"));
    let containers = Containers::new(ContainersConfig {
        socket: named.unwrap_or("/var/run/docker.sock").into(),
        owner: gateway_id.to_owned(),
        empty: state.join("empty"),
        run,
        helper: helper.clone(),
        egress: egress.clone(),
        tasks,
    });
    Engines::new(namespaces, Bubblewrap::installed(helper, egress), containers)
}

/// Removes the containers that a killed gateway left. What cannot be reached is told when it is used.
pub(super) fn sweep_containers(config: &Config, engines: &Engines, background: &Background) {
    let mut asked: Vec<DockerSettings> = config
        .agents
        .iter()
        // Nothing is contacted that was not asked for: with `auto` it is done when the engine is found.
        .filter(|agent| agent.sandbox.engine == SandboxEngine::Docker)
        .map(|agent| agent.sandbox.docker.clone())
        .collect();
    asked.dedup();
    for settings in asked {
        let (containers, stop) = (engines.containers().clone(), background.stop.clone());
        background.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                swept = containers.sweep(&settings) => match swept {
                    Ok(0) => {}
                    Ok(count) => tracing::info!(count, "containers of an earlier run were removed"),
                    Err(error) => tracing::warn!(%error, "containers of an earlier run were not looked for"),
                },
            }
        });
    }
}
