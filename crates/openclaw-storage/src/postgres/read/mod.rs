//! The reads, by noun.

mod log;
mod memory;
mod people;
mod queues;
mod sessions;

use openclaw_core::{SessionId, Timestamp};
use sqlx::postgres::PgRow;

use super::PostgresStorage;
use super::attempt::{ANSWER_TIMEOUT, acquire};
use super::codes::{is_lost, storage_error};
#[cfg(test)]
use super::open;
use super::query::{self, Decode};
use crate::rows::{Backlog, TranscriptRow};
use crate::sql::argument::{Argument, arguments};
use crate::sql::cells::Decoded;
use crate::sql::decode;
use crate::sql::read::{Pace, SqlReads, Statements};
use crate::words::Wanted;
use crate::{StorageError, StorageHealth};

type Read<T> = Result<T, StorageError>;

const HEALTH: &str = "SELECT current_setting('server_version'),
    (SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations),
    pg_database_size(current_database())";
// The files of a server do not shrink by what is deleted, so rows are added up.
const STORED_BYTES: &str = "SELECT (
    (SELECT COALESCE(SUM(pg_column_size(m.*)), 0) FROM messages m) +
    (SELECT COALESCE(SUM(pg_column_size(t.*)), 0) FROM transcript t) +
    (SELECT COALESCE(SUM(pg_column_size(e.*)), 0) FROM events e) +
    (SELECT COALESCE(SUM(pg_column_size(i.*)), 0) FROM inbox i) +
    (SELECT COALESCE(SUM(pg_column_size(o.*)), 0) FROM outbox o) +
    (SELECT COALESCE(SUM(pg_column_size(c.*)), 0) FROM memory_chunks c) +
    (SELECT COALESCE(SUM(pg_column_size(v.*)), 0) FROM memory_vectors v))::bigint";
const INVALID_INDEXES: &str = "SELECT 'index ' || c.relname || ' is not valid'
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    WHERE NOT i.indisvalid AND c.relnamespace = (
        SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = to_regclass('sessions'))";

const STATEMENTS: Statements = Statements {
    sessions: sessions::SESSIONS,
    log: log::LOG,
    queues: queues::QUEUES,
    people: people::PEOPLE,
    memory: memory::MEMORY,
};

impl SqlReads for PostgresStorage {
    type Row = PgRow;
    const SQL: &'static Statements = &STATEMENTS;

    async fn rows<T: Send>(
        &self,
        _: Pace,
        sql: &'static str,
        values: Vec<Argument>,
        decode: fn(&PgRow) -> Decoded<T>,
    ) -> Read<Vec<T>> {
        self.all(sql, values, decode).await
    }

    async fn row<T: Send>(
        &self,
        sql: &'static str,
        values: Vec<Argument>,
        decode: fn(&PgRow) -> Decoded<T>,
    ) -> Read<Option<T>> {
        self.optional(sql, values, decode).await
    }

    async fn words(&self, wanted: &Wanted) -> Read<String> {
        Ok(wanted.for_postgres())
    }

    async fn tail(
        &self,
        session: &SessionId,
        limit: u32,
        max_bytes: u64,
    ) -> Read<Vec<TranscriptRow>> {
        let max_bytes = i64::try_from(max_bytes).unwrap_or(i64::MAX);
        let values = arguments![session, limit, max_bytes];
        self.all(STATEMENTS.log.transcript_tail, values, decode::transcript).await
    }

    async fn counted(&self) -> Read<Backlog> {
        let counted = self.optional(queues::BACKLOG, [], decode::backlog).await?;
        Ok(counted.unwrap_or_default())
    }

    fn lease_now(&self) -> Option<Timestamp> {
        self.attempts.lease_now()
    }
}

impl PostgresStorage {
    async fn optional<T>(
        &self,
        sql: &'static str,
        values: impl IntoIterator<Item = Argument>,
        decode: Decode<T>,
    ) -> Read<Option<T>> {
        Ok(self.all(sql, values, decode).await?.into_iter().next())
    }

    /// Reads all rows; once more where the connection broke, which a restart of the server does.
    async fn all<T>(
        &self,
        sql: &'static str,
        values: impl IntoIterator<Item = Argument>,
        decode: Decode<T>,
    ) -> Read<Vec<T>> {
        let values: Vec<Argument> = values.into_iter().collect();
        match self.try_all(sql, values.clone(), decode).await? {
            Err(error) if is_lost(&error) => {
                tracing::debug!(%error, place = self.place, "a read is tried again");
                self.try_all(sql, values, decode).await?.map_err(|error| self.failed(error))
            }
            read => read.map_err(|error| self.failed(error)),
        }
    }

    async fn try_all<T>(
        &self,
        sql: &'static str,
        values: Vec<Argument>,
        decode: Decode<T>,
    ) -> Read<Result<Vec<T>, sqlx::Error>> {
        if self.closing.is_cancelled() {
            return Err(StorageError::Closed);
        }
        let mut connection = acquire(&self.pool, &self.place).await?;
        let reading = query::all(&mut connection, sql, values, decode);
        let read = tokio::time::timeout(ANSWER_TIMEOUT, reading).await.unwrap_or_else(|elapsed| {
            Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed)))
        });
        if read.as_ref().is_err_and(is_lost) {
            connection.close_on_drop();
        }
        Ok(read)
    }

    fn failed(&self, error: sqlx::Error) -> StorageError {
        storage_error(&self.place, "reading", error)
    }

    pub(super) async fn read_health(&self) -> Read<StorageHealth> {
        let health = self.optional(HEALTH, [], decode::versions_and_size).await?;
        let (version, schema, size_bytes) = health.ok_or_else(|| StorageError::Other {
            doing: "asking for the version",
            source: "no row came back".into(),
        })?;
        Ok(StorageHealth { engine: "postgres", version, schema, size_bytes })
    }

    pub(super) async fn read_stored_bytes(&self) -> Read<u64> {
        Ok(self.optional(STORED_BYTES, [], decode::count).await?.unwrap_or_default())
    }

    pub(super) async fn read_integrity(&self) -> Read<Vec<String>> {
        self.all(INVALID_INDEXES, [], decode::string).await
    }
}

/// Every statement that reads, for tests.
#[cfg(test)]
pub(super) fn statements() -> Vec<&'static str> {
    let own: &[&str] = &[HEALTH, INVALID_INDEXES, queues::BACKLOG];
    let jobs = crate::sql::jobs::READS;
    [own, open::STATEMENTS, &*STATEMENTS.all(), jobs].concat()
}
