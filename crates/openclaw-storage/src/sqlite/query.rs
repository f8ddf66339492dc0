//! Single statements that return rows.

use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Executor as _, SqlSafeStr};

use super::argument::Argument;
use super::decode::Decoded;

type Decode<T> = fn(&SqliteRow) -> Decoded<T>;
type Query = sqlx::query::Query<'static, sqlx::Sqlite, SqliteArguments>;

pub(super) fn bound(sql: impl SqlSafeStr, values: impl IntoIterator<Item = Argument>) -> Query {
    let mut arguments = SqliteArguments::default();
    for value in values {
        value.add_to(&mut arguments);
    }
    sqlx::query_with(sql, arguments)
}

fn decoded<T>(row: &SqliteRow, decode: Decode<T>) -> Result<T, sqlx::Error> {
    decode(row).map_err(sqlx::Error::Decode)
}

/// The first row, where there is one.
pub(super) async fn optional<T>(
    connection: &mut SqliteConnection,
    sql: impl SqlSafeStr,
    values: impl IntoIterator<Item = Argument>,
    decode: Decode<T>,
) -> Result<Option<T>, sqlx::Error> {
    let row = connection.fetch_optional(bound(sql, values)).await?;
    row.map(|row| decoded(&row, decode)).transpose()
}

/// All rows.
pub(super) async fn all<T>(
    connection: &mut SqliteConnection,
    sql: impl SqlSafeStr,
    values: impl IntoIterator<Item = Argument>,
    decode: Decode<T>,
) -> Result<Vec<T>, sqlx::Error> {
    let mut rows = connection.fetch(bound(sql, values));
    let mut decoded_rows = Vec::new();
    while let Some(row) = rows.try_next().await? {
        decoded_rows.push(decoded(&row, decode)?);
    }
    Ok(decoded_rows)
}

/// The first rows whose sizes together stay within `max_bytes`, but at least one.
pub(super) async fn within<T>(
    connection: &mut SqliteConnection,
    sql: impl SqlSafeStr,
    values: impl IntoIterator<Item = Argument>,
    (size, decode): (Decode<u64>, Decode<T>),
    max_bytes: u64,
) -> Result<Vec<T>, sqlx::Error> {
    let mut rows = connection.fetch(bound(sql, values));
    let mut decoded_rows = Vec::new();
    let mut total = 0_u64;
    while let Some(row) = rows.try_next().await? {
        total = total.saturating_add(decoded(&row, size)?);
        if total > max_bytes && !decoded_rows.is_empty() {
            break;
        }
        decoded_rows.push(decoded(&row, decode)?);
    }
    Ok(decoded_rows)
}
