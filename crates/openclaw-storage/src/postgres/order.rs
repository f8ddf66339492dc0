use std::collections::BTreeSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use openclaw_core::SessionId;
use tokio::sync::{Mutex, MutexGuard};

use crate::{Batch, Write};

/// Far more than there are connections: two sessions seldom share one.
const STRIPES: usize = 128;

/// Lets batches of one session follow one another, from their first statement until the observer
/// has heard of them. Without it two could commit in one order and be told in the other.
#[derive(Debug)]
pub(super) struct Order {
    stripes: Vec<Mutex<()>>,
}

impl Default for Order {
    fn default() -> Self {
        Self { stripes: (0..STRIPES).map(|_| Mutex::new(())).collect() }
    }
}

impl Order {
    /// Waits for the turn of a batch; it lasts until what is returned is dropped.
    pub(super) async fn turn(&self, batch: &Batch) -> Vec<MutexGuard<'_, ()>> {
        // In the order of their numbers, so that no two batches wait for each other.
        let stripes: BTreeSet<usize> =
            batch.writes.iter().filter_map(session_of).map(stripe).collect();
        let mut turn = Vec::with_capacity(stripes.len());
        for stripe in stripes {
            turn.push(self.stripes[stripe].lock().await);
        }
        turn
    }
}

fn session_of(write: &Write) -> Option<&SessionId> {
    match write {
        Write::CreateSession(session) => Some(&session.id),
        Write::Append(entry) => Some(&entry.session_id),
        Write::UpdateSession { id, .. }
        | Write::EndSession { id, .. }
        | Write::DeleteSession { id } => Some(id),
        _ => None,
    }
}

fn stripe(id: &SessionId) -> usize {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    // The remainder is below the number of stripes, whatever the width of `usize`.
    (hasher.finish() % STRIPES as u64) as usize
}
