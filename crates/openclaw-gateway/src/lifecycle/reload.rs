use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use openclaw_config::{Config, diff};
use openclaw_core::Clock;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_routing::RoutingTable;
use serde_json::Value;

use super::config_handle::{ConfigHandle, ConfigProblem, ReloadOutcome};
use crate::channels::ChannelRegistry;
use crate::ingress::GatewayIngress;

/// Where the configuration is read from and written to. Fulfilled by the composition root, which
/// knows the file, the environment and the flags.
#[async_trait]
pub trait ConfigSource: Send + Sync + std::fmt::Debug {
    /// Reads and validates everything, one line per error.
    async fn load(&self) -> Result<Arc<Config>, Vec<String>>;

    /// What the last good load gave is in force now: it is kept for `gateway run --last-good`.
    async fn keep(&self);

    /// The value in force of a dotted key, or everything; secrets are masked.
    ///
    /// # Errors
    /// `InvalidParams` when the key cannot be read, `NotFound` when it has no value.
    fn get(&self, key: Option<&str>) -> Result<Value, OpenClawError>;

    /// Writes one key to the file, or removes it, and gives the file's path.
    ///
    /// # Errors
    /// `Config` when the result would not load; nothing is written then.
    async fn set(
        &self,
        key: &str,
        value: Option<&Value>,
        author: &str,
    ) -> Result<PathBuf, OpenClawError>;

    /// Writes some keys to the file, or removes those without a value: all of them or none.
    ///
    /// # Errors
    /// `Config` when the result would not load; nothing is written then.
    async fn change(
        &self,
        changes: &[(String, Option<Value>)],
        author: &str,
    ) -> Result<PathBuf, OpenClawError>;

    /// The JSON Schema of the file, channels included.
    fn schema(&self) -> Value;
}

/// Puts a changed configuration in force: all parts validate, then all swap, else none.
#[derive(Debug)]
pub struct Reloader {
    pub(super) source: Arc<dyn ConfigSource>,
    pub(super) channels: Arc<ChannelRegistry>,
    pub(super) ingress: Arc<GatewayIngress>,
    pub(super) clock: Arc<dyn Clock>,
    /// The configuration the process began with: what needs a restart is told against it.
    pub(super) began_with: Arc<Config>,
}

impl Reloader {
    pub(super) async fn reload(
        &self,
        handle: &ConfigHandle,
    ) -> Result<ReloadOutcome, OpenClawError> {
        match self.validate().await {
            Ok((config, routing)) => Ok(self.swap(handle, config, routing).await),
            Err(errors) => {
                for error in &errors {
                    tracing::error!(error, "the configuration was not taken over: {error}");
                }
                let report = errors.join("\n");
                handle.set_problem(ConfigProblem { errors, since: self.clock.now() });
                Err(OpenClawError::new(ErrorKind::Config, report).with_hint(
                    "the last good configuration stays in force until the file is mended",
                ))
            }
        }
    }

    async fn validate(&self) -> Result<(Arc<Config>, RoutingTable), Vec<String>> {
        let config = self.source.load().await?;
        let routing = RoutingTable::compile(&config).map_err(|error| vec![error.to_string()])?;
        self.channels
            .parse(&config)
            .map_err(|issues| issues.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        Ok((config, routing))
    }

    async fn swap(
        &self,
        handle: &ConfigHandle,
        config: Arc<Config>,
        routing: RoutingTable,
    ) -> ReloadOutcome {
        let changes = diff(&handle.current(), &config);
        let needs_restart = owned(diff(&self.began_with, &config).needs_restart);
        handle.put(config.clone(), needs_restart.clone());
        self.ingress.set_routing(routing);
        if let Err(issues) = self.channels.apply(&config).await {
            // They parsed a moment ago; a factory that disagrees with itself is a fault of ours.
            for issue in issues {
                tracing::error!(%issue, "a channel refused a configuration that it had accepted");
            }
        }
        for key in &needs_restart {
            tracing::warn!(key, "{key} changed and acts only after a restart");
        }
        let mut changed = owned(changes.live);
        changed.extend(changes.channels.iter().map(|kind| format!("channels.{kind}")));
        if !changed.is_empty() {
            tracing::info!(?changed, "the configuration changed and is in force");
        }
        self.source.keep().await;
        ReloadOutcome { changed, needs_restart }
    }
}

fn owned(keys: Vec<&'static str>) -> Vec<String> {
    keys.into_iter().map(str::to_owned).collect()
}
