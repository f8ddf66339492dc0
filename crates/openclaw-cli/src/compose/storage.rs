use std::sync::Arc;

use openclaw_config::StorageBackend;
use openclaw_core::Clock;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_storage::memory::MemoryStorage;
#[cfg(feature = "postgres")]
use openclaw_storage::postgres::{PostgresOptions, PostgresStorage};
use openclaw_storage::sqlite::{SqliteOptions, SqliteStorage};
use openclaw_storage::{CommitObserver, Storage, StorageError};

/// Opens the store that `[storage]` names.
pub(crate) async fn open_storage(
    backend: &StorageBackend,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn CommitObserver>,
) -> Result<Arc<dyn Storage>, OpenClawError> {
    match backend {
        StorageBackend::Sqlite { path } => {
            let opened = SqliteStorage::open(SqliteOptions::new(path), clock, observer).await;
            Ok(Arc::new(opened.map_err(|error| explain(error, path))?))
        }
        StorageBackend::Memory => Ok(Arc::new(MemoryStorage::new(clock, observer))),
        #[cfg(feature = "postgres")]
        StorageBackend::Postgres { url, max_connections } => {
            let mut options = PostgresOptions::new(url)?;
            options.max_connections = *max_connections;
            Ok(Arc::new(PostgresStorage::open(options, clock, observer).await?))
        }
        #[cfg(not(feature = "postgres"))]
        StorageBackend::Postgres { .. } => Err(OpenClawError::new(
            ErrorKind::Config,
            "storage.backend: this program was built without the feature postgres",
        )
        .with_hint("use \"sqlite\", or a program built with that feature")),
    }
}

fn explain(error: StorageError, path: &std::path::Path) -> OpenClawError {
    let place = path.display();
    match error {
        StorageError::Busy(_) => OpenClawError::new(
            ErrorKind::Database,
            format!("the database {place} is locked by another process"),
        )
        .with_hint("end whatever has it open, such as a database browser, then start again")
        .with_source(error),
        other => other.into(),
    }
}
