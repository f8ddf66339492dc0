//! The reads, by noun, for every engine that speaks SQL.
//!
//! An engine gives its statements and how it asks them; what is asked, with which values, and what
//! becomes of the rows stands here once.

mod columns;
mod jobs;
mod log;
mod memory;
mod people;
mod queues;
mod sessions;

use openclaw_core::{SessionId, Timestamp};

pub(crate) use self::columns::{input, message, message_of_m, outbox, pairing, session};
pub(crate) use self::log::LogSql;
pub(crate) use self::memory::MemorySql;
pub(crate) use self::people::PeopleSql;
pub(crate) use self::queues::QueueSql;
pub(crate) use self::sessions::SessionSql;
use super::argument::Argument;
use super::cells::{Cells, Decoded};
use crate::StorageError;
use crate::rows::{Backlog, TranscriptRow};
use crate::words::Wanted;

type Read<T> = Result<T, StorageError>;

/// How long a read may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// It goes by an index.
    Quick,
    /// It may look at a whole table, and must not hold up the others.
    Slow,
}

/// The statements of an engine.
#[derive(Debug)]
pub(crate) struct Statements {
    pub(crate) sessions: SessionSql,
    pub(crate) log: LogSql,
    pub(crate) queues: QueueSql,
    pub(crate) people: PeopleSql,
    pub(crate) memory: MemorySql,
}

#[cfg(test)]
impl Statements {
    pub(crate) fn all(&self) -> Vec<&'static str> {
        [
            self.sessions.all(),
            self.log.all(),
            self.queues.all(),
            self.people.all(),
            self.memory.all(),
        ]
        .concat()
    }
}

/// An engine that is asked in SQL.
pub(crate) trait SqlReads: Send + Sync {
    /// Its rows.
    type Row: Cells;
    /// Its statements.
    const SQL: &'static Statements;

    /// All rows.
    fn rows<T: Send>(
        &self,
        pace: Pace,
        sql: &'static str,
        values: Vec<Argument>,
        decode: fn(&Self::Row) -> Decoded<T>,
    ) -> impl Future<Output = Read<Vec<T>>> + Send;

    /// The only row, where there is one.
    fn row<T: Send>(
        &self,
        sql: &'static str,
        values: Vec<Argument>,
        decode: fn(&Self::Row) -> Decoded<T>,
    ) -> impl Future<Output = Read<Option<T>>> + Send;

    /// What the engine's index of words is asked, once it holds every message stored so far.
    fn words(&self, wanted: &Wanted) -> impl Future<Output = Read<String>> + Send;

    /// The newest rows of a session whose bytes together stay within `max_bytes`, at least one,
    /// oldest first.
    fn tail(
        &self,
        session: &SessionId,
        limit: u32,
        max_bytes: u64,
    ) -> impl Future<Output = Read<Vec<TranscriptRow>>> + Send;

    /// What is open and what is in trouble.
    fn counted(&self) -> impl Future<Output = Read<Backlog>> + Send;

    /// The moment leases go by; `None` is the server's clock.
    fn lease_now(&self) -> Option<Timestamp>;
}

/// Names the statements of a noun.
macro_rules! statements {
    ($(#[$doc:meta])* $name:ident { $($statement:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name {
            $(pub(crate) $statement: &'static str),*
        }

        #[cfg(test)]
        impl $name {
            pub(crate) fn all(&self) -> Vec<&'static str> {
                vec![$(self.$statement),*]
            }
        }
    };
}
use statements;
