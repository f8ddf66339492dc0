use std::sync::Arc;

use openclaw_agents::mcp::{McpDeps, McpServers};
use openclaw_agents::memory::{Memory, MemoryDeps};
use openclaw_agents::model::RetryPolicy;
use openclaw_agents::schedule::{Jobs, JobsDeps};
use openclaw_agents::tools::{CronTool, MemoryGetTool, MemorySearchTool};
use openclaw_agents::{
    AgentRunner, Desk, PiDeps, RunnerDeps, Runtimes, SkillHost, with_session_tools,
};
use openclaw_config::{Environment, Loaded, Overrides, StatePaths};
use openclaw_core::{Clock, IdGen, Rng, SystemClock, SystemIds, SystemRng};
use openclaw_errors::OpenClawError;
use openclaw_gateway::Identity;
use openclaw_gateway::lifecycle::{CommitFan, Gateway, Parts, StateLock, gateway_id};
use openclaw_gateway::tools::{GatewayHandle, with_gateway_tools};
use openclaw_media::{Fetcher, MediaStore};
use openclaw_tools::ToolRegistry;
use openclaw_tools::web::{WebFetchTool, WebSearchTool};
use tokio_util::task::TaskTracker;

use super::commands::{Background, commands, sweep_containers};
use super::{Channels, FileConfigSource, open_storage, programs};
use crate::exit::Failure;

/// A gateway put together, and what it stands on.
pub(crate) struct Composed {
    pub(crate) gateway: Gateway,
    pub(crate) source: Arc<FileConfigSource>,
    /// Tasks of models: connections that are drained.
    pub(crate) model_tasks: TaskTracker,
    /// Commands in the background.
    pub(crate) background: Background,
    /// The MCP servers.
    pub(crate) mcp: Arc<McpServers>,
    /// Freed when dropped: after everything else.
    pub(crate) lock: StateLock,
}

/// Puts a gateway together on the locked state folder.
pub(crate) async fn compose(
    environment: &Environment,
    flags: Overrides,
    loaded: Loaded,
    channels: Channels,
    lock: StateLock,
) -> Result<Composed, Failure> {
    let config = loaded.config.clone();
    let paths = StatePaths::new(&config.state_dir);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids: Arc<dyn IdGen> = Arc::new(SystemIds);
    let rng: Arc<dyn Rng> = Arc::new(SystemRng);
    let fan = Arc::new(CommitFan::new());
    let storage = open_storage(&config.storage, clock.clone(), fan.clone()).await?;
    let media = MediaStore::new(paths.media());
    let background = Background::default();
    let fetcher = Fetcher::builder().build().map_err(|error| {
        OpenClawError::internal("the client for URLs cannot be set up").with_source(error)
    })?;
    let gateway_id = gateway_id(&config.state_dir, ids.as_ref())?;
    let (commands, engines) = commands(
        environment,
        fetcher.clone(),
        clock.clone(),
        ids.clone(),
        &background,
        (&config.state_dir, &gateway_id),
    );
    sweep_containers(&config, &engines, &background);
    let mcp = McpDeps {
        storage: storage.clone(),
        media: media.clone(),
        approvals: commands.approvals().clone(),
        programs: programs(environment, fetcher.clone()),
        state_dir: config.state_dir.clone(),
    };
    let mcp = Arc::new(McpServers::new(mcp, &config));
    let tools = ToolRegistry::builder().with_file_tools(media.clone());
    let mut tools = tools.with_command_tools(commands).with(WebFetchTool::new(fetcher.clone()));
    if let Some(search) = config.tools.search.clone() {
        tools = tools.with(WebSearchTool::new(search).map_err(|error| {
            OpenClawError::internal("the client of web_search cannot be set up").with_source(error)
        })?);
    }
    let memory = Memory::new(MemoryDeps {
        storage: storage.clone(),
        clock: clock.clone(),
        rng: rng.clone(),
        config: config.clone(),
    });
    tools = tools.with(MemorySearchTool::new(memory.clone())).with(MemoryGetTool);
    let (desk, handle) =
        (Desk::new(storage.clone(), clock.clone(), ids.clone()), GatewayHandle::default());
    tools = with_gateway_tools(with_session_tools(tools, &desk), &handle);
    let zone = jiff::tz::TimeZone::system();
    let jobs = Arc::new(Jobs::new(JobsDeps {
        storage: storage.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        zone: zone.clone(),
    }));
    let tools = Arc::new(tools.with(CronTool::new(jobs.clone())).with_source(mcp.clone()).build());
    let model_tasks = TaskTracker::new();
    let runner = AgentRunner::new(RunnerDeps {
        storage: storage.clone(),
        tools: tools.clone(),
        media: media.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        rng: rng.clone(),
        tasks: model_tasks.clone(),
        zone: zone.clone(),
        retry: RetryPolicy::default(),
    });
    let runner = Arc::new(runner.on_host(SkillHost::new(environment.variables())));
    let pi = PiDeps {
        storage: storage.clone(),
        media: media.clone(),
        clock: clock.clone(),
        search_path: environment.var("PATH").map(str::to_owned),
        tasks: background.tasks(),
        stop: background.stop(),
    };
    let (models, ledger) = (runner.models(), runner.ledger());
    let runtimes = Runtimes::new(runner.clone(), pi);
    let source =
        Arc::new(FileConfigSource::new(environment.clone(), flags, channels.clone(), loaded));
    let gateway = Gateway::assemble(Parts {
        source: source.clone(),
        storage,
        fan,
        models,
        ledger,
        runner: Arc::new(runtimes),
        contexts: runner.clone(),
        skills: runner,
        tools,
        memory,
        factories: channels.factories(),
        jobs,
        fetcher,
        desk,
        handle,
        media: Arc::new(media),
        identity: Identity {
            gateway_id,
            version: env!("CARGO_PKG_VERSION"),
            started_at: clock.now(),
            pid: std::process::id(),
        },
        config,
        clock,
        ids,
        rng,
        time_zone: zone,
    })?;
    channels.reach(gateway.state().hub.clone());
    mcp.follow(gateway.state().config.watch());
    Ok(Composed { gateway, source, model_tasks, background, mcp, lock })
}
