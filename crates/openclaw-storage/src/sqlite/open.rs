//! Opening a file: what it is, and which tables it has.

use sqlx::migrate::{MigrateError, Migrator};

use super::codes::storage_error;
use super::connection::Connection;
use super::options::{self, SqliteOptions};
use super::{decode, query, tally};
use crate::StorageError;
use crate::rows::Backlog;

static MIGRATOR: Migrator = sqlx::migrate!("./migrations/sqlite");

// A file that is no database opens all the same; the first statement that reads it fails.
const PROBE: &str = "SELECT COUNT(*) FROM sqlite_master";
const HAS_SCHEMA: &str =
    "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'";
const SCHEMA: &str = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations";

/// The newest schema this program knows.
fn known_schema() -> i64 {
    MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// The connection that writes, on tables that are up to date, and what is open in them.
pub(super) async fn open(
    options: &SqliteOptions,
    place: &str,
) -> Result<(Connection, Backlog), StorageError> {
    options::make_private(&options.path).await.map_err(|source| StorageError::Other {
        doing: "making the file",
        source: source.into(),
    })?;
    let failed = |error| storage_error(place, "opening the file", error);
    let mut connection = Connection::open(options::writer(options)).await.map_err(failed)?;
    query::optional(&mut connection, PROBE, [], decode::count).await.map_err(failed)?;
    check_schema(&mut connection, place).await?;
    MIGRATOR
        .run_direct(None, connection.plain(), false)
        .await
        .map_err(|error| migration_error(place, error))?;
    let backlog = tally::counted(&mut connection).await.map_err(failed)?;
    Ok((connection, backlog))
}

/// Refuses a newer schema before anything is written.
pub(super) async fn check_schema(
    connection: &mut Connection,
    place: &str,
) -> Result<(), StorageError> {
    let failed = |error| storage_error(place, "reading the schema's version", error);
    let tables =
        query::optional(connection, HAS_SCHEMA, [], decode::count).await.map_err(failed)?;
    if tables.unwrap_or_default() == 0 {
        return Ok(());
    }
    let found = query::optional(connection, SCHEMA, [], decode::integer).await.map_err(failed)?;
    let (found, known) = (found.unwrap_or_default(), known_schema());
    if found > known {
        return Err(StorageError::NewerSchema { place: place.to_owned(), found, known });
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
