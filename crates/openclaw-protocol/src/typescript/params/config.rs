use serde::Deserialize;

/// The params of `config.set`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigSetParams {
    /// The whole configuration as JSON.
    pub raw: String,
    /// The hash of what was read.
    pub base_hash: Option<String>,
}

/// The params of `config.apply` and `config.patch`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigApplyParams {
    /// The configuration, or a merge patch of it, as JSON.
    pub raw: String,
    /// The hash of what was read.
    pub base_hash: Option<String>,
    /// Whom to tell after a restart.
    pub session_key: Option<String>,
    /// What to tell.
    pub note: Option<String>,
    /// When to restart.
    pub restart_delay_ms: Option<u64>,
}
