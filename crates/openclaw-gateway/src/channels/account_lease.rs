//! The lease that lets one gateway at a time serve an account.

use std::sync::Arc;
use std::time::Duration;

use openclaw_channel_traits::{AccountHold, ChannelState};
use openclaw_storage::{ApplyError, Batch, Conflict, Fence, Leases, Write};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::entry::Runtime;
use super::supervisor::{SupervisorDeps, report};

/// A lease that is not renewed for this long is free for another gateway.
pub(super) const LEASE: Duration = Duration::from_secs(15);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(5);
/// The hold is given up so much before the lease runs out: a request takes its time.
const MARGIN: Duration = Duration::from_secs(2);
/// A send that began before its channel went has ended by then, and its outcome is stored.
const LAST_SEND: Duration = Duration::from_secs(5).saturating_add(crate::delivery::SEND_LIMIT);
/// How often a gateway that stands by looks whether the account has become free.
const STAND_BY: Duration = Duration::from_secs(2);

/// A lease that was taken.
pub(super) struct Taken {
    pub(super) fence: Fence,
    /// By our clock, counted from before it was asked for.
    until: Instant,
}

/// The resource of an account. Where committing a message is its delivery every gateway serves its
/// own clients, so each has an account of its own.
fn resource(runtime: &Runtime, owner: &str, is_everybodys: bool) -> String {
    if is_everybodys {
        format!("account:{}@{owner}", runtime.channel_id)
    } else {
        format!("account:{}", runtime.channel_id)
    }
}

/// Takes the account's lease; waits while another gateway holds it. `None` when cancelled.
pub(super) async fn take(
    deps: &SupervisorDeps,
    runtime: &Runtime,
    is_everybodys: bool,
) -> Option<Taken> {
    let is_everybodys = is_everybodys && deps.storage.is_shared();
    let resource = resource(runtime, &deps.owner, is_everybodys);
    loop {
        let write =
            Write::TakeLease { resource: resource.clone(), owner: deps.owner.clone(), ttl: LEASE };
        let until = Instant::now() + LEASE - MARGIN;
        let pause = match deps.storage.apply(Batch::new().with(write)).await {
            Ok(applied) => match applied.leases.first() {
                Some(lease) => return Some(Taken { fence: Fence::from(lease), until }),
                None => Duration::from_secs(1),
            },
            Err(ApplyError::Conflict(Conflict::LeaseHeld { owner, until, .. })) => {
                let detail = format!("gateway {owner} holds the account");
                report(runtime, ChannelState::Backoff, Some(detail));
                // The holder renews it, and its end is by the store's clock.
                until.since(deps.clock.now()).clamp(Duration::from_millis(200), STAND_BY)
            }
            Err(error) => {
                report(runtime, ChannelState::Backoff, Some(error.to_string()));
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            biased;
            () = runtime.cancel.cancelled() => return None,
            () = sleep(pause) => {}
        }
    }
}

/// Gives a lease back.
pub(super) async fn release(deps: &SupervisorDeps, fence: Fence) {
    let resource = fence.resource.clone();
    if let Err(error) = deps.storage.apply(Batch::new().with(Write::ReleaseLease(fence))).await {
        tracing::debug!(resource, %error, "a lease could not be given back and runs out by itself");
    }
}

/// Keeps a lease for as long as its channel runs.
pub(super) struct Keeper<'a> {
    deps: &'a SupervisorDeps,
    fence: Fence,
    until: Arc<watch::Sender<Instant>>,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(deps: &'a SupervisorDeps, taken: Taken) -> Self {
        Self { deps, fence: taken.fence, until: Arc::new(watch::Sender::new(taken.until)) }
    }

    /// What the channel asks before it asks the service.
    pub(super) fn hold(&self) -> AccountHold {
        if self.deps.storage.is_shared() {
            AccountHold::until(self.until.subscribe())
        } else {
            AccountHold::lasting()
        }
    }

    /// Keeps the lease for as long as a send may still be under way, or until the gateway ends, and
    /// then gives it back.
    pub(super) async fn let_go(&self, runtime: &Runtime) {
        // A channel that failed for good has given it back before its supervision ends.
        let Some(fence) = runtime.fence() else { return };
        tokio::select! {
            biased;
            () = self.deps.stopping.cancelled() => {}
            () = self.lost() => {}
            () = sleep(LAST_SEND) => {}
        }
        runtime.set_fence(None);
        release(self.deps, fence).await;
    }

    /// Renews the lease, for as long as it is waited for.
    pub(super) async fn stay(&self) {
        self.lost().await;
        std::future::pending().await
    }

    /// Renews the lease until it is lost: taken over by another gateway. Where the store does not
    /// answer the hold runs out meanwhile, and the channel waits.
    pub(super) async fn lost(&self) {
        if !self.deps.storage.is_shared() {
            return std::future::pending().await;
        }
        let hold = self.hold();
        loop {
            // Also at once when it has run out: after standing still a gateway must know.
            tokio::select! {
                () = sleep(RENEWAL) => {}
                () = hold.run_out() => sleep(Duration::from_millis(200)).await,
            }
            let asked = Instant::now();
            let renew = Write::RenewLeases {
                owner: self.deps.owner.clone(),
                leases: Leases::Of(self.fence.resource.clone()),
                ttl: LEASE,
            };
            let batch = Batch::new().fenced(self.fence.clone()).with(renew);
            match timeout(LEASE, self.deps.storage.apply(batch)).await {
                Ok(Ok(_)) => {
                    self.until.send_replace(asked + LEASE - MARGIN);
                }
                Ok(Err(ApplyError::Conflict(_))) => return,
                Ok(Err(error)) => {
                    tracing::warn!(resource = self.fence.resource, %error, "a lease could not be renewed");
                }
                Err(_) => {
                    tracing::warn!(
                        resource = self.fence.resource,
                        "the store did not answer a renewal"
                    );
                }
            }
        }
    }
}
