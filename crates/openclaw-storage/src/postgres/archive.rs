//! Copies of all tables: export, backup, restore.

use std::path::Path;

use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

use super::attempt::ANSWER_TIMEOUT;
use super::codes::storage_error;
use super::options::PostgresOptions;
use super::{PostgresStorage, open, query};
use crate::StorageError;
use crate::archive::{
    Archive, ArchivedRow, BackupKind, FORGET_SIGNING_KEYS, LineWriter, RestoreError, TABLES,
    remove, settle, with_suffix,
};
use crate::sql::argument::Argument;
use crate::sql::decode;
use crate::words;

const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const HELD: &str = "SELECT COUNT(*) FROM leases
    WHERE lease_until > (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
/// Under the lock no gateway can begin to work between the look at the leases and the end.
const BEGIN_ALONE: &str = "BEGIN; SET LOCAL lock_timeout = '5s';
    LOCK TABLE leases IN ACCESS EXCLUSIVE MODE";
const COUNTERS: [&str; 5] = [
    "SELECT setval(pg_get_serial_sequence('messages', 'position'),
        (SELECT COALESCE(MAX(position), 0) + 1 FROM messages), false)",
    "SELECT setval(pg_get_serial_sequence('inbox', 'position'),
        (SELECT COALESCE(MAX(position), 0) + 1 FROM inbox), false)",
    "SELECT setval(pg_get_serial_sequence('outbox', 'position'),
        (SELECT COALESCE(MAX(position), 0) + 1 FROM outbox), false)",
    "SELECT setval(pg_get_serial_sequence('memory_chunks', 'position'),
        (SELECT COALESCE(MAX(position), 0) + 1 FROM memory_chunks), false)",
    "SELECT setval(pg_get_serial_sequence('memory_vectors', 'position'),
        (SELECT COALESCE(MAX(position), 0) + 1 FROM memory_vectors), false)",
];
/// As the write path makes it.
const SEARCH: (&str, &str) =
    ("search", "array_to_tsvector(array_remove(string_to_array($n::text, ' '), ''))");

impl PostgresStorage {
    pub(super) async fn write_archive(
        &self,
        lines: mpsc::Sender<String>,
    ) -> Result<u64, StorageError> {
        let failed = |error| storage_error(&self.place, "exporting", error);
        let mut connection = open::connect(&self.options, &self.place).await?;
        connection.execute(SNAPSHOT).await.map_err(failed)?;
        let mut writer = LineWriter::begin(lines, "postgres", self.attempts.clock.now()).await?;
        for table in TABLES {
            let mut rows = connection.fetch(AssertSqlSafe(table.select()));
            while let Some(row) = timely(rows.try_next()).await?.map_err(failed)? {
                let line = table.line(&row).map_err(|error| failed(sqlx::Error::Decode(error)))?;
                writer.row(line).await?;
            }
        }
        connection.close().await.map_err(failed)?;
        writer.end().await
    }

    pub(super) async fn write_backup(&self, file: &Path) -> Result<(), StorageError> {
        let failed = |source: std::io::Error| StorageError::Other {
            doing: "writing the backup",
            source: source.into(),
        };
        let (to, mut lines) = mpsc::channel::<String>(LINES_WAITING);
        let partial = with_suffix(file, ".partial");
        let target = &partial;
        // It owns the receiver: when it fails, whoever sends is told.
        let write = async move {
            let mut open = tokio::fs::OpenOptions::new();
            open.create(true).truncate(true).write(true);
            #[cfg(unix)]
            open.mode(0o600);
            let mut out = tokio::io::BufWriter::new(open.open(target).await?);
            while let Some(line) = lines.recv().await {
                out.write_all(line.as_bytes()).await?;
                out.write_all(b"\n").await?;
            }
            out.flush().await?;
            Ok(())
        };
        let (exported, written) = tokio::join!(self.write_archive(to), write);
        let settled = match written.map_err(failed).and(exported) {
            Ok(_) => settle(&partial, file).await.map_err(failed),
            Err(error) => Err(error),
        };
        if settled.is_err()
            && let Err(error) = remove(&partial).await
        {
            tracing::warn!(file = %partial.display(), %error, "half of a backup was left behind");
        }
        settled
    }
}

/// Lines that wait for the disk.
const LINES_WAITING: usize = 64;

/// Puts what a backup holds in the place of what is stored, in one transaction.
///
/// # Errors
/// Then what was stored is as it was.
pub async fn restore(options: &PostgresOptions, backup: &Path) -> Result<u64, RestoreError> {
    if BackupKind::of(backup)? == BackupKind::Database {
        return Err(RestoreError::WrongKind(backup.display().to_string()));
    }
    let place = options.place();
    let failed = |error| storage_error(&place, "restoring", error);
    open::prepare(options, &place).await?;
    let mut connection = open::connect(options, &place).await?;
    timely(connection.execute(BEGIN_ALONE)).await?.map_err(failed)?;
    let held = query::optional(&mut connection, HELD, [], decode::integer);
    if timely(held).await?.map_err(failed)?.unwrap_or_default() > 0 {
        return Err(RestoreError::InUse { place });
    }
    for table in TABLES.iter().rev() {
        let clear = AssertSqlSafe(format!("DELETE FROM {}", table.name));
        connection.execute(clear).await.map_err(failed)?;
    }
    let rows = fill(&mut connection, backup).await?;
    for counter in COUNTERS {
        connection.execute(counter).await.map_err(failed)?;
    }
    // Whoever held them is gone; fences go on from where they were.
    connection.execute("UPDATE leases SET lease_until = 0").await.map_err(failed)?;
    connection.execute(FORGET_SIGNING_KEYS).await.map_err(failed)?;
    connection.execute("COMMIT").await.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    Ok(rows)
}

/// A server that stands still is not waited for for ever.
async fn timely<T>(asking: impl Future<Output = T>) -> Result<T, StorageError> {
    tokio::time::timeout(ANSWER_TIMEOUT, asking)
        .await
        .map_err(|elapsed| StorageError::Busy(elapsed.into()))
}

async fn fill(connection: &mut PgConnection, backup: &Path) -> Result<u64, RestoreError> {
    let mut archive = Archive::open(backup)?;
    let mut number = 0;
    while let Some(ArchivedRow { table, mut values }) = archive.next_row()? {
        number += 1;
        let content = if table.name == "messages" { table.index_of("content") } else { None };
        let insert = match content.and_then(|at| values.get(at)) {
            Some(Argument::Text(content)) => {
                let content = serde_json::from_str(content);
                let content = content.map(|content| words::of_content(&content).join(" "));
                values.push(Argument::Text(content.unwrap_or_default()));
                table.insert(Some(SEARCH))
            }
            _ => table.insert(None),
        };
        let insert = sqlx::query_with(AssertSqlSafe(insert), query::bound(values));
        let stored = (&mut *connection).execute(insert).await;
        stored.map_err(|source| RestoreError::Row {
            table: table.name,
            row: number,
            source: source.into(),
        })?;
    }
    Ok(number)
}
