use std::sync::Arc;
use std::time::Duration;

use openclaw_config::Environment;
use openclaw_core::{Clock, IdGen};
use openclaw_media::Fetcher;
use openclaw_tools::approvals::Approvals;
use openclaw_tools::commands::{CommandDeps, Commands};
use openclaw_tools::egress::Egress;
use openclaw_tools::sandbox::{Helper, Host, Namespaces};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long commands in the background may take to be gone.
const END_LIMIT: Duration = Duration::from_secs(2);

/// What commands on the host get of the environment. Nothing that loads code into programs, and no
/// secret, is among it.
const HOST_VARIABLES: [&str; 8] =
    ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR"];

/// The commands that run in the background of a gateway.
#[derive(Debug, Clone, Default)]
pub(crate) struct Background {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Background {
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
) -> Arc<Commands> {
    let egress = Arc::new(Egress::new(fetcher));
    let host = HOST_VARIABLES
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), environment.var(name)?.to_owned())));
    Arc::new(Commands::new(CommandDeps {
        sandbox: Arc::new(Namespaces::with_egress(Helper::this_program(), egress)),
        host: Arc::new(Host::new(Helper::this_program(), host.collect())),
        approvals: Arc::new(Approvals::new(clock, ids)),
        tasks: background.tasks.clone(),
        stop: background.stop.clone(),
    }))
}

/// The sandbox that needs nothing installed.
pub(crate) fn namespaces() -> Namespaces {
    Namespaces::new(Helper::this_program())
}
