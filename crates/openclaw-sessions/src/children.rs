//! The sessions that a session began.

use std::sync::Arc;

use openclaw_core::SessionKey;
use openclaw_storage::{Storage, StorageError};

use crate::lanes::Shared;
use crate::stop::{StopTarget, stop};

/// How the sessions of subagents are named in a key.
pub const SUBAGENT: &str = "subagent";

/// Whether a key is that of a subagent's session.
pub fn is_subagent(key: &SessionKey) -> bool {
    key.rest().split(':').next() == Some(SUBAGENT)
}

/// The subagents with inputs that have not ended, with the session that began each.
pub(crate) async fn at_work(
    storage: &dyn Storage,
) -> Result<Vec<(SessionKey, SessionKey)>, StorageError> {
    let mut found = Vec::new();
    for key in storage.keys_with_open_inputs().await?.into_iter().filter(is_subagent) {
        let session = storage.session_by_key(&key).await?;
        if let Some(spawned) = session.and_then(|session| session.context.spawned) {
            found.push((key, spawned.parent));
        }
    }
    Ok(found)
}

/// Stops what the subagents of a session do, and those of theirs.
pub(crate) async fn stop_all(
    shared: &Arc<Shared>,
    parent: &SessionKey,
) -> Result<usize, StorageError> {
    let at_work = at_work(shared.deps.storage.as_ref()).await?;
    let mut stopped = 0;
    let mut above = vec![parent.clone()];
    // A subagent is below one session only, so this ends.
    while let Some(next) = above.pop() {
        for (child, _) in at_work.iter().filter(|(_, parent)| *parent == next) {
            stopped += stop(shared, StopTarget::Session(child)).await?;
            above.push(child.clone());
        }
    }
    Ok(stopped)
}
