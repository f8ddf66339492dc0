use openclaw_core::ChannelId;
use openclaw_protocol::methods::{
    ChannelDisconnect, ChannelParams, ChannelState, ChannelStatus, ChannelStatusGet,
    ChannelStatusParams,
};
use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params::{ChannelsLogoutParams, ChannelsStatusParams};
use serde_json::{Map, Value, json};

use super::Call;
use crate::GatewayState;
use crate::rpc::describe_channel;

/// The account of a channel that has only one.
const DEFAULT: &str = "default";

/// A kind of channel with the account that speaks for it.
pub(super) struct Kind {
    pub(super) kind: String,
    pub(super) label: String,
    pub(super) summary: Value,
}

/// The channels by kind; the built-in one is how these clients talk and is not told.
pub(super) fn accounts(state: &GatewayState) -> Vec<Kind> {
    let described: Vec<_> = state.channels.list().into_iter().map(describe_channel).collect();
    by_kind(&described).into_iter().map(|(kind, _)| kind).collect()
}

/// One line for each channel.
pub(super) fn lines(state: &GatewayState) -> Vec<String> {
    accounts(state)
        .into_iter()
        .map(|kind| {
            let state = kind.summary["state"].as_str().unwrap_or_default().to_owned();
            format!("{}: {state}", kind.label)
        })
        .collect()
}

fn by_kind(accounts: &[ChannelStatus]) -> Vec<(Kind, Vec<Value>)> {
    let mut kinds: Vec<(Kind, Vec<Value>)> = Vec::new();
    for account in accounts.iter().filter(|account| account.channel_id != ChannelId::web()) {
        let kind = account.kind.to_string();
        let snapshot = snapshot(account);
        match kinds.iter_mut().find(|(known, _)| known.kind == kind) {
            Some((_, snapshots)) => snapshots.push(snapshot),
            None => {
                let label = account.name.clone();
                kinds.push((Kind { kind, label, summary: snapshot.clone() }, vec![snapshot]));
            }
        }
    }
    for (kind, snapshots) in &mut kinds {
        let by_account: Map<String, Value> = snapshots
            .iter()
            .filter_map(|snapshot| {
                Some((snapshot["accountId"].as_str()?.to_owned(), snapshot.clone()))
            })
            .collect();
        kind.summary["accounts"] = Value::Object(by_account);
    }
    kinds
}

fn snapshot(account: &ChannelStatus) -> Value {
    let connected = account.state == ChannelState::Connected;
    let mut snapshot = json!({
        "accountId": account_of(&account.channel_id),
        "name": account.account,
        "enabled": account.enabled,
        "configured": true,
        "linked": connected,
        "running": !matches!(account.state, ChannelState::Stopped | ChannelState::Failed),
        "connected": connected,
        "state": account.state,
        "reconnectAttempts": account.health.restarts,
        "lastError": account.last_error,
    });
    if let Some(at) = account.health.last_alive_at {
        snapshot["lastInboundAt"] = json!(at.as_millis());
    }
    if account.health.probe_ms.is_some() || account.health.probe_error.is_some() {
        snapshot["probe"] = json!({
            "ok": account.health.probe_error.is_none(),
            "elapsedMs": account.health.probe_ms,
            "error": account.health.probe_error,
        });
    }
    snapshot
}

/// The account within its kind.
fn account_of(channel: &ChannelId) -> &str {
    channel.as_str().split_once('/').map_or(DEFAULT, |(_, account)| account)
}

/// The channel that a kind and an account name.
pub(super) fn channel(kind: &str, account: Option<&str>) -> Result<ChannelId, WireError> {
    let kind = kind.trim().to_lowercase();
    // The built-in channel's other name.
    let kind = if kind == "webchat" { "web".to_owned() } else { kind };
    let id = match account.map(str::trim).filter(|account| !account.is_empty()) {
        None | Some(DEFAULT) => kind.clone(),
        Some(account) => format!("{kind}/{account}"),
    };
    ChannelId::new(id).map_err(|_| WireError::invalid(format!("unsupported channel: {kind}")))
}

pub(super) async fn status(call: Call<'_>) -> Result<Value, WireError> {
    let params: ChannelsStatusParams = call.params()?;
    let probe = params.probe.unwrap_or(false);
    let asked = ChannelStatusParams { channel_id: None, probe };
    let channels = call.of::<ChannelStatusGet>(asked).await?.channels;
    let kinds = by_kind(&channels);
    let map = |value: &dyn Fn(&Kind, &Vec<Value>) -> Value| -> Map<String, Value> {
        kinds.iter().map(|(kind, all)| (kind.kind.clone(), value(kind, all))).collect()
    };
    let meta: Vec<Value> = kinds
        .iter()
        .map(|(kind, _)| json!({ "id": kind.kind, "label": kind.label, "detailLabel": kind.label }))
        .collect();
    Ok(json!({
        "ts": call.state.clock.now().as_millis(),
        "channelOrder": kinds.iter().map(|(kind, _)| &kind.kind).collect::<Vec<_>>(),
        "channelLabels": map(&|kind, _| json!(kind.label)),
        "channelDetailLabels": map(&|kind, _| json!(kind.label)),
        "channelSystemImages": {},
        "channelMeta": meta,
        "channels": map(&|kind, _| kind.summary.clone()),
        "channelAccounts": map(&|_, all| json!(all)),
        "channelDefaultAccountId": map(&|_, all| all[0]["accountId"].clone()),
    }))
}

pub(super) async fn logout(call: Call<'_>) -> Result<Value, WireError> {
    let params: ChannelsLogoutParams = call.params()?;
    let channel_id = channel(&params.channel, params.account_id.as_deref())?;
    let account = account_of(&channel_id).to_owned();
    call.of::<ChannelDisconnect>(ChannelParams { channel_id }).await?;
    Ok(json!({
        "channel": params.channel,
        "accountId": account,
        "cleared": false,
        // It is disconnected; its credential stands in the configuration.
        "loggedOut": false,
    }))
}
