//! What PostgreSQL's errors mean for a caller. Nothing else looks at codes.

use std::io::ErrorKind;

use crate::StorageError;

fn code(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

/// The connection is gone or never was; what it was doing may have happened.
pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed => true,
        // Ended by an administrator, by a crash, or while starting or stopping; or for standing
        // still within a transaction.
        _ => code(error).is_some_and(|code| {
            code.starts_with("08") || code.starts_with("57P") || code == "25P03"
        }),
    }
}

/// Another transaction was in the way, which a new try may find gone.
fn is_collision(error: &sqlx::Error) -> bool {
    matches!(code(error).as_deref(), Some("40001" | "40P01" | "55P03"))
}

/// Nothing was written, and a new try on another connection may fare better.
pub(super) fn is_worth_another_try(error: &sqlx::Error) -> bool {
    is_lost(error) || is_collision(error)
}

/// A commit that failed so was undone for certain.
pub(super) fn is_certain_at_commit(error: &sqlx::Error) -> bool {
    !is_lost(error) && error.as_database_error().is_some()
}

/// The error as its caller can act on it.
pub(super) fn storage_error(place: &str, doing: &'static str, error: sqlx::Error) -> StorageError {
    let place = || place.to_owned();
    match &error {
        sqlx::Error::PoolClosed => return StorageError::Closed,
        sqlx::Error::PoolTimedOut => return StorageError::Busy(error.into()),
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
            return StorageError::Corrupt { place: place(), source: error.into() };
        }
        _ => {}
    }
    match code(&error).as_deref() {
        Some("28000" | "28P01" | "3D000" | "42501") => {
            StorageError::Refused { place: place(), source: error.into() }
        }
        // Disk full, out of memory, and the limits of the server's configuration.
        Some("53100") => StorageError::Full(error.into()),
        Some("53200" | "53300" | "53400" | "40001" | "40P01" | "55P03" | "57014") => {
            StorageError::Busy(error.into())
        }
        Some("XX001" | "XX002") => StorageError::Corrupt { place: place(), source: error.into() },
        _ if is_lost(&error) => StorageError::Unreachable { place: place(), source: error.into() },
        _ => StorageError::Other { doing, source: error.into() },
    }
}

/// The error of a first connection.
pub(super) fn connect_error(place: &str, error: sqlx::Error) -> StorageError {
    let is_unknown_host = matches!(&error, sqlx::Error::Io(io) if io.kind() == ErrorKind::Other);
    if is_unknown_host || matches!(error, sqlx::Error::PoolTimedOut) {
        return StorageError::Unreachable { place: place.to_owned(), source: error.into() };
    }
    storage_error(place, "connecting", error)
}
