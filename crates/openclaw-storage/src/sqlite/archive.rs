//! Copies of a whole file: export, backup, restore, repair.

use std::path::{Path, PathBuf};

use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, SqliteConnection};
use tokio::sync::mpsc;

use super::codes::storage_error;
use super::options::{self, SqliteOptions};
use super::{SqliteStorage, decode, indexer, open, query};
use crate::StorageError;
use crate::archive::{
    Archive, ArchivedRow, BackupKind, FORGET_SIGNING_KEYS, LineWriter, RestoreError, TABLES, Table,
    remove, settle, with_suffix,
};

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
        let without = forget_signing_keys(&partial).await;
        without.map_err(|error| storage_error(&self.place, "writing the backup", error))?;
        settle(&partial, file).await.map_err(failed)
    }
}

/// Deletes them from a copy, and what they were from its pages.
async fn forget_signing_keys(copy: &Path) -> Result<(), sqlx::Error> {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(copy)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Memory)
        .pragma("secure_delete", "ON")
        .disable_statement_logging();
    let mut connection = options.connect().await?;
    connection.execute(FORGET_SIGNING_KEYS).await?;
    connection.close().await
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
    let fresh = with_suffix(path, FRESH);
    for part in PARTS {
        remove(&with_suffix(&fresh, part)).await?;
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
    connection.execute(FORGET_SIGNING_KEYS).await.map_err(failed)?;
    index_all(&mut connection, &place).await?;
    check(&mut connection, &place).await?;
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    replace(path, &fresh).await
}

/// The file and what belongs to it: without its log it would be another.
const PARTS: [&str; 3] = ["", "-wal", "-shm"];

pub(super) async fn replace(path: &Path, fresh: &Path) -> Result<Option<PathBuf>, RestoreError> {
    let old = with_suffix(path, BEFORE);
    for part in PARTS {
        remove(&with_suffix(&old, part)).await?;
    }
    let is_there = tokio::fs::try_exists(path).await?;
    let moved = async {
        move_parts(path, &old).await?;
        settle(fresh, path).await
    };
    if let Err(error) = moved.await {
        if let Err(error) = move_parts(&old, path).await {
            tracing::error!(old = %old.display(), %error, "the old file could not be moved back");
        }
        return Err(error.into());
    }
    Ok(is_there.then_some(old))
}

async fn move_parts(from: &Path, to: &Path) -> std::io::Result<()> {
    for part in PARTS {
        let part_there = with_suffix(from, part);
        if tokio::fs::try_exists(&part_there).await? {
            tokio::fs::rename(&part_there, with_suffix(to, part)).await?;
        }
    }
    Ok(())
}

const BEFORE: &str = ".before-restore";
const FRESH: &str = ".restoring";

/// Refuses to begin with nothing where a restore was cut off before the new file was in its place.
pub(super) async fn refuse_half_restored(path: &Path) -> Result<(), StorageError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| StorageError::Other {
        doing: "opening the file",
        source,
    };
    let is_there = async |path: PathBuf| {
        tokio::fs::try_exists(path).await.map_err(|error| failed(error.into()))
    };
    if is_there(path.to_owned()).await? {
        return Ok(());
    }
    let (before, fresh) = (with_suffix(path, BEFORE), with_suffix(path, FRESH));
    if !is_there(before.clone()).await? && !is_there(fresh.clone()).await? {
        return Ok(());
    }
    let told = format!(
        "{} is missing and a restore or repair of it was cut off: restore again, or move {} back \
         to it; to begin with nothing remove both that and {}",
        path.display(),
        before.display(),
        fresh.display()
    );
    Err(failed(told.into()))
}

async fn index_all(
    connection: &mut super::connection::Connection,
    place: &str,
) -> Result<(), StorageError> {
    let failed = |error| storage_error(place, "indexing", error);
    while indexer::index_chunk(connection).await.map_err(failed)? {}
    Ok(())
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
    /// How many rows were found and could not be kept; what lay on unreadable pages is not counted.
    pub skipped: u64,
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
    let fresh = with_suffix(path, FRESH);
    for part in PARTS {
        remove(&with_suffix(&fresh, part)).await?;
    }
    let (mut to, _) = open::open(&SqliteOptions::new(&fresh), &place).await?;
    let options = options::reader(&SqliteOptions::new(path));
    let mut from = options.connect().await.map_err(failed)?;
    to.execute("PRAGMA foreign_keys = OFF").await.map_err(failed)?;
    to.execute("BEGIN IMMEDIATE").await.map_err(failed)?;
    let (mut kept, mut skipped, mut incomplete) = (0, 0, Vec::new());
    for table in TABLES {
        let copied = copy_table(&mut from, &mut to, table).await.map_err(failed)?;
        kept += copied.kept;
        skipped += copied.skipped;
        if !copied.is_whole || copied.skipped > 0 {
            incomplete.push(table.name);
        }
    }
    let orphans = to.plain().execute(ORPHANS).await.map_err(failed)?.rows_affected();
    if orphans > 0 {
        kept -= orphans;
        skipped += orphans;
        if !incomplete.contains(&"messages") {
            incomplete.push("messages");
        }
    }
    to.execute("COMMIT").await.map_err(failed)?;
    index_all(&mut to, &place).await?;
    check(&mut to, &place).await?;
    to.execute("PRAGMA wal_checkpoint(TRUNCATE)").await.map_err(failed)?;
    to.close().await.map_err(failed)?;
    if let Err(error) = from.close().await {
        tracing::debug!(%error, "the damaged file did not close cleanly");
    }
    let damaged = replace(path, &fresh).await?.unwrap_or_else(|| path.to_owned());
    Ok(Repaired { damaged, kept, skipped, incomplete })
}

/// Messages of sessions that were lost.
const ORPHANS: &str = "DELETE FROM messages WHERE session_id NOT IN (SELECT id FROM sessions)";

/// What was copied of a table.
struct Copied {
    /// Rows that are in the new file.
    kept: u64,
    /// Rows that were read and are not.
    skipped: u64,
    /// Whether all of it was read.
    is_whole: bool,
}

/// Copies a table in the order it lies in, then from the other end: damage in between hides only
/// itself.
async fn copy_table(
    from: &mut SqliteConnection,
    to: &mut super::connection::Connection,
    table: &'static Table,
) -> Result<Copied, sqlx::Error> {
    let names = table.names();
    let backwards = format!(" ORDER BY {} DESC", table.order.replace(", ", " DESC, "));
    let mut copied = Copied { kept: 0, skipped: 0, is_whole: false };
    for order in ["", &backwards] {
        let sql = format!("SELECT {names} FROM {}{order}", table.name);
        let pass = copy(from, to, table, sql).await?;
        copied.kept += pass.kept;
        copied.is_whole = pass.ended_well;
        if pass.ended_well {
            // It saw every row, whichever pass has kept it.
            copied.skipped = pass.read.saturating_sub(copied.kept);
            break;
        }
        copied.skipped += pass.undecodable;
    }
    Ok(copied)
}

/// One way through a table.
#[derive(Default)]
struct Pass {
    read: u64,
    /// Rows that were new.
    kept: u64,
    undecodable: u64,
    ended_well: bool,
}

/// Copies rows until the end or the first that cannot be read.
async fn copy(
    from: &mut SqliteConnection,
    to: &mut super::connection::Connection,
    table: &'static Table,
    sql: String,
) -> Result<Pass, sqlx::Error> {
    let insert = table.insert(None).replacen("INSERT", "INSERT OR IGNORE", 1);
    let mut rows = from.fetch(AssertSqlSafe(sql));
    let mut pass = Pass::default();
    loop {
        let row = match rows.try_next().await {
            Ok(Some(row)) => row,
            Ok(None) => {
                pass.ended_well = true;
                return Ok(pass);
            }
            Err(error) => {
                tracing::warn!(table = table.name, %error, "a part of the table cannot be read");
                return Ok(pass);
            }
        };
        pass.read += 1;
        let values = match table.values(&row) {
            Ok(values) => values,
            Err(error) => {
                tracing::warn!(table = table.name, %error, "a row cannot be understood");
                pass.undecodable += 1;
                continue;
            }
        };
        let insert = sqlx::query_with(AssertSqlSafe(insert.clone()), query::bound(values));
        pass.kept += to.plain().execute(insert).await?.rows_affected();
    }
}
