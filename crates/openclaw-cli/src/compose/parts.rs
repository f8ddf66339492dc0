use std::sync::Arc;

use openclaw_agents::model::RetryPolicy;
use openclaw_agents::{AgentRunner, RunnerDeps};
use openclaw_config::{Config, Environment, Loaded, Overrides, StatePaths, StorageBackend};
use openclaw_core::{Clock, IdGen, Rng, SystemClock, SystemIds, SystemRng};
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_gateway::Identity;
use openclaw_gateway::lifecycle::{CommitFan, Gateway, Parts, StateLock, gateway_id};
use openclaw_media::MediaStore;
use openclaw_storage::memory::MemoryStorage;
use openclaw_storage::sqlite::{SqliteOptions, SqliteStorage};
use openclaw_storage::{Storage, StorageError};
use openclaw_tools::ToolRegistry;
use tokio_util::task::TaskTracker;

use super::{Channels, FileConfigSource};
use crate::exit::Failure;

/// A gateway put together, and what it stands on.
pub(crate) struct Composed {
    pub(crate) gateway: Gateway,
    pub(crate) source: Arc<FileConfigSource>,
    /// Tasks of models: connections that are drained.
    pub(crate) model_tasks: TaskTracker,
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
    let storage = open_storage(&config, clock.clone(), fan.clone()).await?;
    let media = MediaStore::new(paths.media());
    let tools = Arc::new(ToolRegistry::builder().with_file_tools(media.clone()).build());
    let model_tasks = TaskTracker::new();
    let zone = jiff::tz::TimeZone::system();
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
    let source =
        Arc::new(FileConfigSource::new(environment.clone(), flags, channels.clone(), loaded));
    let gateway = Gateway::assemble(Parts {
        source: source.clone(),
        storage,
        fan,
        runner: Arc::new(runner),
        tools,
        factories: channels.factories(),
        media: Arc::new(media),
        identity: Identity {
            gateway_id: gateway_id(&config.state_dir, ids.as_ref())?,
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
    Ok(Composed { gateway, source, model_tasks, lock })
}

async fn open_storage(
    config: &Config,
    clock: Arc<dyn Clock>,
    fan: Arc<CommitFan>,
) -> Result<Arc<dyn Storage>, OpenClawError> {
    match &config.storage {
        StorageBackend::Sqlite { path } => {
            let opened = SqliteStorage::open(SqliteOptions::new(path), clock, fan).await;
            Ok(Arc::new(opened.map_err(|error| explain(error, path))?))
        }
        StorageBackend::Memory => Ok(Arc::new(MemoryStorage::new(clock, fan))),
        StorageBackend::Postgres { .. } => Err(OpenClawError::new(
            ErrorKind::Config,
            "storage.backend: this program has no postgres",
        )
        .with_hint("use \"sqlite\" or \"memory\"")),
    }
}

fn explain(error: StorageError, path: &std::path::Path) -> OpenClawError {
    let place = path.display();
    match error {
        StorageError::Busy(_) => OpenClawError::new(
            ErrorKind::Database,
            format!("the database {place} is locked by another process"),
        )
        .with_hint("end whatever has it open, such as a database browser, then start again")
        .with_source(error),
        other => other.into(),
    }
}
