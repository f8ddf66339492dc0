use std::sync::Arc;
use std::time::Duration;

use openclaw_channel_traits::{
    Backoff, ChannelAccount, ChannelContext, ChannelError, ChannelState, Ingress, StatusReport,
    StatusSink,
};
use openclaw_core::{Clock, IdGen, Rng};
use openclaw_media::MediaStore;
use openclaw_storage::Storage;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::account_lease::{self, Keeper};
use super::entry::Runtime;

/// A connection that lasted this long was a good one: the next failure starts with a short pause.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// At least this long when somebody else has the account, or our own code failed.
const CONTENDED_PAUSE: Duration = Duration::from_secs(2);
/// How long a cancelled channel may take to end before its tasks are given up.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// What every supervision needs.
#[derive(Clone)]
pub(super) struct SupervisorDeps {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) ingress: Arc<dyn Ingress>,
    pub(super) media: Arc<MediaStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn IdGen>,
    pub(super) rng: Arc<dyn Rng>,
    /// The gateway's id, owner of the account's lease.
    pub(super) owner: String,
    /// The gateway ends: all accounts do.
    pub(super) stopping: CancellationToken,
}

/// Why one connection of a channel ended.
enum Ended {
    Cancelled,
    /// Another gateway took the account over.
    Lost,
    Failed(ChannelError),
    Panicked,
}

/// Serves one account until its runtime is cancelled: lease, build, run, pause, again.
///
/// The lease and its fence stay for a while when the channel goes: the answer to a send that is under
/// way still has to be stored under them. Then they are given back, so that another gateway may serve
/// the account; at the end of the gateway, which comes after delivery's, at once.
pub(super) async fn supervise(
    deps: SupervisorDeps,
    account: Arc<ChannelAccount>,
    runtime: Arc<Runtime>,
    is_everybodys: bool,
) {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    let mut kept = None;
    while !runtime.cancel.is_cancelled() {
        report(&runtime, ChannelState::Connecting, None);
        let Some(taken) = account_lease::take(&deps, &runtime, is_everybodys).await else { break };
        runtime.set_fence(Some(taken.fence.clone()));
        let keeper = kept.insert(Keeper::new(&deps, taken));
        let began = Instant::now();
        let ended = connect_once(&deps, &account, &runtime, keeper).await;
        runtime.set_channel(None);
        if began.elapsed() >= HEALTHY_AFTER {
            backoff.reset();
        }
        let pause = match ended {
            Ended::Cancelled => break,
            Ended::Lost => {
                runtime.set_fence(None);
                report(
                    &runtime,
                    ChannelState::Backoff,
                    Some("another gateway took it over".to_owned()),
                );
                CONTENDED_PAUSE
            }
            Ended::Failed(ChannelError::Auth(message)) => {
                let message = format!("the service refused the credential: {message}");
                fail_for_good(&runtime, keeper, &message).await;
                break;
            }
            Ended::Failed(ChannelError::Config(message)) => {
                fail_for_good(&runtime, keeper, &message).await;
                break;
            }
            Ended::Failed(ChannelError::Connection { message, retry_after }) => {
                report(&runtime, ChannelState::Backoff, Some(message));
                backoff.next_delay_after(retry_after, deps.rng.as_ref())
            }
            Ended::Failed(error @ ChannelError::Conflict(_)) => {
                report(&runtime, ChannelState::Backoff, Some(error.to_string()));
                backoff.next_delay(deps.rng.as_ref()).max(CONTENDED_PAUSE)
            }
            Ended::Panicked => {
                report(
                    &runtime,
                    ChannelState::Backoff,
                    Some("the channel's code panicked".to_owned()),
                );
                backoff.next_delay(deps.rng.as_ref()).max(CONTENDED_PAUSE)
            }
        };
        runtime.status.restarted();
        let failures = backoff.failures();
        tracing::warn!(channel = %runtime.channel_id, pause_ms = pause.as_millis() as u64, failures,
            error = runtime.status.live().last_error.as_deref().unwrap_or_default(),
            "channel {} failed, connecting again", runtime.channel_id);
        // Cancel-safe: neither holds anything.
        tokio::select! {
            biased;
            () = runtime.cancel.cancelled() => break,
            () = sleep(pause) => {}
            () = keeper.stay() => {}
        }
    }
    if runtime.status.state() != ChannelState::Failed {
        report(&runtime, ChannelState::Stopped, None);
    }
    if let Some(keeper) = kept {
        keeper.let_go(&runtime).await;
    }
}

async fn connect_once(
    deps: &SupervisorDeps,
    account: &ChannelAccount,
    runtime: &Arc<Runtime>,
    keeper: &Keeper<'_>,
) -> Ended {
    let channel = account.builder.build(deps.clock.clone(), deps.media.clone());
    runtime.set_channel(Some(channel.clone()));
    let tasks = TaskTracker::new();
    let cancel = runtime.cancel.child_token();
    let context = ChannelContext {
        channel_id: runtime.channel_id.clone(),
        ingress: deps.ingress.clone(),
        status: Arc::new(RuntimeStatus(runtime.clone())),
        media: deps.media.clone(),
        hold: keeper.hold(),
        cancel: cancel.clone(),
        tasks: tasks.clone(),
        commands: crate::commands::menu().into(),
        clock: deps.clock.clone(),
        ids: deps.ids.clone(),
        rng: deps.rng.clone(),
    };
    // A task of its own, so that a panic in a channel ends that channel and nothing else.
    let mut serving = tasks.spawn(channel.run(context));
    let mut is_lost = false;
    let joined = tokio::select! {
        biased;
        joined = &mut serving => Some(joined),
        () = runtime.cancel.cancelled() => timeout(STOP_LIMIT, &mut serving).await.ok(),
        () = keeper.lost() => {
            is_lost = true;
            // Nothing more is delivered from here on.
            runtime.set_channel(None);
            cancel.cancel();
            timeout(STOP_LIMIT, &mut serving).await.ok()
        }
    };
    end_tasks(runtime, &cancel, &tasks, joined.is_none().then_some(serving)).await;
    match joined {
        _ if runtime.cancel.is_cancelled() => Ended::Cancelled,
        _ if is_lost => Ended::Lost,
        Some(Ok(Err(error))) => Ended::Failed(error),
        Some(Ok(Ok(()))) => Ended::Failed(ChannelError::Connection {
            message: "the channel ended by itself".to_owned(),
            retry_after: None,
        }),
        Some(Err(_)) | None => Ended::Panicked,
    }
}

async fn end_tasks<T>(
    runtime: &Runtime,
    cancel: &CancellationToken,
    tasks: &TaskTracker,
    stuck: Option<tokio::task::JoinHandle<T>>,
) {
    cancel.cancel();
    tasks.close();
    if let Some(stuck) = stuck {
        tracing::warn!(channel = %runtime.channel_id, "channel {} did not stop in time, ended it", runtime.channel_id);
        stuck.abort();
    }
    if timeout(STOP_LIMIT, tasks.wait()).await.is_err() {
        tracing::warn!(channel = %runtime.channel_id, left = tasks.len(),
            "channel {} left tasks behind", runtime.channel_id);
    }
}

async fn fail_for_good(runtime: &Runtime, keeper: &Keeper<'_>, message: &str) {
    tracing::error!(channel = %runtime.channel_id, error = message,
        "channel {} failed until its configuration changes: {message}", runtime.channel_id);
    report(runtime, ChannelState::Failed, Some(message.to_owned()));
    keeper.let_go(runtime).await;
    runtime.cancel.cancelled().await;
}

pub(super) fn report(runtime: &Runtime, state: ChannelState, detail: Option<String>) {
    runtime.status.report(StatusReport { state, account: None, detail });
}

/// Hands a channel's reports to its runtime.
struct RuntimeStatus(Arc<Runtime>);

impl StatusSink for RuntimeStatus {
    fn report(&self, report: StatusReport) {
        self.0.status.report(report);
    }

    fn alive(&self) {
        self.0.status.alive();
    }
}
