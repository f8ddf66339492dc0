//! The reads, by noun.
//!
//! Limits are written `LIMIT $1 + 0`: the planner looks at the value of a bare parameter there, and
//! prepares the statement anew each time one is bound.

mod log;
mod memory;
mod people;
mod queues;
mod sessions;

use openclaw_core::{SessionId, Timestamp};
use sqlx::sqlite::SqliteRow;

use super::argument::{Argument, arguments};
use super::codes::storage_error;
use super::decode;
use super::readers::Readers;
use super::{SqliteStorage, query};
use crate::rows::{Backlog, TranscriptRow};
use crate::sql::cells::Decoded;
use crate::sql::read::{Pace, SqlReads, Statements};
use crate::words::Wanted;
use crate::{StorageError, StorageHealth};

type Read<T> = Result<T, StorageError>;

const HEALTH: &str = "SELECT sqlite_version(),
    (SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations),
    (SELECT page_count FROM pragma_page_count()) * (SELECT page_size FROM pragma_page_size())";
const STORED_BYTES: &str = "SELECT ((SELECT page_count FROM pragma_page_count())
    - (SELECT freelist_count FROM pragma_freelist_count())) *
    (SELECT page_size FROM pragma_page_size())";
const INTEGRITY: &str = "PRAGMA integrity_check";
const FOREIGN_KEYS: &str = "SELECT 'row ' || COALESCE(rowid, '?') || ' of ' || \"table\" ||
    ' points at a missing row of ' || parent FROM pragma_foreign_key_check()";

const STATEMENTS: Statements = Statements {
    sessions: sessions::SESSIONS,
    log: log::LOG,
    queues: queues::QUEUES,
    people: people::PEOPLE,
    memory: memory::MEMORY,
};

impl SqlReads for SqliteStorage {
    type Row = SqliteRow;
    const SQL: &'static Statements = &STATEMENTS;

    async fn rows<T: Send>(
        &self,
        pace: Pace,
        sql: &'static str,
        values: Vec<Argument>,
        decode: fn(&SqliteRow) -> Decoded<T>,
    ) -> Read<Vec<T>> {
        let readers = match pace {
            Pace::Quick => &self.readers,
            Pace::Slow => &self.slow_readers,
        };
        self.all_on(readers, sql, values, decode).await
    }

    async fn row<T: Send>(
        &self,
        sql: &'static str,
        values: Vec<Argument>,
        decode: fn(&SqliteRow) -> Decoded<T>,
    ) -> Read<Option<T>> {
        self.optional(sql, values, decode).await
    }

    async fn words(&self, wanted: &Wanted) -> Read<String> {
        self.catch_up_index().await?;
        Ok(wanted.for_sqlite())
    }

    async fn tail(
        &self,
        session: &SessionId,
        limit: u32,
        max_bytes: u64,
    ) -> Read<Vec<TranscriptRow>> {
        let mut reader = self.readers.acquire().await?;
        let result = query::within(
            reader.connection(),
            STATEMENTS.log.transcript_tail,
            arguments![session, limit],
            (decode::transcript_size, decode::transcript),
            max_bytes,
        )
        .await;
        let mut tail = self.settle(reader, result)?;
        tail.reverse();
        Ok(tail)
    }

    async fn counted(&self) -> Read<Backlog> {
        if self.closing.is_cancelled() {
            return Err(StorageError::Closed);
        }
        Ok(self.shared.backlog())
    }

    fn lease_now(&self) -> Option<Timestamp> {
        Some(self.clock.now())
    }
}

impl SqliteStorage {
    async fn optional<T>(
        &self,
        sql: &'static str,
        values: impl IntoIterator<Item = Argument>,
        decode: fn(&SqliteRow) -> Decoded<T>,
    ) -> Read<Option<T>> {
        let mut reader = self.readers.acquire().await?;
        let result = query::optional(reader.connection(), sql, values, decode).await;
        self.settle(reader, result)
    }

    async fn all_on<T: Send>(
        &self,
        readers: &Readers,
        sql: &str,
        values: impl IntoIterator<Item = Argument>,
        decode: fn(&SqliteRow) -> Decoded<T>,
    ) -> Read<Vec<T>> {
        let mut reader = readers.acquire().await?;
        let result = query::all(reader.connection(), sql, values, decode).await;
        self.settle(reader, result)
    }

    /// Gives the reader back; after an error it is opened anew, since the file may be another.
    fn settle<T>(
        &self,
        reader: super::readers::Reader<'_>,
        result: Result<T, sqlx::Error>,
    ) -> Read<T> {
        result.map_err(|error| {
            reader.discard();
            storage_error(&self.place, "reading", error)
        })
    }

    pub(super) async fn read_health(&self) -> Read<StorageHealth> {
        let health = self.optional(HEALTH, [], decode::versions_and_size).await?;
        let (version, schema, size_bytes) = health.ok_or_else(|| StorageError::Other {
            doing: "asking for the version",
            source: "no row came back".into(),
        })?;
        Ok(StorageHealth { engine: "sqlite", version, schema, size_bytes })
    }

    pub(super) async fn read_stored_bytes(&self) -> Read<u64> {
        Ok(self.optional(STORED_BYTES, [], decode::count).await?.unwrap_or_default())
    }

    pub(super) async fn read_integrity(&self) -> Read<Vec<String>> {
        let mut findings = self.all_on(&self.slow_readers, INTEGRITY, [], decode::string).await?;
        findings.retain(|finding| finding != "ok");
        findings.extend(self.all_on(&self.slow_readers, FOREIGN_KEYS, [], decode::string).await?);
        Ok(findings)
    }
}

/// Every statement that reads, for tests.
#[cfg(test)]
pub(super) fn statements() -> Vec<&'static str> {
    let jobs = crate::sql::jobs::READS;
    [&[HEALTH, STORED_BYTES, INTEGRITY, FOREIGN_KEYS], &*STATEMENTS.all(), jobs].concat()
}
