use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use openclaw_client::{Client, ClientError, Connect, Events, LocalTransport};
use openclaw_config::{LoadRequest, Overrides, load};
use openclaw_gateway::GatewayState;
use openclaw_gateway::lifecycle::StateLock;

use super::{Channels, Composed, compose};
use crate::context::Context;
use crate::exit::Failure;

/// How long what a run put into the outbox may take to leave.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// A gateway in this process, for one command: it holds the state folder, opens no port, and leaves
/// when its work is done.
pub(crate) struct InProcess {
    state: Arc<GatewayState>,
}

impl InProcess {
    /// Runs `work` against a gateway of its own.
    pub(crate) fn run(
        context: &Context,
        work: impl AsyncFnOnce(&dyn Connect) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let channels = Channels::all();
        let loaded = load(&LoadRequest::new(&context.environment, &channels))?;
        let lock = StateLock::take(&loaded.config.state_dir, "openclaw agent run")?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Failure::failed(format!("cannot start the runtime: {error}")))?;
        runtime.block_on(async {
            let composed = compose(&context.environment, Overrides::default(), loaded, channels.local(), lock).await?;
            let Composed { gateway, model_tasks, background, mcp, lock, .. } = composed;
            gateway.start().await?;
            let here = Self { state: gateway.state().clone() };
            let outcome = work(&here).await;
            if !here.state.delivery.drain(DRAIN_LIMIT).await {
                context.output.note("some messages for other channels wait in the outbox; the gateway sends them when it runs");
            }
            drop(here);
            gateway.shutdown().await;
            mcp.shutdown().await;
            background.end().await;
            model_tasks.close();
            drop(lock);
            outcome
        })
    }
}

#[async_trait]
impl Connect for InProcess {
    async fn connect(&self) -> Result<(Client, Events), ClientError> {
        let (to_gateway, from_gateway) = openclaw_gateway::server::connect_local(&self.state);
        Ok(Client::start(Box::new(LocalTransport::new(to_gateway, from_gateway))))
    }
}
