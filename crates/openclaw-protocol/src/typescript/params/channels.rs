use serde::Deserialize;

/// The params of `channels.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChannelsStatusParams {
    /// Whether to ask the services.
    pub probe: Option<bool>,
    /// For how long.
    pub timeout_ms: Option<u64>,
}

/// The params of `channels.logout`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChannelsLogoutParams {
    /// The kind of channel.
    pub channel: String,
    /// The account.
    pub account_id: Option<String>,
}
