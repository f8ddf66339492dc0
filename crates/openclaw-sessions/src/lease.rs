//! The lease that lets one gateway work on a session key, and what others left behind.

use std::sync::Arc;

use std::time::Duration;

use openclaw_core::{SessionKey, Timestamp};
use openclaw_storage::{Batch, Leases, Write};

use crate::Wake;
use crate::lanes::Shared;

/// How often a store that gateways share is asked for inputs that no other one works on. With the
/// time of a lease it makes how long the sessions of a gateway that died wait.
const LOOK_AROUND: Duration = Duration::from_secs(2);

/// How the resources of lanes begin.
const BEGINNING: &str = "lane:";

/// The resource of a lane.
pub(crate) fn resource(key: &SessionKey) -> String {
    format!("{BEGINNING}{key}")
}

/// Renews the leases of all lanes until the lanes have ended.
pub(crate) async fn renew(shared: Arc<Shared>) {
    let limits = shared.deps.limits;
    loop {
        // Both arms are cancel-safe: neither holds anything.
        tokio::select! {
            biased;
            () = shared.renewal_end.cancelled() => return,
            () = tokio::time::sleep(limits.lease_renewal) => {}
        }
        if !shared.has_lanes() {
            continue;
        }
        let batch = Batch::new().with(Write::RenewLeases {
            owner: shared.deps.owner.clone(),
            leases: Leases::Beginning(BEGINNING.to_owned()),
            ttl: limits.lease_ttl,
        });
        match tokio::time::timeout(limits.lease_ttl, shared.deps.storage.apply(batch)).await {
            Ok(Ok(_)) => {}
            // Fences keep a lane whose lease ran out from writing; the next renewal is near.
            Ok(Err(error)) => tracing::warn!(%error, "leases could not be renewed"),
            Err(_) => tracing::warn!("the store did not answer a renewal of leases"),
        }
    }
}

/// Wakes lanes for inputs that another gateway accepted and does not work on: this one holds the
/// session, or the other one is gone.
pub(crate) async fn look_around(shared: Arc<Shared>) {
    let limits = shared.deps.limits;
    loop {
        // Both arms are cancel-safe: neither holds anything.
        tokio::select! {
            biased;
            () = shared.closing.cancelled() => return,
            () = tokio::time::sleep(LOOK_AROUND) => {}
        }
        // Who accepted an input takes its session up at once, unless it died in between.
        let patience = i64::try_from(limits.lease_ttl.as_millis()).unwrap_or(i64::MAX);
        let now = shared.deps.clock.now().as_millis();
        let since = Timestamp::from_millis(now.saturating_sub(patience));
        match shared.deps.storage.unattended_keys(&shared.deps.owner, since).await {
            Ok(keys) => keys.iter().for_each(|key| shared.wake(key, Wake::Input)),
            Err(error) => tracing::warn!(%error, "cannot look for inputs that others left"),
        }
    }
}
