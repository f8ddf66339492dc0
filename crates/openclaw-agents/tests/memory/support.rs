use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use openclaw_agents::memory::{Memory, MemoryDeps, MemoryFound, MemorySearch, MemoryState};
use openclaw_config::{Config, Environment, LoadRequest, NoChannels, validate_text};
use openclaw_core::{AgentId, Timestamp};
use openclaw_storage::memory::MemoryStorage;
use openclaw_storage::{NoObserver, Storage};
use openclaw_testkit::{ManualClock, SeededRng};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Longer than anything takes here.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// A memory on a store and a state folder of its own.
pub(crate) struct Harness {
    pub(crate) memory: Memory,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) config: Arc<Config>,
    folder: TempDir,
}

impl Harness {
    /// With this configuration.
    pub(crate) fn new(toml: &str) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_767_268_800_000)));
        let storage: Arc<dyn Storage> =
            Arc::new(MemoryStorage::new(clock.clone(), Arc::new(NoObserver)));
        Self::on(toml, storage, clock, TempDir::new().expect("a folder"))
    }

    fn on(toml: &str, storage: Arc<dyn Storage>, clock: Arc<ManualClock>, folder: TempDir) -> Self {
        // Another test of this program may have been first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let config = config(&folder, toml);
        let memory = Memory::new(MemoryDeps {
            storage: storage.clone(),
            clock: clock.clone(),
            rng: Arc::new(SeededRng::new(1)),
            config: config.clone(),
        });
        Self { memory, storage, clock, config, folder }
    }

    /// The same folder and store under another configuration, as after a restart.
    pub(crate) fn again(self, toml: &str) -> Self {
        Self::on(toml, self.storage, self.clock, self.folder)
    }

    /// A path in the workspace of an agent.
    pub(crate) fn path(&self, agent: &str, path: &str) -> PathBuf {
        let agent = AgentId::new(agent).expect("an agent id");
        self.config.agent(&agent).expect("configured").workspace.join(path)
    }

    /// Writes a note of the agent `main`.
    pub(crate) fn note(&self, path: &str, text: &str) {
        self.note_of("main", path, text);
    }

    /// Writes a note of an agent.
    pub(crate) fn note_of(&self, agent: &str, path: &str, text: &str) {
        let path = self.path(agent, path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    /// Looks for something in the memory of `main`.
    pub(crate) async fn search(&self, query: &str) -> MemoryFound {
        self.search_of("main", query).await
    }

    pub(crate) async fn search_of(&self, agent: &str, query: &str) -> MemoryFound {
        let search = MemorySearch {
            agent_id: AgentId::new(agent).expect("an agent id"),
            query: query.to_owned(),
            max_results: None,
            min_score: None,
        };
        self.memory.search(&search, &CancellationToken::new()).await.expect("it searches")
    }

    /// The paths of what is found.
    pub(crate) async fn paths(&self, query: &str) -> Vec<String> {
        self.search(query).await.hits.into_iter().map(|hit| hit.path).collect()
    }

    pub(crate) async fn status(&self) -> MemoryState {
        self.memory.status(&AgentId::main(), false).await.expect("it tells")
    }
}

fn config(folder: &TempDir, toml: &str) -> Arc<Config> {
    let state = folder.path().join("state").display().to_string();
    let variables = [("OPENCLAW_STATE_DIR".to_owned(), state)];
    let environment = Environment::new(variables, folder.path(), folder.path());
    validate_text(&LoadRequest::new(&environment, &NoChannels), toml)
        .unwrap_or_else(|error| panic!("{error:?}\n{toml}"))
        .config
}
