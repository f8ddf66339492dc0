use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use openclaw_config::{Config, EmbeddingSettings, MemorySessions, MemorySettings};
use openclaw_core::{AgentId, Clock, Rng, Timestamp};
use openclaw_storage::Storage;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answers::{MemoryMode, MemoryReport, MemoryState};
use super::embedder::{EmbedError, Embedder, Embedders};
use super::error::MemoryError;
use super::pass::{Pass, PassReport};
use super::vectors::VectorIndex;
use crate::model::ModelHttp;

/// How long a pass may take to come to an end when the gateway ends.
const END_LIMIT: Duration = Duration::from_secs(2);
/// What is in memory is given up when nobody searched for so long.
const IDLE: Duration = Duration::from_secs(300);
/// How long a failing model is left alone, and at most.
const FIRST_REST: Duration = Duration::from_secs(60);
const LONGEST_REST: Duration = Duration::from_secs(30 * 60);
/// How long a model may think about a word in a deep look.
const PROBE_LIMIT: Duration = Duration::from_secs(20);

/// What memory works with.
#[derive(Debug, Clone)]
pub struct MemoryDeps {
    /// Where the index is.
    pub storage: Arc<dyn Storage>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Jitter.
    pub rng: Arc<dyn Rng>,
    /// The configuration to begin with.
    pub config: Arc<Config>,
}

/// The memory of all agents of a gateway. Cheap to clone; nothing runs before the first question.
#[derive(Clone)]
pub struct Memory {
    pub(super) inner: Arc<Inner>,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

pub(super) struct Inner {
    pub(super) storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    pub(super) tasks: TaskTracker,
    stop: CancellationToken,
    embedders: Embedders,
    config: RwLock<Configured>,
    built: Mutex<Option<Built>>,
    agents: Mutex<BTreeMap<AgentId, Arc<AgentMemory>>>,
    last_used: Mutex<Instant>,
    is_watched: AtomicBool,
}

/// Where the configuration is found.
enum Configured {
    Begun(Arc<Config>),
    Followed(watch::Receiver<Arc<Config>>),
}

/// The embedder of some settings.
struct Built {
    settings: EmbeddingSettings,
    embedder: Result<Option<Arc<dyn Embedder>>, EmbedError>,
}

/// What is known of one agent.
#[derive(Debug, Default)]
pub(super) struct AgentMemory {
    /// Held by the pass that is under way.
    passing: tokio::sync::Mutex<()>,
    pub(super) vectors: Arc<tokio::sync::Mutex<VectorIndex>>,
    state: Mutex<Passed>,
}

/// How the passes went.
#[derive(Debug, Default)]
struct Passed {
    ended_at: Option<Timestamp>,
    trouble: Option<Trouble>,
}

/// A model that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) message: String,
    until: Timestamp,
    rest: Duration,
    /// Whose: another model is asked at once.
    model: String,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AgentMemory {
    /// What is wrong with this model, while it is left alone.
    pub(super) fn resting(&self, model: &str, now: Timestamp) -> Option<Trouble> {
        let state = locked(&self.state);
        state.trouble.clone().filter(|trouble| trouble.until > now && trouble.model == model)
    }

    /// Notes that a model failed, or works.
    pub(super) fn note(&self, model: &str, error: Option<&EmbedError>, now: Timestamp) {
        let mut state = locked(&self.state);
        let Some(error) = error else {
            state.trouble = None;
            return;
        };
        let before = state.trouble.take().filter(|trouble| trouble.model == model);
        let rest = before.map_or(FIRST_REST, |before| (before.rest * 2).min(LONGEST_REST));
        let until = now.plus(error.retry.unwrap_or_default().max(rest));
        tracing::warn!(model, error = %error, "texts get no vectors for now; memory is searched by words");
        let (message, model) = (error.to_string(), model.to_owned());
        state.trouble = Some(Trouble { message, until, rest, model });
    }
}

impl Memory {
    /// The memory of agents.
    pub fn new(deps: MemoryDeps) -> Self {
        let tasks = TaskTracker::new();
        let http = ModelHttp::new(tasks.clone());
        let embedders = Embedders { http, tasks: tasks.clone(), rng: deps.rng };
        let inner = Inner {
            storage: deps.storage,
            clock: deps.clock,
            tasks,
            stop: CancellationToken::new(),
            embedders,
            config: RwLock::new(Configured::Begun(deps.config)),
            built: Mutex::default(),
            agents: Mutex::default(),
            last_used: Mutex::new(Instant::now()),
            is_watched: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Goes by the configuration that is in force.
    pub fn follow(&self, config: watch::Receiver<Arc<Config>>) {
        *self.inner.config.write().unwrap_or_else(PoisonError::into_inner) =
            Configured::Followed(config);
    }

    /// Ends what is under way; what it has not stored is made up for by the next pass.
    pub async fn end(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.close();
        if timeout(END_LIMIT, self.inner.tasks.wait()).await.is_err() {
            tracing::warn!("indexing memory did not end in time");
        }
    }

    pub(super) fn config(&self) -> Arc<Config> {
        match &*self.inner.config.read().unwrap_or_else(PoisonError::into_inner) {
            Configured::Begun(config) => config.clone(),
            Configured::Followed(config) => config.borrow().clone(),
        }
    }

    /// Which sessions can be searched at present.
    pub fn sessions(&self) -> MemorySessions {
        self.config().memory.sessions
    }

    pub(super) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub(super) fn agent(&self, id: &AgentId) -> Arc<AgentMemory> {
        locked(&self.inner.agents).entry(id.clone()).or_default().clone()
    }

    /// The embedder in force.
    pub(super) fn embedder(
        &self,
        settings: &MemorySettings,
    ) -> Result<Option<Arc<dyn Embedder>>, EmbedError> {
        let mut built = locked(&self.inner.built);
        if let Some(built) = built.as_ref().filter(|built| built.settings == settings.embeddings) {
            return built.embedder.clone();
        }
        let embedder = self.inner.embedders.build(&settings.embeddings);
        *built = Some(Built { settings: settings.embeddings.clone(), embedder: embedder.clone() });
        embedder
    }

    fn pass(&self, agent: &AgentId, is_forced: bool) -> Result<Pass, MemoryError> {
        let config = self.config();
        let settings =
            config.agent(agent).ok_or_else(|| MemoryError::UnknownAgent(agent.to_string()))?;
        Ok(Pass {
            storage: self.inner.storage.clone(),
            clock: self.inner.clock.clone(),
            tasks: self.inner.tasks.clone(),
            stop: self.inner.stop.clone(),
            agent: agent.clone(),
            workspace: settings.workspace.clone(),
            settings: config.memory.clone(),
            is_forced,
        })
    }

    /// Brings an agent's index up to date, and waits for that at most so long; then it goes on in the
    /// background.
    ///
    /// # Errors
    /// Any [`MemoryError`] of the pass.
    pub async fn index(
        &self,
        agent: &AgentId,
        is_forced: bool,
        wait: Duration,
    ) -> Result<MemoryReport, MemoryError> {
        let pass = self.pass(agent, is_forced)?;
        let memory = self.agent(agent);
        let until = Instant::now() + wait;
        if !is_forced && memory.passing.try_lock().is_err() {
            // One is under way already: it is waited for.
            let waited = tokio::time::timeout_at(until, memory.passing.lock()).await.is_ok();
            if !waited {
                return Ok(MemoryReport { done: None, trouble: None });
            }
        }
        if self.inner.stop.is_cancelled() {
            return Err(MemoryError::Ending);
        }
        let work = self.inner.tasks.spawn(run(self.clone(), memory, pass));
        match tokio::time::timeout_at(until, work).await {
            Ok(ended) => ended.map_err(MemoryError::Broken)?,
            Err(_) => Ok(MemoryReport { done: None, trouble: None }),
        }
    }

    /// How an agent's memory stands; a deep look asks the model for a vector.
    ///
    /// # Errors
    /// When the store cannot be read, or there is no such agent.
    pub async fn status(&self, agent: &AgentId, deep: bool) -> Result<MemoryState, MemoryError> {
        let pass = self.pass(agent, false)?;
        let memory = self.agent(agent);
        let embedder = self.embedder(&pass.settings);
        let model = match &embedder {
            Ok(embedder) => embedder.as_ref().map(|embedder| embedder.id().to_owned()),
            Err(_) => Some("none".to_owned()),
        };
        let name = model.clone().unwrap_or_default();
        let counts = self.inner.storage.memory_counts(agent, &name).await?;
        let probe = match (deep, &embedder) {
            (true, Ok(Some(embedder))) => Some(probe(embedder.as_ref()).await),
            _ => None,
        };
        if let Some(asked) = &probe {
            let error = asked.as_ref().err().map(|error| EmbedError::lasting(error.clone()));
            memory.note(&name, error.as_ref(), self.now());
        }
        let trouble = match &embedder {
            Err(error) => Some((error.to_string(), self.now())),
            Ok(_) => {
                let resting = memory.resting(&name, self.now());
                resting.map(|trouble| (trouble.message, trouble.until))
            }
        };
        let is_hybrid = matches!(embedder, Ok(Some(_))) && trouble.is_none();
        let indexed_at = locked(&memory.state).ended_at;
        Ok(MemoryState {
            agent_id: agent.clone(),
            model,
            mode: if is_hybrid { MemoryMode::Hybrid } else { MemoryMode::Text },
            counts,
            is_indexing: memory.passing.try_lock().is_err(),
            indexed_at,
            trouble,
            probe,
        })
    }

    /// Notes that something was needed, and gives it up when it was not for a while.
    pub(super) fn used(&self) {
        *locked(&self.inner.last_used) = Instant::now();
        if self.inner.is_watched.swap(true, Ordering::SeqCst) || self.inner.stop.is_cancelled() {
            return;
        }
        let memory = self.clone();
        self.inner.tasks.spawn(async move {
            loop {
                let until = *locked(&memory.inner.last_used) + IDLE;
                if until <= Instant::now() {
                    break;
                }
                tokio::select! {
                    () = memory.inner.stop.cancelled() => return,
                    () = tokio::time::sleep_until(until) => {}
                }
            }
            memory.inner.is_watched.store(false, Ordering::SeqCst);
            memory.give_up().await;
        });
    }

    async fn give_up(&self) {
        let agents: Vec<Arc<AgentMemory>> = locked(&self.inner.agents).values().cloned().collect();
        for agent in agents {
            *agent.vectors.lock().await = VectorIndex::default();
        }
        if let Some(Built { embedder: Ok(Some(embedder)), .. }) = &*locked(&self.inner.built) {
            embedder.give_up_memory();
        }
    }
}

async fn probe(embedder: &dyn Embedder) -> Result<usize, String> {
    match timeout(PROBE_LIMIT, embedder.embed(vec!["hello".to_owned()])).await {
        Ok(Ok(vectors)) => Ok(vectors.first().map_or(0, Vec::len)),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer in {} s", PROBE_LIMIT.as_secs())),
    }
}

/// One pass, after those before it.
async fn run(
    memory: Memory,
    agent: Arc<AgentMemory>,
    pass: Pass,
) -> Result<MemoryReport, MemoryError> {
    let _passing = agent.passing.lock().await;
    let mut report: PassReport = pass.index().await?;
    let embedder = memory.embedder(&pass.settings);
    let trouble = match embedder {
        Err(error) => Some(error.to_string()),
        Ok(None) => None,
        Ok(Some(embedder)) => {
            memory.used();
            embed(&agent, &pass, embedder.as_ref(), &mut report).await?
        }
    };
    locked(&agent.state).ended_at = Some(pass.now());
    Ok(MemoryReport { done: Some(report), trouble })
}

/// Gives what lacks a vector one, unless the model is left alone. Answers what is in the way.
async fn embed(
    agent: &AgentMemory,
    pass: &Pass,
    embedder: &dyn Embedder,
    report: &mut PassReport,
) -> Result<Option<String>, MemoryError> {
    let model = embedder.id();
    if let Some(trouble) = agent.resting(model, pass.now()).filter(|_| !pass.is_forced) {
        return Ok(Some(trouble.message));
    }
    let (made, error) = pass.embed(embedder).await?;
    report.vectors = made;
    if made > 0 || error.is_some() {
        agent.note(model, error.as_ref(), pass.now());
    }
    let has_changed = *report != PassReport::default();
    if error.is_none() && has_changed {
        pass.prune(model).await?;
        // Positions only grow, so that what was pruned is still in the index: it is read again.
        if report.removed > 0 || report.indexed > 0 {
            *agent.vectors.lock().await = VectorIndex::default();
        }
    }
    Ok(error.map(|error| error.to_string()))
}
