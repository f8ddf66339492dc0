use std::sync::Arc;
use std::time::Duration;

use openclaw_agents::memory::Memory;
use openclaw_agents::model::Models;
use openclaw_agents::schedule::Jobs;
use openclaw_agents::{Contexts, Desk, Ledger, SkillShelf};
use openclaw_channel_traits::ChannelFactory;
use openclaw_config::Config;
use openclaw_core::{Clock, IdGen, Rng};
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_media::{Fetcher, MediaStore};
use openclaw_routing::RoutingTable;
use openclaw_sessions::{LaneDeps, LaneLimits, Lanes, TurnRunner};
use openclaw_storage::Storage;
use openclaw_tools::ToolRegistry;
use tokio_util::task::TaskTracker;

use super::audiences::Audiences;
use super::commit_fan::CommitFan;
use super::config_handle::ConfigHandle;
use super::reload::{ConfigSource, Reloader};
use super::shutdown::Shutdown;
use crate::approvals::StoredApprovals;
use crate::auth::Credentials;
use crate::auth::devices::Devices;
use crate::channels::{ChannelRegistry, RegistryDeps};
use crate::commands::{CommandDeps, CommandRunner};
use crate::delivery::{Delivery, DeliveryDeps};
use crate::hub::Hub;
use crate::ingress::{GatewayIngress, IngressDeps};
use crate::server_info::ServerInfo;
use crate::state::{GatewayState, Identity};
use crate::tools::{GatewayHandle, GatewaySessions};
use crate::typescript::Audience;

/// How long running turns may go on after an end was requested, before they are parked.
const TURN_LIMIT: Duration = Duration::from_secs(10);
const SEND_LIMIT: Duration = Duration::from_secs(3);
const CHANNEL_LIMIT: Duration = Duration::from_secs(6);
const HOUSEKEEPING_LIMIT: Duration = Duration::from_secs(2);

/// What the composition root brings.
#[derive(Debug)]
pub struct Parts {
    /// The configuration to begin with.
    pub config: Arc<Config>,
    /// Where it is read from again.
    pub source: Arc<dyn ConfigSource>,
    /// The store, opened with `fan` as its observer.
    pub storage: Arc<dyn Storage>,
    /// The store's observer.
    pub fan: Arc<CommitFan>,
    /// What runs turns.
    pub runner: Arc<dyn TurnRunner>,
    /// The models that it asks.
    pub models: Arc<Models>,
    /// What its agents used today.
    pub ledger: Arc<Ledger>,
    /// Shows and shortens what its models are sent.
    pub contexts: Arc<dyn Contexts>,
    /// The skills of its agents.
    pub skills: Arc<dyn SkillShelf>,
    /// The tools.
    pub tools: Arc<ToolRegistry>,
    /// What agents can search.
    pub memory: Memory,
    /// One factory per kind of channel.
    pub factories: Vec<Arc<dyn ChannelFactory>>,
    /// The jobs that run at some time.
    pub jobs: Arc<Jobs>,
    /// What fetches URLs that came from outside.
    pub fetcher: Fetcher,
    /// What tools about sessions work with.
    pub desk: Desk,
    /// The gateway, for tools that were made before it.
    pub handle: GatewayHandle,
    /// Attachments.
    pub media: Arc<MediaStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn IdGen>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// The owner's time zone.
    pub time_zone: jiff::tz::TimeZone,
    /// Who this gateway is.
    pub identity: Identity,
}

/// A gateway without its port: what a process serves, and what an in-process run uses directly.
#[derive(Debug)]
pub struct Gateway {
    state: Arc<GatewayState>,
    /// What goes on beside the work for clients.
    housekeeping: TaskTracker,
}

impl Gateway {
    /// Puts the parts together; nothing runs yet.
    ///
    /// # Errors
    /// `Config` when the routing rules do not compile.
    pub fn assemble(parts: Parts) -> Result<Self, OpenClawError> {
        // The file that the process began with: another one takes a restart.
        let log_file = parts.config.logging.file.clone();
        let routing = RoutingTable::compile(&parts.config)
            .map_err(|error| OpenClawError::new(ErrorKind::Config, error.to_string()))?;
        let config = Arc::new(ConfigHandle::new(parts.config.clone()));
        let hub = Arc::new(Hub::new(parts.storage.clone(), parts.clock.clone()));
        let typescript = Arc::new(Audience::new(parts.clock.clone(), parts.identity.version));
        let audiences = Arc::new(Audiences { hub: hub.clone(), typescript: typescript.clone() });
        parts.fan.attach(audiences.clone());
        let owner = parts.identity.gateway_id.clone();
        let channels = Arc::new(ChannelRegistry::new(RegistryDeps {
            factories: parts.factories,
            storage: parts.storage.clone(),
            media: parts.media.clone(),
            clock: parts.clock.clone(),
            ids: parts.ids.clone(),
            rng: parts.rng.clone(),
            owner: owner.clone(),
        }));
        let delivery = Delivery::new(DeliveryDeps {
            storage: parts.storage.clone(),
            channels: channels.clone(),
            live: audiences,
            config: config.watch(),
            due: parts.fan.due(),
            clock: parts.clock.clone(),
            ids: parts.ids.clone(),
            rng: parts.rng.clone(),
            owner: owner.clone(),
        });
        let commands = CommandDeps {
            storage: parts.storage.clone(),
            models: parts.models.clone(),
            ledger: parts.ledger.clone(),
            contexts: parts.contexts,
            skills: parts.skills,
            clock: parts.clock.clone(),
            version: parts.identity.version,
            approvals: parts.tools.approvals().cloned(),
            handle: parts.handle.clone(),
        };
        let runner: Arc<dyn TurnRunner> = Arc::new(CommandRunner::new(commands, parts.runner));
        let lanes = Lanes::new(LaneDeps {
            storage: parts.storage.clone(),
            runner: runner.clone(),
            delivery: delivery.clone(),
            clock: parts.clock.clone(),
            ids: parts.ids.clone(),
            config: config.watch(),
            owner,
            limits: LaneLimits::default(),
        });
        let ingress = Arc::new(GatewayIngress::new(
            IngressDeps {
                storage: parts.storage.clone(),
                channels: channels.clone(),
                lanes: lanes.clone(),
                runner: runner.clone(),
                approvals: parts.tools.approvals().cloned(),
                config: config.watch(),
                clock: parts.clock.clone(),
                ids: parts.ids.clone(),
                rng: parts.rng.clone(),
                time_zone: parts.time_zone.clone(),
            },
            routing,
        ));
        channels.attach(ingress.clone());
        config.attach(Arc::new(Reloader {
            source: parts.source,
            channels: channels.clone(),
            ingress: ingress.clone(),
            clock: parts.clock.clone(),
            began_with: parts.config,
        }));
        parts.jobs.attach(config.watch());
        let devices = Arc::new(Devices::new(
            parts.storage.clone(),
            parts.clock.clone(),
            parts.ids.clone(),
            parts.rng.clone(),
        ));
        let credentials = Arc::new(Credentials::new(
            parts.storage.clone(),
            parts.clock.clone(),
            parts.ids.clone(),
            parts.rng.clone(),
        ));
        credentials.set_password(config.current().gateway.auth.password_hash.as_ref());
        parts.memory.follow(config.watch());
        if let Some(approvals) = parts.tools.approvals() {
            let log =
                StoredApprovals::new(parts.storage.clone(), parts.clock.clone(), parts.ids.clone());
            approvals.attach(Arc::new(log));
        }
        let state = GatewayState {
            config,
            storage: parts.storage,
            lanes,
            runner,
            ingress,
            delivery,
            channels,
            models: parts.models,
            ledger: parts.ledger,
            time_zone: parts.time_zone,
            tools: parts.tools,
            memory: parts.memory,
            credentials,
            hub,
            typescript,
            devices,
            jobs: parts.jobs,
            clockwork: Arc::default(),
            fetcher: parts.fetcher,
            media: parts.media,
            clock: parts.clock,
            ids: parts.ids,
            rng: parts.rng,
            identity: parts.identity,
            log_file,
            metrics: parts.fan.metrics(),
            server: ServerInfo::default(),
            shutdown: Shutdown::new(),
        };
        let state = Arc::new(state);
        parts.handle.attach(&state);
        parts.desk.attach(Arc::new(GatewaySessions {
            state: Arc::downgrade(&state),
            config: state.config.clone(),
        }));
        Ok(Self { state, housekeeping: TaskTracker::new() })
    }

    /// Starts what works without a client: delivery, interrupted and waiting inputs, channels.
    ///
    /// # Errors
    /// `Database` when the store cannot be read, `Config` with every issue of the channel tables.
    pub async fn start(&self) -> Result<(), OpenClawError> {
        let state = &self.state;
        state.credentials.load().await?;
        state.delivery.start();
        self.housekeeping.spawn(super::retention::run(state.clone()));
        self.housekeeping.spawn(super::archive::run(state.clone()));
        state.ingress.recover_commands().await?;
        state.lanes.recover().await?;
        state.channels.apply(&state.config.current()).await.map_err(|issues| {
            let lines: Vec<String> = issues.iter().map(ToString::to_string).collect();
            OpenClawError::new(ErrorKind::Config, lines.join("\n"))
        })
    }

    /// Runs jobs and heartbeats from now on. A process that serves for one command leaves them to the
    /// next one that stays.
    pub fn run_jobs(&self) {
        let tasks = self.housekeeping.clone();
        self.housekeeping.spawn(crate::schedule::run(self.state.clone(), tasks));
    }

    /// What it is made of.
    pub fn state(&self) -> &Arc<GatewayState> {
        &self.state
    }

    /// Ends everything in order: no new work, turns finished or parked, sends finished or kept, store
    /// closed. Takes at most about 14 s.
    pub async fn shutdown(self) {
        let state = self.state;
        state.shutdown.request();
        self.housekeeping.close();
        // Turns go on while channels still stand: a reply that is ready can leave.
        state.lanes.shutdown(TURN_LIMIT).await;
        state.delivery.shutdown(SEND_LIMIT).await;
        state.channels.shutdown(CHANNEL_LIMIT).await;
        state.memory.end().await;
        state.shutdown.force();
        if tokio::time::timeout(HOUSEKEEPING_LIMIT, self.housekeeping.wait()).await.is_err() {
            tracing::warn!("housekeeping did not end in time");
        }
        state.credentials.store_uses().await;
        state.storage.close().await;
    }
}
