use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use openclaw_config::{ChannelTable, Config, Environment, LoadRequest, NoChannels, validate_text};
use openclaw_core::{Clock as _, Rng as _};
use openclaw_errors::OpenClawError;
use openclaw_gateway::Identity;
use openclaw_gateway::lifecycle::{CommitFan, ConfigSource, Gateway, Parts};
use openclaw_media::MediaStore;
use openclaw_storage::Storage;
use openclaw_storage::memory::{MemorySnapshot, MemoryStorage};
use openclaw_testkit::{SeededIds, SeededRng};
use openclaw_tools::ToolRegistry;
use serde_json::Value;

use crate::channel::{FakeChannel, kind};
use crate::check::check;
use crate::runner::ScriptedRunner;
use crate::service::Service;
use crate::world::{Faults, Trace, WorldClock};

/// Lives with faults before the last one, which has none.
const MOST_CRASHES: u64 = 4;
/// A gateway without faults must be done by then.
const PATIENCE: Duration = Duration::from_secs(4_000);
const MODES: [&str; 4] = ["queue", "batch", "immediate", "interrupt"];

/// What one seed did.
pub(crate) struct Outcome {
    pub(crate) trace: String,
    pub(crate) violations: Vec<String>,
    pub(crate) crashes: u64,
}

/// Everything that outlives a gateway.
struct World {
    seed: u64,
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

/// Runs one seed to its end.
pub(crate) fn simulate(seed: u64) -> Outcome {
    let clock = Arc::new(WorldClock::default());
    let trace = Arc::new(Trace::new(clock.clone()));
    let service = Arc::new(Service::new(seed ^ 0x5e4_71ce, clock.clone(), trace.clone()));
    let world = World {
        seed,
        config: config(MODES[(seed % 4) as usize]),
        clock,
        trace,
        service,
        ids: Arc::new(SeededIds::new(seed as u32)),
        rng: SeededRng::new(seed),
    };
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

impl World {
    /// One life of the gateway, from what the last one left; gives what it leaves.
    fn live(&self, snapshot: MemorySnapshot, crash_after: Option<u64>) -> (MemorySnapshot, Ended) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let (storage, ended) = runtime.block_on(async {
            self.clock.begin();
            self.trace.note(format!("START, to crash after {crash_after:?}"));
            if crash_after.is_none() {
                self.service.end_faults();
            }
            let faults =
                Arc::new(Faults::new(self.rng.next_u64(), crash_after, self.trace.clone()));
            let fan = Arc::new(CommitFan::new());
            let storage = Arc::new(
                MemoryStorage::from_snapshot(snapshot, self.clock.clone(), fan.clone())
                    .with_hook(faults.clone()),
            );
            let gateway = Gateway::assemble(self.parts(storage.clone(), fan)).expect("assembles");
            let ended = tokio::select! {
                biased;
                () = faults.crashed.notified() => Ended::Crashed,
                ended = self.run(&gateway, storage.as_ref()) => ended,
            };
            if matches!(ended, Ended::Quiet) {
                check(storage.as_ref(), &self.service, &self.trace).await;
            }
            // Read within the runtime, whose paused time it follows.
            self.clock.end(Duration::from_millis(self.rng.below(20_000)));
            (storage, ended)
        });
        // All tasks of this life end here, wherever they stand.
        drop(runtime);
        (storage.snapshot(), ended)
    }

    async fn run(&self, gateway: &Gateway, storage: &dyn Storage) -> Ended {
        if let Err(error) = gateway.start().await {
            self.trace.violation(format!("the gateway does not start: {error}"));
            return Ended::Stuck;
        }
        let until = self.clock.now().plus(PATIENCE);
        while self.clock.now() < until {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let backlog = storage.backlog().await.expect("reads");
            if self.service.is_quiet() && backlog.inputs == 0 && backlog.outbox == 0 {
                return Ended::Quiet;
            }
        }
        Ended::Stuck
    }

    fn parts(&self, storage: Arc<MemoryStorage>, fan: Arc<CommitFan>) -> Parts {
        let runner = ScriptedRunner {
            storage: storage.clone(),
            clock: self.clock.clone(),
            rng: SeededRng::new(self.rng.next_u64()),
            trace: self.trace.clone(),
            at_work: Arc::new(Mutex::default()),
        };
        Parts {
            config: self.config.clone(),
            source: Arc::new(FixedSource(self.config.clone())),
            storage,
            fan,
            runner: Arc::new(runner),
            tools: Arc::new(ToolRegistry::builder().build()),
            factories: vec![Arc::new(FakeChannel::new(self.service.clone()))],
            media: Arc::new(MediaStore::new("/nowhere/media")),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            rng: Arc::new(SeededRng::new(self.seed ^ self.rng.next_u64())),
            time_zone: jiff::tz::TimeZone::UTC,
            identity: Identity {
                gateway_id: "gateway".to_owned(),
                version: "0.0.0",
                started_at: self.clock.now(),
                pid: 1,
            },
        }
    }
}

fn config(mode: &str) -> Arc<Config> {
    let environment = Environment::new([], "/nowhere", "/nowhere");
    let text = format!("[session]\nqueue_mode = \"{mode}\"\n");
    let loaded = validate_text(&LoadRequest::new(&environment, &NoChannels), &text)
        .expect("the configuration is good");
    let table = ChannelTable::from_toml(kind(), "", &environment).expect("an empty table");
    let mut config = Config::clone(&loaded.config);
    config.channels = BTreeMap::from([(kind(), table)]);
    Arc::new(config)
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

    fn schema(&self) -> Value {
        Value::Null
    }
}
