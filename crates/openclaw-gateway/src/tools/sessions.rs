use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use openclaw_agents::{SessionPort, SessionRun};
use openclaw_config::Config;
use openclaw_core::{RunId, SessionKey};
use openclaw_errors::OpenClawError;
use openclaw_sessions::{ActiveRun, RunEnd, StopTarget, WaitError};
use openclaw_storage::StorageError;

use crate::GatewayState;
use crate::lifecycle::ConfigHandle;

/// What tools about sessions need, by the gateway's own ways in and out.
#[derive(Debug)]
pub(crate) struct GatewaySessions {
    pub(crate) state: Weak<GatewayState>,
    pub(crate) config: Arc<ConfigHandle>,
}

#[async_trait]
impl SessionPort for GatewaySessions {
    fn config(&self) -> Arc<Config> {
        self.config.current()
    }

    async fn begin(&self, run: SessionRun) -> Result<(), OpenClawError> {
        let state = self.state.upgrade().ok_or_else(ending)?;
        let accepted = state.ingress.accept_session_run(run).await?;
        match accepted.refusal {
            None => Ok(()),
            Some(refusal) => Err(crate::rpc::as_error(refusal)),
        }
    }

    async fn wait(&self, run: &RunId, limit: Duration) -> Result<RunEnd, WaitError> {
        let state = self.state.upgrade().ok_or(WaitError::Stopping)?;
        let lanes = state.lanes.clone();
        drop(state);
        lanes.wait_for_run(run, limit).await
    }

    async fn stop(&self, key: &SessionKey) -> Result<usize, StorageError> {
        let state = self.state.upgrade().ok_or(StorageError::Closed)?;
        let stopped = state.lanes.stop(StopTarget::Session(key)).await?;
        Ok(stopped + state.lanes.stop_subagents(key).await?)
    }

    async fn subagents(&self) -> Result<Vec<(SessionKey, SessionKey)>, StorageError> {
        let state = self.state.upgrade().ok_or(StorageError::Closed)?;
        state.lanes.subagents().await
    }

    fn active(&self) -> Vec<ActiveRun> {
        self.state.upgrade().map(|state| state.lanes.active_runs()).unwrap_or_default()
    }
}

fn ending() -> OpenClawError {
    OpenClawError::unavailable("the gateway is ending")
}
