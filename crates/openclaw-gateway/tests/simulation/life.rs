use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use openclaw_agents::Desk;
use openclaw_agents::Ledger;
use openclaw_agents::memory::{Memory, MemoryDeps};
use openclaw_agents::model::{ModelHttp, Models, RetryPolicy};
use openclaw_agents::schedule::{Jobs, JobsDeps};
use openclaw_config::Config;
use openclaw_core::{Clock as _, Rng as _};
use openclaw_errors::OpenClawError;
use openclaw_gateway::Identity;
use openclaw_gateway::lifecycle::{CommitFan, ConfigSource, Gateway, Parts};
use openclaw_gateway::tools::GatewayHandle;
use openclaw_media::{Fetcher, MediaStore};
use openclaw_storage::Storage;
use openclaw_storage::memory::{CommitHook, MemorySnapshot, MemoryStorage};
use openclaw_testkit::{SeededIds, SeededRng};
use openclaw_tools::ToolRegistry;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::channel::FakeChannel;
use crate::check::check;
use crate::plan::Plan;
use crate::runner::ScriptedRunner;
use crate::sabotage::Missing;
use crate::service::Service;
use crate::store::{Ears, Line, Port};
use crate::world::{Faults, Trace, WorldClock};

/// One client for all lives: to set one up takes longer than a life.
static FETCHER: LazyLock<Fetcher> = LazyLock::new(|| {
    drop(rustls::crypto::ring::default_provider().install_default());
    Fetcher::builder().build().expect("a client")
});

/// Lives with faults before the last one, which has none.
const MOST_CRASHES: u64 = 4;
/// A gateway without faults must be done by then.
const PATIENCE: Duration = Duration::from_secs(4_000);
/// The gateways' ids.
const NAMES: [&str; 2] = ["one", "two"];
/// Of so many calls one finds the way to the store stuck, where gateways share one.
const STUCK_ONE_IN: u64 = 120;

/// What one seed did.
pub(crate) struct Outcome {
    pub(crate) trace: String,
    pub(crate) violations: Vec<String>,
    pub(crate) crashes: u64,
}

/// Everything that outlives a gateway.
struct World {
    seed: u64,
    plan: Plan,
    missing: Missing,
    config: Arc<Config>,
    clock: Arc<WorldClock>,
    trace: Arc<Trace>,
    service: Arc<Service>,
    ids: Arc<SeededIds>,
    rng: SeededRng,
}

/// How a life ended.
enum Ended {
    Crashed,
    Quiet,
    Stuck,
}

/// Runs a story on one gateway without faults, at noon, with these settings of `[session]`.
pub(crate) fn calm<F: Future<Output = ()>>(settings: &str, story: impl FnOnce(Gateway) -> F) {
    calm_on(settings, None, |gateway, _| story(gateway));
}

/// Runs a story on two gateways that share a store, without faults.
pub(crate) fn calm_shared<F: Future<Output = ()>>(story: impl FnOnce(Gateway, Gateway) -> F) {
    let mut plan = Plan::calm();
    plan.gateways = 2;
    let world = World::new(0, plan, Missing::Nothing, "");
    world.service.end_faults();
    world.service.forget();
    runtime().block_on(async {
        world.clock.begin();
        let ears = Arc::new(Ears::default());
        let memory = Arc::new(MemoryStorage::new(world.clock.clone(), ears.clone()));
        let [one, two] = NAMES.map(|name| world.gateway(name, &memory, &ears, false).0);
        story(one, two).await;
    });
}

/// A story as of [`calm`] on a store whose commits a hook decides over.
pub(crate) fn calm_on<F: Future<Output = ()>>(
    settings: &str,
    hook: Option<Arc<dyn CommitHook>>,
    story: impl FnOnce(Gateway, Arc<Port>) -> F,
) {
    let world = World::new(0, Plan::calm(), Missing::Nothing, settings);
    world.service.end_faults();
    world.service.forget();
    let runtime = runtime();
    runtime.block_on(async {
        world.clock.begin();
        let ears = Arc::new(Ears::default());
        let memory = MemoryStorage::new(world.clock.clone(), ears.clone());
        let memory = Arc::new(match hook {
            Some(hook) => memory.with_hook(hook),
            None => memory,
        });
        let (gateway, port) = world.gateway(NAMES[0], &memory, &ears, false);
        story(gateway, port).await;
    });
    assert_eq!(world.trace.violations(), Vec::<String>::new());
}

/// Runs one seed to its end, on a store that leaves something out.
pub(crate) fn simulate(seed: u64, missing: Missing) -> Outcome {
    let world = World::new(seed, Plan::of(seed), missing, "");
    let mut snapshot = MemorySnapshot::default();
    let mut crashes = 0;
    loop {
        let is_last = crashes == MOST_CRASHES;
        let crash_after = (!is_last).then(|| 1 + world.rng.below(60));
        let (next, ended) = world.live(snapshot, crash_after);
        snapshot = next;
        match ended {
            Ended::Crashed => crashes += 1,
            Ended::Quiet => break,
            Ended::Stuck => {
                world.trace.violation("the gateway is not done");
                break;
            }
        }
    }
    Outcome { trace: world.trace.text(), violations: world.trace.violations(), crashes }
}

/// Paused time, which jumps to whatever comes next.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
}

impl World {
    fn new(seed: u64, plan: Plan, missing: Missing, settings: &str) -> Self {
        let clock = Arc::new(WorldClock::default());
        let trace = Arc::new(Trace::new(clock.clone()));
        trace.note(format!("{plan:?}"));
        let service = Service::new(seed ^ 0x5e4_71ce, plan.reconcile, clock.clone(), trace.clone());
        Self {
            seed,
            plan,
            missing,
            config: plan.config(settings),
            clock,
            trace,
            service: Arc::new(service),
            ids: Arc::new(SeededIds::new(seed as u32)),
            rng: SeededRng::new(seed),
        }
    }

    /// A gateway of this name on a store that others may share, and its way there.
    fn gateway(
        &self,
        name: &str,
        memory: &Arc<MemoryStorage>,
        ears: &Arc<Ears>,
        has_faults: bool,
    ) -> (Gateway, Arc<Port>) {
        let fan = Arc::new(CommitFan::new());
        let line = self.line(has_faults);
        let port = Port::new(memory.clone(), ears.clone(), fan.clone(), self.missing, line);
        let port = Arc::new(port);
        let parts = self.parts(name, port.clone(), fan);
        (Gateway::assemble(parts).expect("assembles"), port)
    }

    /// One life of the gateway, from what the last one left; gives what it leaves.
    fn live(&self, snapshot: MemorySnapshot, crash_after: Option<u64>) -> (MemorySnapshot, Ended) {
        let runtime = runtime();
        let (memory, ended) = runtime.block_on(async {
            self.clock.begin();
            self.trace.note(format!("START, to crash after {crash_after:?}"));
            if crash_after.is_none() {
                self.service.end_faults();
            }
            let faults =
                Arc::new(Faults::new(self.rng.next_u64(), crash_after, self.trace.clone()));
            let ears = Arc::new(Ears::default());
            let memory = Arc::new(
                MemoryStorage::from_snapshot(snapshot, self.clock.clone(), ears.clone())
                    .with_hook(faults.clone()),
            );
            let (gateways, ports): (Vec<_>, Vec<_>) = NAMES[..self.plan.gateways]
                .iter()
                .map(|name| self.gateway(name, &memory, &ears, crash_after.is_some()))
                .unzip();
            let ended = tokio::select! {
                biased;
                () = faults.crashed.notified() => Ended::Crashed,
                ended = self.run(&gateways, &ports, memory.as_ref()) => ended,
            };
            if matches!(ended, Ended::Quiet) {
                check(memory.as_ref(), &self.service, &self.trace).await;
            }
            // Read within the runtime, whose paused time it follows.
            self.clock.end(Duration::from_millis(self.rng.below(20_000)));
            (memory, ended)
        });
        // All tasks of this life end here, wherever they stand.
        drop(runtime);
        (memory.snapshot(), ended)
    }

    fn line(&self, has_faults: bool) -> Line {
        let is_shared = self.plan.gateways > 1;
        Line {
            rng: SeededRng::new(self.rng.next_u64()),
            trace: self.trace.clone(),
            is_shared,
            stuck_one_in: (has_faults && is_shared).then_some(STUCK_ONE_IN),
            stuck_until: Mutex::default(),
        }
    }

    /// Starts the gateways at their own moments and waits until there is nothing left to do.
    async fn run(&self, gateways: &[Gateway], ports: &[Arc<Port>], storage: &dyn Storage) -> Ended {
        let starts = gateways.iter().map(|gateway| {
            let pause = Duration::from_millis(self.rng.below(10_000));
            async move {
                tokio::time::sleep(pause).await;
                gateway.start().await
            }
        });
        for started in join_all(starts).await {
            if let Err(error) = started {
                self.trace.violation(format!("the gateway does not start: {error}"));
                return Ended::Stuck;
            }
        }
        let until = self.clock.now().plus(PATIENCE);
        while self.clock.now() < until {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let backlog = storage.backlog().await.expect("reads");
            let is_done = backlog.inputs == 0 && backlog.outbox == 0;
            if is_done && self.service.is_quiet() && !ports.iter().any(|port| port.is_stuck()) {
                return Ended::Quiet;
            }
        }
        Ended::Stuck
    }

    fn parts(&self, name: &str, storage: Arc<Port>, fan: Arc<CommitFan>) -> Parts {
        let runner = ScriptedRunner {
            storage: storage.clone(),
            clock: self.clock.clone(),
            rng: SeededRng::new(self.rng.next_u64()),
            trace: self.trace.clone(),
            at_work: Arc::new(Mutex::default()),
        };
        let rng = Arc::new(SeededRng::new(self.seed ^ self.rng.next_u64()));
        let memory = Memory::new(MemoryDeps {
            storage: storage.clone(),
            clock: self.clock.clone(),
            rng: Arc::new(SeededRng::new(self.seed)),
            config: self.config.clone(),
        });
        let jobs = Jobs::new(JobsDeps {
            storage: storage.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            zone: jiff::tz::TimeZone::UTC,
        });
        Parts {
            models: Arc::new(Models::new(
                ModelHttp::new(Default::default()),
                rng.clone(),
                RetryPolicy::default(),
            )),
            ledger: Arc::new(Ledger::new(storage.clone(), jiff::tz::TimeZone::UTC)),
            contexts: Arc::new(openclaw_agents::NoContexts),
            skills: Arc::new(openclaw_agents::NoContexts),
            desk: Desk::new(storage.clone(), self.clock.clone(), self.ids.clone()),
            handle: GatewayHandle::default(),
            config: self.config.clone(),
            jobs: Arc::new(jobs),
            fetcher: FETCHER.clone(),
            source: Arc::new(FixedSource(self.config.clone())),
            storage,
            fan,
            runner: Arc::new(runner),
            tools: Arc::new(ToolRegistry::builder().build()),
            memory,
            factories: vec![Arc::new(FakeChannel::new(self.service.clone(), self.plan))],
            media: Arc::new(MediaStore::new("/nowhere/media")),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            rng,
            time_zone: jiff::tz::TimeZone::UTC,
            identity: Identity {
                gateway_id: name.to_owned(),
                version: "0.0.0",
                started_at: self.clock.now(),
                pid: 1,
            },
        }
    }
}

/// A configuration that never changes.
#[derive(Debug)]
struct FixedSource(Arc<Config>);

#[async_trait]
impl ConfigSource for FixedSource {
    async fn load(&self) -> Result<Arc<Config>, Vec<String>> {
        Ok(self.0.clone())
    }

    async fn keep(&self) {}

    fn get(&self, _: Option<&str>) -> Result<Value, OpenClawError> {
        Err(OpenClawError::unavailable("the configuration is fixed"))
    }

    async fn set(&self, _: &str, _: Option<&Value>, _: &str) -> Result<PathBuf, OpenClawError> {
        Err(OpenClawError::unavailable("the configuration is fixed"))
    }

    async fn change(
        &self,
        _: &[(String, Option<Value>)],
        author: &str,
    ) -> Result<PathBuf, OpenClawError> {
        Ok(PathBuf::from(format!("/by/{author}")))
    }

    fn schema(&self) -> Value {
        Value::Null
    }
}
