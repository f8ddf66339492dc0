//! The lease that lets one gateway work on a session key.

use std::sync::Arc;

use openclaw_core::SessionKey;
use openclaw_storage::{Batch, Write};

use crate::lanes::Shared;

/// The resource of a lane.
pub(crate) fn resource(key: &SessionKey) -> String {
    format!("lane:{key}")
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
        let batch = Batch::new()
            .with(Write::RenewLeases { owner: shared.deps.owner.clone(), ttl: limits.lease_ttl });
        match tokio::time::timeout(limits.lease_ttl, shared.deps.storage.apply(batch)).await {
            Ok(Ok(_)) => {}
            // Fences keep a lane whose lease ran out from writing; the next renewal is near.
            Ok(Err(error)) => tracing::warn!(%error, "leases could not be renewed"),
            Err(_) => tracing::warn!("the store did not answer a renewal of leases"),
        }
    }
}
