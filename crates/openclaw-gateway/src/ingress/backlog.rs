use std::sync::Mutex;
use std::time::Duration;

use openclaw_core::{Clock, Timestamp};
use openclaw_storage::Storage;

/// How long a count is trusted; the limit is a guard against running full, not an exact one.
const FRESH_FOR: Duration = Duration::from_millis(500);

/// Whether the store holds more open inputs than allowed.
#[derive(Debug, Default)]
pub(super) struct BacklogGate(Mutex<Option<(Timestamp, u64)>>);

impl BacklogGate {
    /// Whether another input may be taken; a count that cannot be read lets it pass, since storing
    /// it will tell.
    pub(super) async fn has_room(
        &self,
        storage: &dyn Storage,
        clock: &dyn Clock,
        max: u64,
    ) -> bool {
        let now = clock.now();
        let known = *self.0.lock().expect("no panic while the count is held");
        if let Some((at, open)) = known
            && now.since(at) < FRESH_FOR
        {
            return open < max;
        }
        match storage.backlog().await {
            Ok(backlog) => {
                *self.0.lock().expect("no panic while the count is held") =
                    Some((now, backlog.inputs));
                backlog.inputs < max
            }
            Err(error) => {
                tracing::warn!(%error, "cannot count the open inputs");
                true
            }
        }
    }

    /// One more input was stored.
    pub(super) fn stored(&self) {
        if let Some((_, open)) = self.0.lock().expect("no panic while the count is held").as_mut() {
            *open += 1;
        }
    }
}
