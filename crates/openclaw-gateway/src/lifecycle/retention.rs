//! Deletes sessions that `storage.retention` no longer keeps.

use std::sync::Arc;
use std::time::Duration;

use openclaw_config::RetentionSettings;
use openclaw_core::{Clock, Session, SessionKey, Timestamp};
use openclaw_sessions::Wake;
use openclaw_storage::{ApplyError, Batch, Fence, Storage, StorageError, Write};

use crate::GatewayState;

/// The first look comes when a start has calmed down.
const FIRST_LOOK: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_secs(3_600);
/// So many sessions go in one look, with a pause between two, so that turns are not held up.
const AT_MOST: usize = 500;
const PAUSE: Duration = Duration::from_millis(20);
const HOUR_MILLIS: i64 = 60 * 60 * 1_000;
const MEGABYTE: u64 = 1_000_000;
const RESOURCE: &str = "housekeeping";
/// Longer than the deletions of a look take.
const LONGEST_LOOK: Duration = Duration::from_secs(60);

/// Looks once an hour until the gateway ends.
pub(super) async fn run(state: Arc<GatewayState>) {
    let mut pause = FIRST_LOOK;
    loop {
        // Both arms are cancel-safe: neither holds anything.
        tokio::select! {
            biased;
            () = state.shutdown.requested().cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = INTERVAL;
        let settings = state.config.current().retention;
        let look = Look {
            storage: state.storage.as_ref(),
            clock: state.clock.as_ref(),
            owner: &state.identity.gateway_id,
        };
        let looked = tokio::select! {
            biased;
            () = state.shutdown.requested().cancelled() => return,
            looked = look.alone(settings) => looked,
        };
        match looked {
            Ok(deleted) => {
                if !deleted.is_empty() {
                    tracing::info!(count = deleted.len(), "old sessions were deleted");
                }
                deleted.iter().for_each(|key| state.lanes.wake(key, Wake::Reset));
            }
            Err(error) => tracing::warn!(%error, "storage.retention could not be carried out"),
        }
    }
}

struct Look<'a> {
    storage: &'a dyn Storage,
    clock: &'a dyn Clock,
    owner: &'a str,
}

impl Look<'_> {
    /// Of gateways that share a store one looks at a time.
    async fn alone(&self, settings: RetentionSettings) -> Result<Vec<SessionKey>, StorageError> {
        if !self.storage.is_shared() {
            return self.delete_what_is_not_kept(settings).await;
        }
        let take = Write::TakeLease {
            resource: RESOURCE.to_owned(),
            owner: self.owner.to_owned(),
            ttl: LONGEST_LOOK,
        };
        let taken = match self.storage.apply(Batch::new().with(take)).await {
            Ok(applied) => applied.leases,
            Err(ApplyError::Conflict(conflict)) => {
                tracing::debug!(%conflict, "another gateway deletes old sessions");
                return Ok(Vec::new());
            }
            Err(ApplyError::Storage(error)) => return Err(error),
        };
        let deleted = self.delete_what_is_not_kept(settings).await;
        for lease in &taken {
            let release = Batch::new().with(Write::ReleaseLease(Fence::from(lease)));
            if let Err(error) = self.storage.apply(release).await {
                tracing::debug!(%error, "the lease of housekeeping runs out by itself");
            }
        }
        deleted
    }

    async fn delete_what_is_not_kept(
        &self,
        settings: RetentionSettings,
    ) -> Result<Vec<SessionKey>, StorageError> {
        let mut deleted = Vec::new();
        if settings.max_age_days > 0 {
            let before = self.hours_ago(i64::from(settings.max_age_days) * 24);
            let quiet = self.storage.quiet_sessions(before, AT_MOST as u32).await?;
            self.delete_all(quiet, &mut deleted).await;
        }
        let limit = settings.max_size_mb.saturating_mul(MEGABYTE);
        if limit == 0 || deleted.len() >= AT_MOST {
            return Ok(deleted);
        }
        // Measuring reads every row of a server: once a look. What a deletion frees is reckoned from
        // the average until the next one.
        let mut stored = self.storage.stored_bytes().await?;
        let average = (stored / self.storage.count_sessions().await?.max(1)).max(1);
        while deleted.len() < AT_MOST && stored > limit {
            let before = deleted.len();
            let quiet = self.storage.quiet_sessions(self.hours_ago(1), 16).await?;
            self.delete_all(quiet, &mut deleted).await;
            if deleted.len() == before {
                tracing::warn!(
                    "the sessions of the last hour are more than storage.retention keeps"
                );
                break;
            }
            stored = stored.saturating_sub(average * (deleted.len() - before) as u64);
        }
        Ok(deleted)
    }

    fn hours_ago(&self, hours: i64) -> Timestamp {
        Timestamp::from_millis(self.clock.now().as_millis() - hours * HOUR_MILLIS)
    }

    async fn delete_all(&self, sessions: Vec<Session>, deleted: &mut Vec<SessionKey>) {
        for session in sessions {
            let write = Write::DeleteSession { id: session.id };
            match self.storage.apply(Batch::new().with(write)).await {
                Ok(_) => deleted.push(session.session_key),
                // It has come to life again, or is gone already.
                Err(ApplyError::Conflict(conflict)) => {
                    tracing::debug!(session_key = %session.session_key, %conflict, "a session is kept");
                }
                Err(ApplyError::Storage(error)) => {
                    tracing::warn!(session_key = %session.session_key, %error, "a session could not be deleted");
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openclaw_storage::conformance::{ManualClock, at, input, session};
    use openclaw_storage::memory::MemoryStorage;
    use openclaw_storage::{NoObserver, SessionReads as _};

    const DAY: i64 = 24 * HOUR_MILLIS;

    #[tokio::test(start_paused = true)]
    async fn only_what_has_been_quiet_for_long_goes() {
        let clock = Arc::new(ManualClock::at(at(100 * DAY)));
        let storage = MemoryStorage::new(clock.clone(), Arc::new(NoObserver));
        let mut batch = Batch::new();
        for (name, day) in [("old", 60), ("busy", 61), ("new", 95)] {
            let mut new = session(name);
            new.last_activity_at = at(day * DAY);
            batch.push(Write::CreateSession(Box::new(new)));
        }
        batch.push(Write::AcceptInput(Box::new(input("busy", "1"))));
        storage.apply(batch).await.expect("accepted");
        let look = Look { storage: &storage, clock: clock.as_ref(), owner: "one" };
        let settings = |max_age_days| RetentionSettings { max_age_days, max_size_mb: 1 };
        assert_eq!(look.delete_what_is_not_kept(settings(0)).await.expect("looks"), []);
        let deleted = look.delete_what_is_not_kept(settings(30)).await.expect("looks");
        assert_eq!(deleted, [session("old").session_key]);
        assert_eq!(storage.count_sessions().await.expect("read"), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_several_gateways_looks() {
        let clock = Arc::new(ManualClock::at(at(100 * DAY)));
        let storage = MemoryStorage::new(clock.clone(), Arc::new(NoObserver)).shared();
        let mut old = session("old");
        old.last_activity_at = at(DAY);
        let take = Write::TakeLease {
            resource: RESOURCE.to_owned(),
            owner: "two".to_owned(),
            ttl: LONGEST_LOOK,
        };
        let batch = Batch::new().with(Write::CreateSession(Box::new(old))).with(take);
        let held = storage.apply(batch).await.expect("accepted").leases;
        let look = Look { storage: &storage, clock: clock.as_ref(), owner: "one" };
        let settings = RetentionSettings { max_age_days: 30, max_size_mb: 0 };
        assert_eq!(look.alone(settings).await.expect("looks"), []);
        let release = Write::ReleaseLease(Fence::from(&held[0]));
        storage.apply(Batch::new().with(release)).await.expect("given back");
        assert_eq!(look.alone(settings).await.expect("looks").len(), 1);
        let lease = look.storage.lease(RESOURCE).await.expect("read").expect("there");
        assert!(!lease.is_given(), "{lease:?}");
    }
}
