//! `hello-ok`: what a client is told when it is let in.

use openclaw_core::Timestamp;
use openclaw_errors::OpenClawError;
use openclaw_protocol::typescript::connect::{
    ConnectParams, HelloAuth, HelloFeatures, HelloOk, HelloPolicy, HelloServer, PresenceEntry,
    SessionDefaults, Snapshot,
};
use openclaw_protocol::typescript::methods as table;
use openclaw_protocol::{Scope, ScopeSet};
use serde_json::json;

use super::link::Link;
use super::methods::health;

/// The time between two ticks.
pub(crate) const TICK_MS: u64 = 30_000;
const MAX_PAYLOAD: usize = 25 << 20;
const MAX_BUFFERED: usize = 50 << 20;

/// A device's token to tell.
pub(super) struct Issued {
    pub(super) token: String,
    pub(super) at: Option<Timestamp>,
}

/// The answer to `connect`.
pub(super) async fn hello(
    link: &Link,
    version: u32,
    scopes: ScopeSet,
    issued: Option<Issued>,
) -> Result<HelloOk, OpenClawError> {
    let state = &link.state;
    let auth = match (issued, version) {
        (None, ..=3) => None,
        (issued, _) => {
            let (device_token, issued_at_ms) = match issued {
                Some(issued) => (Some(issued.token), issued.at.map(Timestamp::as_millis)),
                None => (None, None),
            };
            let scopes = scopes.iter().map(Scope::as_str).collect();
            Some(HelloAuth { device_token, role: "operator".to_owned(), scopes, issued_at_ms })
        }
    };
    let config = state.config.current();
    let default_agent = config.default_agent().id.to_string();
    let uptime = state.clock.now().since(state.identity.started_at);
    let is_admin = scopes.allows(Scope::Admin);
    let path = |path: &std::path::Path| is_admin.then(|| path.display().to_string());
    let (presence, health) = match scopes.allows(Scope::Read) {
        true => (state.typescript.presence(), health::snapshot(state, scopes).await?),
        // Who may read nothing is told that somebody is here.
        false => {
            let now = state.clock.now().as_millis();
            (vec![state.typescript.this_gateway()], json!({ "ok": true, "ts": now }))
        }
    };
    Ok(HelloOk {
        r#type: "hello-ok",
        protocol: version,
        server: HelloServer {
            version: state.identity.version.to_owned(),
            host: (version <= 3).then(host_name),
            conn_id: link.id.clone(),
        },
        features: HelloFeatures { methods: table::answered(), events: table::sent() },
        snapshot: Snapshot {
            presence,
            health,
            state_version: state.typescript.version(),
            uptime_ms: u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX),
            config_path: config.file.as_deref().and_then(path),
            state_dir: path(&config.state_dir),
            session_defaults: SessionDefaults {
                main_session_key: format!("agent:{default_agent}:main"),
                default_agent_id: default_agent,
                main_key: "main",
                scope: "per-sender",
            },
            auth_mode: "token",
        },
        auth,
        policy: HelloPolicy {
            max_payload: MAX_PAYLOAD,
            max_buffered_bytes: MAX_BUFFERED,
            tick_interval_ms: TICK_MS,
        },
    })
}

/// The name of this machine.
pub(super) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// This gateway among those who are here.
pub(super) fn this_gateway(version: &str, now: Timestamp) -> PresenceEntry {
    let system = rustix::system::uname();
    let host = host_name();
    let version = version.to_owned();
    PresenceEntry {
        text: format!("Gateway: {host} · app {version} · mode gateway · reason self"),
        host,
        ip: None,
        version: Some(version),
        platform: Some(format!("{} {}", std::env::consts::OS, system.release().to_string_lossy())),
        device_family: Some(system.sysname().to_string_lossy().into_owned()),
        model_identifier: Some(std::env::consts::ARCH.to_owned()),
        mode: Some("gateway".to_owned()),
        reason: Some("self".to_owned()),
        device_id: None,
        roles: Vec::new(),
        scopes: Vec::new(),
        instance_id: None,
        last_input_seconds: None,
        ts: now.as_millis(),
    }
}

/// The client among those who are here, unless it is a command that comes and goes.
pub(super) fn presence(
    link: &Link,
    params: &ConnectParams,
    scopes: ScopeSet,
) -> Option<(String, PresenceEntry)> {
    let client = &params.client;
    if client.is_command() {
        return None;
    }
    let device = params.device.as_ref().map(|device| device.id.clone());
    let instance = device.clone().or_else(|| client.instance_id.clone());
    let key = instance.clone().unwrap_or_else(|| link.id.clone());
    let host = client.display_name.clone().unwrap_or_else(|| client.id.clone());
    let ip = (!link.facts.is_local).then(|| link.facts.address.to_string());
    let entry = PresenceEntry {
        text: format!(
            "Node: {host} · app {} · mode {} · reason connect",
            client.version, client.mode
        ),
        host,
        ip,
        version: Some(client.version.clone()),
        platform: Some(client.platform.clone()),
        device_family: client.device_family.clone(),
        model_identifier: client.model_identifier.clone(),
        mode: Some(client.mode.clone()),
        reason: Some("connect".to_owned()),
        device_id: device,
        roles: vec!["operator".to_owned()],
        scopes: scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        instance_id: instance,
        last_input_seconds: None,
        ts: link.state.clock.now().as_millis(),
    };
    Some((key, entry))
}
