//! Single statements that return rows.

use std::borrow::Cow;
use std::ops::ControlFlow;

use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Either, Executor as _, Row as _};

use super::argument::Argument;
use super::connection::Connection;
use crate::sql::cells::{Cells, Decoded};
use crate::sql::conflicts::Asked;

type Decode<T> = fn(&SqliteRow) -> Decoded<T>;

pub(super) fn bound(values: impl IntoIterator<Item = Argument>) -> SqliteArguments {
    let mut arguments = SqliteArguments::default();
    for value in values {
        add(value, &mut arguments);
    }
    arguments
}

/// Binds one value.
pub(super) fn add(value: Argument, arguments: &mut SqliteArguments) {
    use sqlx::Arguments as _;
    let added = match value {
        Argument::Null => arguments.add(None::<i64>),
        Argument::Integer(value) => arguments.add(value),
        Argument::Text(value) => arguments.add(value),
        Argument::Bytes(value) => arguments.add(value),
    };
    added.expect("integers, text and bytes always encode");
}

impl Cells for SqliteRow {
    fn text(&self, index: usize) -> Decoded<Option<Cow<'_, str>>> {
        Ok(self.try_get::<Option<&str>, _>(index)?.map(Cow::Borrowed))
    }

    fn integer(&self, index: usize) -> Decoded<Option<i64>> {
        Ok(self.try_get(index)?)
    }

    fn bytes(&self, index: usize) -> Decoded<Option<Vec<u8>>> {
        Ok(self.try_get(index)?)
    }
}

impl Asked for Connection {
    type Row = SqliteRow;

    async fn first<T: Send>(
        &mut self,
        sql: &'static str,
        values: Vec<Argument>,
        decode: Decode<T>,
    ) -> Result<Option<T>, sqlx::Error> {
        optional(self, sql, values, decode).await
    }
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
