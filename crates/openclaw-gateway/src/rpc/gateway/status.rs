use openclaw_agents::{ModelProbe, probe};
use openclaw_channel_traits::ChannelState;
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{
    BacklogStatus, ChannelSummary, ConfigProblem, GatewayStatus, GatewayStatusParams, StorageStatus,
};

use crate::GatewayState;
use crate::rpc::channel::describe::state_of;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: GatewayStatusParams,
) -> Result<GatewayStatus, OpenClawError> {
    let config = state.config.current();
    let now = state.clock.now();
    let backlog = state.storage.backlog().await?;
    let model = match probe(&config, &config.default_agent().id) {
        ModelProbe::Ready { model, .. } => Some(model),
        ModelProbe::Missing(_) => None,
    };
    Ok(GatewayStatus {
        version: state.identity.version.to_owned(),
        pid: state.identity.pid,
        started_at: state.identity.started_at,
        uptime_ms: u64::try_from(now.since(state.identity.started_at).as_millis())
            .unwrap_or(u64::MAX),
        listening: state.server.addresses(),
        tls_fingerprint: state.server.fingerprint(),
        state_dir: config.state_dir.display().to_string(),
        config_file: config.file.as_ref().map(|file| file.display().to_string()),
        inert_keys: config.inert_keys.clone(),
        config_problem: state
            .config
            .problem()
            .map(|problem| ConfigProblem { errors: problem.errors, since: problem.since }),
        needs_restart: state.config.needs_restart(),
        model,
        connections: state.server.connections(),
        sessions: state.storage.count_sessions().await?,
        backlog: BacklogStatus {
            inputs: backlog.inputs,
            outbox: backlog.outbox,
            unknown: backlog.unknown,
            failed: backlog.failed,
            resent: backlog.resent,
        },
        channels: channels(state, params.deep).await,
        storage: if params.deep { Some(storage(state).await) } else { None },
        rss_bytes: rss_bytes(),
    })
}

async fn channels(state: &GatewayState, deep: bool) -> Vec<ChannelSummary> {
    let mut summaries = Vec::new();
    for channel in state.channels.list() {
        let probe_ok = match (deep, channel.state) {
            (true, ChannelState::Connected) => {
                Some(state.channels.probe(&channel.channel_id).await.is_ok())
            }
            _ => None,
        };
        summaries.push(ChannelSummary {
            state: state_of(channel.state),
            last_error: channel.last_error,
            channel_id: channel.channel_id,
            probe_ok,
        });
    }
    summaries
}

async fn storage(state: &GatewayState) -> StorageStatus {
    match state.storage.health().await {
        Ok(health) => StorageStatus {
            ok: true,
            engine: health.engine.to_owned(),
            version: health.version,
            schema: health.schema,
            size_bytes: health.size_bytes,
            error: None,
        },
        Err(error) => StorageStatus {
            ok: false,
            engine: String::new(),
            version: String::new(),
            schema: 0,
            size_bytes: 0,
            error: Some(openclaw_errors::display_chain(&error)),
        },
    }
}

/// Resident memory of this process, where Linux tells.
pub(crate) fn rss_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
