use std::sync::Mutex;

use openclaw_channel_traits::{ChannelDescriptor, ChannelState, StatusReport, StatusSink};
use openclaw_core::{ChannelId, Clock, Timestamp};
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::watch;

/// How one channel account is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelStatus {
    /// The account.
    pub channel_id: ChannelId,
    /// Whether the configuration and the owner want it to run.
    pub enabled: bool,
    /// Where it stands.
    pub state: ChannelState,
    /// The account's own name at the service.
    pub account: Option<String>,
    /// When a round trip with the service last succeeded.
    pub last_alive_at: Option<Timestamp>,
    /// Why it is not connected, or was not last time.
    pub last_error: Option<String>,
    /// When that was.
    pub last_error_at: Option<Timestamp>,
    /// How often it was started anew after a failure.
    pub restarts: u64,
    /// What it is and can do.
    pub capabilities: ChannelDescriptor,
}

/// The live half of a [`ChannelStatus`]; the channel writes, everybody reads.
#[derive(Debug)]
pub(super) struct StatusCell {
    clock: Arc<dyn Clock>,
    live: Mutex<Live>,
    state: watch::Sender<ChannelState>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Live {
    pub(super) account: Option<String>,
    pub(super) last_alive_at: Option<Timestamp>,
    pub(super) last_error: Option<String>,
    pub(super) last_error_at: Option<Timestamp>,
    pub(super) restarts: u64,
}

impl StatusCell {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, live: Mutex::default(), state: watch::Sender::new(ChannelState::Stopped) }
    }

    pub(super) fn state(&self) -> ChannelState {
        *self.state.borrow()
    }

    pub(super) fn watch_state(&self) -> watch::Receiver<ChannelState> {
        self.state.subscribe()
    }

    pub(super) fn live(&self) -> Live {
        self.live.lock().expect("no panic while the status is held").clone()
    }

    pub(super) fn restarted(&self) {
        self.live.lock().expect("no panic while the status is held").restarts += 1;
    }
}

impl StatusSink for StatusCell {
    fn report(&self, report: StatusReport) {
        let now = self.clock.now();
        {
            let mut live = self.live.lock().expect("no panic while the status is held");
            if report.account.is_some() {
                live.account = report.account;
            }
            if let Some(detail) = report.detail {
                live.last_error = Some(detail);
                live.last_error_at = Some(now);
            }
            if report.state == ChannelState::Connected {
                live.last_alive_at = Some(now);
            }
        }
        self.state.send_replace(report.state);
    }

    fn alive(&self) {
        let now = self.clock.now();
        self.live.lock().expect("no panic while the status is held").last_alive_at = Some(now);
    }
}
