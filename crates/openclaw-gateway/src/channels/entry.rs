use std::sync::{Arc, Mutex};

use openclaw_channel_traits::{Channel, ChannelAccount, ChannelDescriptor, ChannelState};
use openclaw_core::{ChannelId, Clock};
use openclaw_storage::Fence;
use tokio_util::sync::CancellationToken;

use super::status::{ChannelStatus, StatusCell};

/// One account: what the configuration says of it, and what runs for it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) descriptor: ChannelDescriptor,
    pub(super) account: Arc<ChannelAccount>,
    /// The owner asked for it not to run.
    pub(super) disconnected: bool,
    pub(super) runtime: Arc<Runtime>,
}

/// One supervision of an account; a restart makes a new one.
#[derive(Debug)]
pub(super) struct Runtime {
    pub(super) channel_id: ChannelId,
    pub(super) status: StatusCell,
    /// Ends the supervision: for restart, disconnect and shutdown.
    pub(super) cancel: CancellationToken,
    channel: Mutex<Option<Arc<dyn Channel>>>,
    fence: Mutex<Option<Fence>>,
}

impl Runtime {
    pub(super) fn new(
        channel_id: ChannelId,
        clock: Arc<dyn Clock>,
        parent: &CancellationToken,
    ) -> Self {
        Self {
            channel_id,
            status: StatusCell::new(clock),
            cancel: parent.child_token(),
            channel: Mutex::default(),
            fence: Mutex::default(),
        }
    }

    pub(super) fn channel(&self) -> Option<Arc<dyn Channel>> {
        self.channel.lock().expect("no panic while the channel is held").clone()
    }

    pub(super) fn set_channel(&self, channel: Option<Arc<dyn Channel>>) {
        *self.channel.lock().expect("no panic while the channel is held") = channel;
    }

    pub(super) fn fence(&self) -> Option<Fence> {
        self.fence.lock().expect("no panic while the fence is held").clone()
    }

    pub(super) fn set_fence(&self, fence: Option<Fence>) {
        *self.fence.lock().expect("no panic while the fence is held") = fence;
    }
}

impl Entry {
    pub(super) fn wanted(&self) -> bool {
        self.account.enabled && !self.disconnected
    }

    pub(super) fn snapshot(&self) -> ChannelStatus {
        let live = self.runtime.status.live();
        let state = if self.wanted() { self.runtime.status.state() } else { ChannelState::Stopped };
        ChannelStatus {
            channel_id: self.account.channel_id.clone(),
            enabled: self.wanted(),
            state,
            account: live.account,
            last_alive_at: live.last_alive_at,
            last_error: live.last_error,
            last_error_at: live.last_error_at,
            restarts: live.restarts,
            capabilities: self.descriptor.clone(),
        }
    }
}
