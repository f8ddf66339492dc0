use std::path::PathBuf;
use std::sync::Arc;

use openclaw_agents::Ledger;
use openclaw_agents::memory::Memory;
use openclaw_agents::model::Models;
use openclaw_core::{Clock, IdGen, Rng, Timestamp};
use openclaw_media::{Fetcher, MediaStore};
use openclaw_sessions::{Lanes, TurnRunner};
use openclaw_storage::Storage;
use openclaw_tools::ToolRegistry;

use crate::auth::Credentials;
use crate::auth::devices::Devices;
use crate::channels::ChannelRegistry;
use crate::delivery::Delivery;
use crate::hub::Hub;
use crate::ingress::GatewayIngress;
use crate::lifecycle::{ConfigHandle, Shutdown};
use crate::observe::Metrics;
use crate::schedule::Clockwork;
use crate::server_info::ServerInfo;
use crate::typescript::Audience;

/// Everything a running gateway is made of. RPC methods work on this and nothing else.
#[derive(Debug)]
pub struct GatewayState {
    /// The configuration, its reload and what is wrong with the file.
    pub config: Arc<ConfigHandle>,
    /// The store.
    pub storage: Arc<dyn Storage>,
    /// The lanes of live sessions.
    pub lanes: Lanes,
    /// What runs turns.
    pub runner: Arc<dyn TurnRunner>,
    /// The one way in.
    pub ingress: Arc<GatewayIngress>,
    /// The one way out.
    pub delivery: Arc<Delivery>,
    /// The channels.
    pub channels: Arc<ChannelRegistry>,
    /// The models that turns ask, and what failed lately.
    pub models: Arc<Models>,
    /// What agents used today.
    pub ledger: Arc<Ledger>,
    /// The owner's time zone.
    pub time_zone: jiff::tz::TimeZone,
    /// The tools.
    pub tools: Arc<ToolRegistry>,
    /// What agents can search.
    pub memory: Memory,
    /// API keys, access tokens, the password.
    pub credentials: Arc<Credentials>,
    /// Fan-out to clients.
    pub hub: Arc<Hub>,
    /// Clients of the TypeScript protocol, and what they are told.
    pub typescript: Arc<Audience>,
    /// Devices: who waits for approval and who is approved.
    pub devices: Arc<Devices>,
    /// The jobs that run at some time.
    pub jobs: Arc<openclaw_agents::schedule::Jobs>,
    /// What the scheduler keeps between two looks.
    pub clockwork: Arc<Clockwork>,
    /// What fetches URLs that came from outside.
    pub fetcher: Fetcher,
    /// Attachments.
    pub media: Arc<MediaStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn IdGen>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Who this gateway is.
    pub identity: Identity,
    /// The log that this process writes.
    pub log_file: Option<PathBuf>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What the port tells of itself.
    pub server: ServerInfo,
    /// How it ends.
    pub shutdown: Shutdown,
}

/// Who this gateway is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `<state>/gateway.id`: the owner of its leases, the same over restarts.
    pub gateway_id: String,
    /// The program's version.
    pub version: &'static str,
    /// When this process began to serve.
    pub started_at: Timestamp,
    /// The process.
    pub pid: u32,
}
