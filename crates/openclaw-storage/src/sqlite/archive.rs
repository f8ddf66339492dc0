//! Copies of a whole file: export, backup, restore, repair.

use std::path::{Path, PathBuf};

use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, SqliteConnection};
use tokio::sync::mpsc;

use super::codes::storage_error;
use super::options::{self, SqliteOptions};
use super::{SqliteStorage, decode, open, query};
use crate::StorageError;
use crate::archive::{Archive, ArchivedRow, BackupKind, LineWriter, RestoreError, TABLES};

const INTEGRITY: &str = "PRAGMA integrity_check";

impl SqliteStorage {
    /// A connection of its own, which sees one moment and holds up nobody.
    async fn apart(&self) -> Result<SqliteConnection, StorageError> {
        let options = options::reader(&self.options).pragma("query_only", "OFF");
        options.connect().await.map_err(|error| storage_error(&self.place, "opening", error))
    }

    pub(super) async fn write_archive(
        &self,
        lines: mpsc::Sender<String>,
    ) -> Result<u64, StorageError> {
        let failed = |error| storage_error(&self.place, "exporting", error);
        let mut connection = self.apart().await?;
        connection.execute("BEGIN").await.map_err(failed)?;
        let mut writer = LineWriter::begin(lines, "sqlite", self.clock.now()).await?;
        for table in TABLES {
            let mut rows = connection.fetch(AssertSqlSafe(table.select()));
            while let Some(row) = rows.try_next().await.map_err(failed)? {
                let line = table.line(&row).map_err(|error| failed(sqlx::Error::Decode(error)))?;
                writer.row(line).await?;
            }
        }
        connection.close().await.map_err(failed)?;
        writer.end().await
    }

    /// Writes a file of its own that holds the present moment, while others go on.
    pub(super) async fn write_backup(&self, file: &Path) -> Result<(), StorageError> {
        let failed = |source: std::io::Error| StorageError::Other {
            doing: "writing the backup",
            source: source.into(),
        };
        let partial = with_suffix(file, ".partial");
        remove(&partial).await.map_err(failed)?;
        // An empty file is taken as new, and keeps its mode.
        options::make_private(&partial).await.map_err(failed)?;
        let mut connection = self.apart().await?;
        let target = partial.display().to_string();
        let copied = sqlx::query("VACUUM INTO $1").bind(target).execute(&mut connection).await;
        copied.map_err(|error| storage_error(&self.place, "writing the backup", error))?;
        let closed = connection.close().await;
        closed.map_err(|error| storage_error(&self.place, "writing the backup", error))?;
        settle(&partial, file).await.map_err(failed)
    }
}

/// Moves a complete file to its place, and makes sure of both on the disk.
async fn settle(from: &Path, to: &Path) -> std::io::Result<()> {
    tokio::fs::File::open(from).await?.sync_all().await?;
    tokio::fs::rename(from, to).await?;
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        tokio::fs::File::open(folder).await?.sync_all().await?;
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

async fn remove(path: &Path) -> std::io::Result<()> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Sees whether a file of SQLite is one of ours, and sound. Answers how many messages it holds.
///
/// # Errors
/// What is wrong with it.
pub async fn verify(file: &Path) -> Result<u64, RestoreError> {
    let place = file.display().to_string();
    let failed = |error| storage_error(&place, "reading the backup", error);
    let options = sqlx::sqlite::SqliteConnectOptions::new();
    let options =
        options.filename(file).read_only(true).immutable(true).disable_statement_logging();
    let mut connection = super::connection::Connection::open(options).await.map_err(failed)?;
    open::check_schema(&mut connection, &place).await?;
    check(&mut connection, &place).await?;
    let count =
        query::optional(&mut connection, "SELECT COUNT(*) FROM messages", [], decode::count);
    let messages = count.await.map_err(failed)?.unwrap_or_default();
    connection.close().await.map_err(failed)?;
    Ok(messages)
}

async fn check(
    connection: &mut super::connection::Connection,
    place: &str,
) -> Result<(), RestoreError> {
    let read = query::all(connection, INTEGRITY, [], decode::string).await;
    let findings = read.map_err(|error| storage_error(place, "checking the backup", error))?;
    match findings.into_iter().find(|finding| finding != "ok") {
        None => Ok(()),
        Some(finding) => Err(RestoreError::Damaged { finding }),
    }
}

/// Puts what a backup holds in the place of a file that nobody has open. The old file stays beside it
/// with `.before-restore` after its name. Answers its path where there was one.
///
/// # Errors
/// Then the old file is where it was.
pub async fn restore(path: &Path, backup: &Path) -> Result<Option<PathBuf>, RestoreError> {
    let fresh = with_suffix(path, ".restoring");
    for suffix in ["", "-wal", "-shm"] {
        remove(&with_suffix(&fresh, suffix)).await?;
    }
    let options = SqliteOptions::new(&fresh);
    options::make_private(&fresh).await?;
    let kind = BackupKind::of(backup)?;
    if kind == BackupKind::Database {
        tokio::fs::copy(backup, &fresh).await?;
    }
    let place = backup.display().to_string();
    let (mut connection, _) = open::open(&options, &place).await?;
    if kind == BackupKind::Lines {
        fill(&mut connection, backup, &place).await?;
    }
    let failed = |error| storage_error(&place, "restoring", error);
    // Whoever held them is gone; fences go on from where they were.
    connection.execute("UPDATE leases SET lease_until = 0").await.map_err(failed)?;
    check(&mut connection, &place).await?;
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    replace(path, &fresh).await
}

async fn replace(path: &Path, fresh: &Path) -> Result<Option<PathBuf>, RestoreError> {
    let old = with_suffix(path, ".before-restore");
    let is_there = tokio::fs::try_exists(path).await?;
    for suffix in ["", "-wal", "-shm"] {
        remove(&with_suffix(&old, suffix)).await?;
        let part = with_suffix(path, suffix);
        if tokio::fs::try_exists(&part).await? {
            // The log belongs to the file: without it the old one would be another.
            tokio::fs::rename(&part, with_suffix(&old, suffix)).await?;
        }
    }
    settle(fresh, path).await?;
    Ok(is_there.then_some(old))
}

async fn fill(
    connection: &mut super::connection::Connection,
    backup: &Path,
    place: &str,
) -> Result<(), RestoreError> {
    let failed = |error| storage_error(place, "restoring", error);
    let mut archive = Archive::open(backup)?;
    connection.execute("BEGIN IMMEDIATE").await.map_err(failed)?;
    let mut number = 0;
    while let Some(ArchivedRow { table, values }) = archive.next_row()? {
        number += 1;
        let insert = sqlx::query_with(AssertSqlSafe(table.insert(None)), query::bound(values));
        let stored = connection.plain().execute(insert).await;
        stored.map_err(|source| RestoreError::Row {
            table: table.name,
            row: number,
            source: source.into(),
        })?;
    }
    connection.execute("COMMIT").await.map_err(failed)?;
    Ok(())
}

/// What was kept of a damaged file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// Where the damaged file is.
    pub damaged: PathBuf,
    /// How many rows were kept.
    pub kept: u64,
    /// The tables of which something may be missing.
    pub incomplete: Vec<&'static str>,
}

/// Copies what can be read of a damaged file that nobody has open into a new one in its place.
///
/// # Errors
/// Then the file is where it was.
pub async fn repair(path: &Path) -> Result<Repaired, RestoreError> {
    let place = path.display().to_string();
    let failed = |error| storage_error(&place, "repairing", error);
    let fresh = with_suffix(path, ".restoring");
    for suffix in ["", "-wal", "-shm"] {
        remove(&with_suffix(&fresh, suffix)).await?;
    }
    let (mut to, _) = open::open(&SqliteOptions::new(&fresh), &place).await?;
    let options = options::reader(&SqliteOptions::new(path));
    let mut from = options.connect().await.map_err(failed)?;
    to.execute("PRAGMA foreign_keys = OFF").await.map_err(failed)?;
    to.execute("BEGIN IMMEDIATE").await.map_err(failed)?;
    let (mut kept, mut incomplete) = (0, Vec::new());
    for table in TABLES {
        // In the order they lie in, then from the other end: damage in between hides only itself.
        let names = table.names();
        let orders =
            ["".to_owned(), format!(" ORDER BY {} DESC", table.order.replace(", ", " DESC, "))];
        let mut is_whole = true;
        for order in orders {
            let sql = format!("SELECT {names} FROM {}{order}", table.name);
            let (copied, ended_well) =
                copy(&mut from, &mut to, table, sql).await.map_err(failed)?;
            kept += copied;
            is_whole = ended_well;
            if ended_well {
                break;
            }
        }
        if !is_whole {
            incomplete.push(table.name);
        }
    }
    to.execute("DELETE FROM messages WHERE session_id NOT IN (SELECT id FROM sessions)")
        .await
        .map_err(failed)?;
    to.execute("COMMIT").await.map_err(failed)?;
    check(&mut to, &place).await?;
    to.execute("PRAGMA wal_checkpoint(TRUNCATE)").await.map_err(failed)?;
    to.close().await.map_err(failed)?;
    if let Err(error) = from.close().await {
        tracing::debug!(%error, "the damaged file did not close cleanly");
    }
    let damaged = replace(path, &fresh).await?.unwrap_or_else(|| path.to_owned());
    Ok(Repaired { damaged, kept, incomplete })
}

/// Copies rows until the end or the first that cannot be read. Answers how many were new, and whether
/// the end was reached.
async fn copy(
    from: &mut SqliteConnection,
    to: &mut super::connection::Connection,
    table: &'static crate::archive::Table,
    sql: String,
) -> Result<(u64, bool), sqlx::Error> {
    let insert = table.insert(None).replacen("INSERT", "INSERT OR IGNORE", 1);
    let mut rows = from.fetch(AssertSqlSafe(sql));
    let mut copied = 0;
    loop {
        let row = match rows.try_next().await {
            Ok(Some(row)) => row,
            Ok(None) => return Ok((copied, true)),
            Err(error) => {
                tracing::warn!(table = table.name, %error, "a part of the table cannot be read");
                return Ok((copied, false));
            }
        };
        let Ok(values) = table.values(&row) else { continue };
        let insert = sqlx::query_with(AssertSqlSafe(insert.clone()), query::bound(values));
        copied += to.plain().execute(insert).await?.rows_affected();
    }
}
