//! Ends the sessions of subagents that have had nothing to do for a while.

use std::sync::Arc;
use std::time::Duration;

use openclaw_core::{Session, Timestamp};
use openclaw_sessions::{SUBAGENT, is_subagent};
use openclaw_storage::rows::SessionQuery;
use openclaw_storage::{ApplyError, Batch, Storage, StorageError, Write};

use crate::GatewayState;

const INTERVAL: Duration = Duration::from_secs(300);

/// Sessions that are looked at a time; the rest has its turn at the next look.
const AT_MOST: u32 = 1_000;

/// Looks every five minutes until the gateway ends.
pub(super) async fn run(state: Arc<GatewayState>) {
    loop {
        // Both arms are cancel-safe: neither holds anything.
        tokio::select! {
            biased;
            () = state.shutdown.requested().cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        let after = state.config.current().subagents.archive_after;
        if after.is_zero() {
            continue;
        }
        let now = state.clock.now();
        match end_quiet(state.storage.as_ref(), now.minus(after), now).await {
            Ok(0) => {}
            Ok(ended) => tracing::info!(ended, "sessions of subagents have ended"),
            Err(error) => tracing::warn!(%error, "sessions of subagents could not be ended"),
        }
    }
}

/// Ends those without work whose last message is older; answers how many.
async fn end_quiet(
    storage: &dyn Storage,
    before: Timestamp,
    now: Timestamp,
) -> Result<usize, StorageError> {
    let query = SessionQuery {
        limit: AT_MOST,
        search: Some(format!(":{SUBAGENT}:")),
        ..SessionQuery::default()
    };
    let mut ended = 0;
    for session in storage.list_sessions(&query).await?.items {
        let is_quiet = is_subagent(&session.session_key) && session.last_activity_at < before;
        if is_quiet && storage.open_inputs(&session.session_key, 1).await?.is_empty() {
            ended += usize::from(end(storage, &session, now).await?);
        }
    }
    Ok(ended)
}

/// Answers whether it was ended.
async fn end(
    storage: &dyn Storage,
    session: &Session,
    at: Timestamp,
) -> Result<bool, StorageError> {
    let write = Write::EndSession { id: session.id.clone(), at };
    match storage.apply(Batch::new().with(write)).await {
        Ok(_) => Ok(true),
        // It was deleted meanwhile.
        Err(ApplyError::Conflict(conflict)) => {
            tracing::debug!(%conflict, "the session of a subagent changed");
            Ok(false)
        }
        Err(ApplyError::Storage(error)) => Err(error),
    }
}
