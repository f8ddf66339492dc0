//! The SQLite engine passes the suite.

use std::sync::Arc;

use openclaw_core::Clock;
use openclaw_storage::CommitObserver;
use openclaw_storage::conformance::Opened;
use openclaw_storage::sqlite::{SqliteOptions, SqliteStorage, Synchronous};

async fn open(clock: Arc<dyn Clock>, observer: Arc<dyn CommitObserver>) -> Opened {
    let folder = tempfile::tempdir().expect("a folder");
    let options =
        SqliteOptions::new(folder.path().join("openclaw.db")).with_synchronous(Synchronous::Off);
    let storage = SqliteStorage::open(options, clock, observer).await.expect("the file opens");
    Opened { storage: Arc::new(storage), keep: Box::new(folder) }
}

openclaw_storage::storage_conformance!(open);
