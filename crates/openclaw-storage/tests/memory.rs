//! The memory engine passes the suite.

use std::sync::Arc;

use openclaw_core::Clock;
use openclaw_storage::CommitObserver;
use openclaw_storage::conformance::Opened;
use openclaw_storage::memory::MemoryStorage;

async fn open(clock: Arc<dyn Clock>, observer: Arc<dyn CommitObserver>) -> Opened {
    Opened { storage: Arc::new(MemoryStorage::new(clock, observer)), keep: Box::new(()) }
}

openclaw_storage::storage_conformance!(open);
