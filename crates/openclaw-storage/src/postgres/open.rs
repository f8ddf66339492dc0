//! Making sure of the server and its tables.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions as _, Connection as _};

use super::codes::{connect_error, storage_error};
use super::options::PostgresOptions;
use super::query;
use crate::StorageError;
use crate::sql::decode;

static MIGRATOR: Migrator = sqlx::migrate!("./migrations/postgres");

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const MIGRATE_TIMEOUT: Duration = Duration::from_secs(300);

/// The first release that has all we use; the oldest that its makers still maintained lately.
const OLDEST: i64 = 13;

const RELEASE: &str = "SELECT current_setting('server_version_num')::bigint";
const HAS_SCHEMA: &str = "SELECT COUNT(*) FROM pg_catalog.pg_class
    WHERE oid = to_regclass('_sqlx_migrations')";
const SCHEMA: &str = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[RELEASE, HAS_SCHEMA, SCHEMA];

/// The newest schema this program knows.
fn known_schema() -> i64 {
    MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// Connects once, outside the pool, which would hide why it cannot; checks the release; brings the
/// tables up to date.
pub(super) async fn prepare(options: &PostgresOptions, place: &str) -> Result<(), StorageError> {
    let mut connection = connect(options, place).await?;
    let checked = check(&mut connection, place).await;
    // A migration that fails keeps its lock until the connection is closed.
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, place, "the first connection did not close cleanly");
    }
    checked
}

/// A connection outside the pool.
pub(super) async fn connect(
    options: &PostgresOptions,
    place: &str,
) -> Result<PgConnection, StorageError> {
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, options.connect.connect()).await;
    let connected = connecting.map_err(|elapsed| StorageError::Unreachable {
        place: place.to_owned(),
        source: elapsed.into(),
    })?;
    connected.map_err(|error| connect_error(place, error))
}

async fn check(connection: &mut PgConnection, place: &str) -> Result<(), StorageError> {
    let failed = |error| storage_error(place, "looking at the server", error);
    let release =
        query::optional(connection, RELEASE, [], decode::integer).await.map_err(failed)?;
    check_release(release.unwrap_or_default(), place)?;
    let tables = query::optional(connection, HAS_SCHEMA, [], decode::integer).await;
    if tables.map_err(failed)?.unwrap_or_default() > 0 {
        let found = query::optional(connection, SCHEMA, [], decode::integer).await;
        let (found, known) = (found.map_err(failed)?.unwrap_or_default(), known_schema());
        if found > known {
            return Err(StorageError::NewerSchema { place: place.to_owned(), found, known });
        }
        if found == known {
            return Ok(());
        }
    }
    // Several gateways may start at once: the migrator holds a lock on the server meanwhile.
    let migrated =
        tokio::time::timeout(MIGRATE_TIMEOUT, MIGRATOR.run_direct(None, connection, false)).await;
    let migrated = migrated.map_err(|elapsed| StorageError::Busy(elapsed.into()))?;
    migrated.map_err(|error| migration_error(place, error))
}

fn check_release(number: i64, place: &str) -> Result<(), StorageError> {
    let found = number / 10_000;
    if found < OLDEST {
        return Err(StorageError::TooOld { place: place.to_owned(), found, needed: OLDEST });
    }
    Ok(())
}

fn migration_error(place: &str, error: MigrateError) -> StorageError {
    let doing = "bringing the tables up to date";
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            storage_error(place, doing, error)
        }
        error => StorageError::Other { doing, source: error.into() },
    }
}

#[cfg(test)]
mod tests {
    use super::check_release;
    use crate::StorageError;

    #[test]
    fn a_release_that_lacks_what_we_need_is_named() {
        check_release(150_018, "here").expect("new enough");
        let error = check_release(120_022, "here").expect_err("too old");
        assert!(matches!(error, StorageError::TooOld { found: 12, needed: 13, .. }), "{error:?}");
        assert_eq!(error.to_string(), "the server of here is PostgreSQL 12, at least 13 is needed");
    }
}
