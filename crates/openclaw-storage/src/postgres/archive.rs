//! Copies of all tables: export, backup, restore.

use std::path::Path;

use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

use super::codes::storage_error;
use super::options::PostgresOptions;
use super::{PostgresStorage, open, query};
use crate::StorageError;
use crate::archive::{Archive, ArchivedRow, BackupKind, LineWriter, RestoreError, TABLES};
use crate::sql::argument::Argument;
use crate::sql::decode;
use crate::words;

const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const HELD: &str = "SELECT COUNT(*) FROM leases
    WHERE lease_until > (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
const COUNTERS: [&str; 3] = [
    "SELECT setval(pg_get_serial_sequence('messages', 'position'),
        (SELECT COALESCE(MAX(position), 0) + 1 FROM messages), false)",
    "SELECT setval(pg_get_serial_sequence('inbox', 'position'),
        (SELECT COALESCE(MAX(position), 0) + 1 FROM inbox), false)",
    "SELECT setval(pg_get_serial_sequence('outbox', 'position'),
        (SELECT COALESCE(MAX(position), 0) + 1 FROM outbox), false)",
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
            while let Some(row) = rows.try_next().await.map_err(failed)? {
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
        let write = async {
            let mut name = file.as_os_str().to_owned();
            name.push(".partial");
            let partial = std::path::PathBuf::from(name);
            let mut open = tokio::fs::OpenOptions::new();
            open.create(true).truncate(true).write(true);
            #[cfg(unix)]
            open.mode(0o600);
            let mut out = tokio::io::BufWriter::new(open.open(&partial).await?);
            while let Some(line) = lines.recv().await {
                out.write_all(line.as_bytes()).await?;
                out.write_all(b"\n").await?;
            }
            out.flush().await?;
            out.into_inner().sync_all().await?;
            Ok(partial)
        };
        let (exported, written) = tokio::join!(self.write_archive(to), write);
        let partial = written.map_err(failed)?;
        exported?;
        tokio::fs::rename(&partial, file).await.map_err(failed)
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
    let held = query::optional(&mut connection, HELD, [], decode::integer).await.map_err(failed)?;
    if held.unwrap_or_default() > 0 {
        return Err(RestoreError::InUse { place });
    }
    connection.execute("BEGIN").await.map_err(failed)?;
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
    connection.execute("COMMIT").await.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    Ok(rows)
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
