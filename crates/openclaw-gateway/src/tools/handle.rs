use std::sync::{Arc, OnceLock, Weak};

use openclaw_errors::OpenClawError;
use openclaw_tools::ToolError;

use crate::GatewayState;

/// The gateway, for tools that are made before it. A handle: clones are the same.
///
/// It does not keep the gateway alive, whose tools these are.
#[derive(Debug, Clone, Default)]
pub struct GatewayHandle(Arc<OnceLock<Weak<GatewayState>>>);

impl GatewayHandle {
    pub(crate) fn attach(&self, state: &Arc<GatewayState>) {
        if self.0.set(Arc::downgrade(state)).is_err() {
            tracing::error!("a second gateway was attached to the tools; the first one stays");
        }
    }

    /// The gateway.
    ///
    /// # Errors
    /// `Unavailable` before it is put together and while it ends.
    pub(crate) fn get(&self) -> Result<Arc<GatewayState>, OpenClawError> {
        let state = self.0.get().and_then(Weak::upgrade);
        state.ok_or_else(|| OpenClawError::unavailable("the gateway is not ready, or is ending"))
    }

    pub(super) fn state(&self) -> Result<Arc<GatewayState>, ToolError> {
        self.get().map_err(|error| ToolError::RespondToModel(error.report()))
    }
}
