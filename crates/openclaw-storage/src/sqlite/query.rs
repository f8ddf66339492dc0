//! Single statements that return rows.

use std::ops::ControlFlow;

use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Either, Executor as _};

use super::argument::Argument;
use super::connection::Connection;
use super::decode::Decoded;

type Decode<T> = fn(&SqliteRow) -> Decoded<T>;

fn bound(values: impl IntoIterator<Item = Argument>) -> SqliteArguments {
    let mut arguments = SqliteArguments::default();
    for value in values {
        value.add_to(&mut arguments);
    }
    arguments
}

fn decoded<T>(row: &SqliteRow, decode: Decode<T>) -> Result<T, sqlx::Error> {
    decode(row).map_err(sqlx::Error::Decode)
}

/// The first row, where there is one.
pub(super) async fn optional<T>(
    connection: &mut Connection,
    sql: &'static str,
    values: impl IntoIterator<Item = Argument>,
    decode: Decode<T>,
) -> Result<Option<T>, sqlx::Error> {
    let query = sqlx::query_with(sql, bound(values));
    let row = connection.plain().fetch_optional(query).await?;
    row.map(|row| decoded(&row, decode)).transpose()
}

/// All rows.
pub(super) async fn all<T: Send>(
    connection: &mut Connection,
    sql: &str,
    values: impl IntoIterator<Item = Argument>,
    decode: Decode<T>,
) -> Result<Vec<T>, sqlx::Error> {
    within(connection, sql, values, (|_| Ok(0), decode), u64::MAX).await
}

/// The first rows whose sizes together stay within `max_bytes`, but at least one.
pub(super) async fn within<T: Send>(
    connection: &mut Connection,
    sql: &str,
    values: impl IntoIterator<Item = Argument>,
    (size, decode): (Decode<u64>, Decode<T>),
    max_bytes: u64,
) -> Result<Vec<T>, sqlx::Error> {
    let mut rows = Vec::new();
    let mut total = 0_u64;
    let visit = |item| {
        let Either::Right(row) = item else { return Ok(ControlFlow::Continue(())) };
        total = total.saturating_add(decoded(&row, size)?);
        if total > max_bytes && !rows.is_empty() {
            return Ok(ControlFlow::Break(()));
        }
        rows.push(decoded(&row, decode)?);
        Ok(ControlFlow::Continue(()))
    };
    connection.run(sql.to_owned(), bound(values), 1, visit).await?;
    Ok(rows)
}
