//! What SQLite's result codes mean for a caller. Nothing else looks at codes.

use crate::StorageError;

const ERROR: i32 = 1;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const IO_ERROR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CONSTRAINT: i32 = 19;
const NOT_A_DATABASE: i32 = 26;

fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

/// What a guard that only reads fails with.
const OVERFLOW: &str = "integer overflow";

/// A constraint undoes only its statement, and so does a guard; after any other error the transaction
/// may be gone.
pub(super) fn is_constraint(error: &sqlx::Error) -> bool {
    match primary_code(error) {
        Some(CONSTRAINT) => true,
        Some(ERROR) => error.as_database_error().is_some_and(|error| error.message() == OVERFLOW),
        _ => false,
    }
}

/// A commit that failed while writing may be found committed when the log is read again.
pub(super) fn is_uncertain_at_commit(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::WorkerCrashed => true,
        _ => primary_code(error) == Some(IO_ERROR),
    }
}

/// The error as its caller can act on it.
pub(super) fn storage_error(place: &str, doing: &'static str, error: sqlx::Error) -> StorageError {
    let is_unreadable = matches!(error, sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. });
    match primary_code(&error) {
        Some(BUSY | LOCKED) => StorageError::Busy(error.into()),
        Some(FULL) => StorageError::Full(error.into()),
        Some(CORRUPT | NOT_A_DATABASE) => {
            StorageError::Corrupt { place: place.to_owned(), source: error.into() }
        }
        None if is_unreadable => {
            StorageError::Corrupt { place: place.to_owned(), source: error.into() }
        }
        _ => StorageError::Other { doing, source: error.into() },
    }
}
