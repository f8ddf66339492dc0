use std::sync::Arc;
use std::time::Duration;

use openclaw_core::{ChannelId, SystemClock, SystemIds, SystemRng};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::doubles::{RecordedStatus, ScriptedIngress};
use super::{Credential, ServiceDriver};
use crate::{Accept, AccountHold, Channel, ChannelContext, ChannelError};

/// How long anything that must happen may take before the case fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How long a cancelled channel may take to end.
const END_LIMIT: Duration = Duration::from_secs(2);

/// A channel that runs against its fake.
pub(super) struct Running {
    pub(super) channel: Arc<dyn Channel>,
    pub(super) ingress: Arc<ScriptedIngress>,
    pub(super) status: Arc<RecordedStatus>,
    cancel: CancellationToken,
    tasks: TaskTracker,
    run: JoinHandle<Result<(), ChannelError>>,
}

impl Running {
    /// Starts it; does not wait until it is connected.
    pub(super) fn start(
        driver: &dyn ServiceDriver,
        channel: Arc<dyn Channel>,
        ingress: Arc<ScriptedIngress>,
    ) -> Self {
        let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
        let status = Arc::new(RecordedStatus::default());
        let context = ChannelContext {
            channel_id: ChannelId::of_kind(&channel.descriptor().kind),
            ingress: Arc::clone(&ingress) as _,
            status: Arc::clone(&status) as _,
            media: driver.media(),
            hold: AccountHold::lasting(),
            cancel: cancel.clone(),
            tasks: tasks.clone(),
            commands: Arc::default(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            rng: Arc::new(SystemRng),
        };
        // Not on the channel's tracker: that one must come to hold nothing but what the channel left.
        let run = TaskTracker::new().spawn(Arc::clone(&channel).run(context));
        Self { channel, ingress, status, cancel, tasks, run }
    }

    /// Starts it with the valid credential and waits until it is connected.
    pub(super) async fn connected(
        driver: &dyn ServiceDriver,
        answers: impl IntoIterator<Item = Accept>,
    ) -> Self {
        let channel = driver.channel(Credential::Valid);
        Self::connected_with(driver, channel, answers).await
    }

    /// Starts this channel and waits until it is connected.
    pub(super) async fn connected_with(
        driver: &dyn ServiceDriver,
        channel: Arc<dyn Channel>,
        answers: impl IntoIterator<Item = Accept>,
    ) -> Self {
        let running = Self::start(driver, channel, Arc::new(ScriptedIngress::new(answers)));
        within("reporting Connected", running.status.wait_connected()).await;
        running
    }

    /// Waits for the run to end by itself.
    pub(super) async fn ended(self) -> Result<(), ChannelError> {
        within("ending", self.run).await.expect("the run does not panic")
    }

    /// Cancels it, and checks that it ends in time and leaves no task.
    pub(super) async fn cancel(self) {
        self.cancel.cancel();
        let result = timeout(END_LIMIT, self.run)
            .await
            .expect("a cancelled run ends within 2 s")
            .expect("the run does not panic");
        assert!(result.is_ok(), "a cancelled run ends with Ok, not {result:?}");
        self.tasks.close();
        let left = timeout(END_LIMIT, self.tasks.wait()).await;
        assert!(left.is_ok(), "{} tasks are left after the run has ended", self.tasks.len());
    }
}

/// Waits for what must happen soon.
pub(super) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} takes longer than {PATIENCE:?}"),
    }
}

/// Fails when a text shows a secret.
pub(super) fn assert_no_secret(driver: &dyn ServiceDriver, what: &str, text: &str) {
    for secret in driver.secrets() {
        // A secret must not be told by the failure either.
        assert!(!text.contains(&secret), "{what} shows a secret");
    }
}
