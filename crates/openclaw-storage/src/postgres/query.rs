//! Binding arguments and reading rows.

use std::borrow::Cow;

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgConnection, PgRow, PgTypeInfo};
use sqlx::{Encode, Executor as _, Postgres, Row as _, Type};

use crate::sql::argument::Argument;
use crate::sql::cells::{Cells, Decoded};
use crate::sql::conflicts::Asked;

/// A null whose type the statement decides.
struct Null;

/// The type of a literal before the statement has given it one.
const UNKNOWN: Oid = Oid(705);

impl Type<Postgres> for Null {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(UNKNOWN)
    }
}

impl Encode<'_, Postgres> for Null {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

/// Begins what stands for a character that a text column cannot hold.
///
/// The server refuses U+0000. This code point is no character, so that no text that people write
/// holds it; where one does, it is written in the same way.
const ESCAPE: char = '\u{10FFFF}';

fn escaped(text: String) -> String {
    if !text.contains(['\0', ESCAPE]) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        match char {
            '\0' => escaped.extend([ESCAPE, '0']),
            ESCAPE => escaped.extend([ESCAPE, '1']),
            other => escaped.push(other),
        }
    }
    escaped
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains(ESCAPE) {
        return Cow::Borrowed(text);
    }
    let mut unescaped = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        unescaped.push(match (char, char == ESCAPE) {
            (_, true) if chars.next() == Some('0') => '\0',
            (other, _) => other,
        });
    }
    Cow::Owned(unescaped)
}

pub(super) fn bound(values: impl IntoIterator<Item = Argument>) -> PgArguments {
    use sqlx::Arguments as _;
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Argument::Null => arguments.add(Null),
            Argument::Integer(value) => arguments.add(value),
            Argument::Text(value) => arguments.add(escaped(value)),
            Argument::Bytes(value) => arguments.add(value),
        };
        added.expect("integers, text and bytes always encode");
    }
    arguments
}

impl Cells for PgRow {
    fn text(&self, index: usize) -> Decoded<Option<Cow<'_, str>>> {
        Ok(self.try_get::<Option<&str>, _>(index)?.map(unescaped))
    }

    fn integer(&self, index: usize) -> Decoded<Option<i64>> {
        Ok(self.try_get(index)?)
    }

    fn bytes(&self, index: usize) -> Decoded<Option<Vec<u8>>> {
        Ok(self.try_get(index)?)
    }
}

pub(super) type Decode<T> = fn(&PgRow) -> Decoded<T>;

fn decoded<T>(row: &PgRow, decode: Decode<T>) -> Result<T, sqlx::Error> {
    decode(row).map_err(sqlx::Error::Decode)
}

/// The first row, where there is one.
pub(super) async fn optional<T>(
    connection: &mut PgConnection,
    sql: &'static str,
    values: impl IntoIterator<Item = Argument>,
    decode: Decode<T>,
) -> Result<Option<T>, sqlx::Error> {
    let row = connection.fetch_optional(sqlx::query_with(sql, bound(values))).await?;
    row.map(|row| decoded(&row, decode)).transpose()
}

/// All rows.
pub(super) async fn all<T>(
    connection: &mut PgConnection,
    sql: &'static str,
    values: impl IntoIterator<Item = Argument>,
    decode: Decode<T>,
) -> Result<Vec<T>, sqlx::Error> {
    let rows = connection.fetch_all(sqlx::query_with(sql, bound(values))).await?;
    rows.iter().map(|row| decoded(row, decode)).collect()
}

/// How many rows a statement changed.
pub(super) async fn changed(
    connection: &mut PgConnection,
    sql: &'static str,
    values: impl IntoIterator<Item = Argument>,
) -> Result<u64, sqlx::Error> {
    Ok(connection.execute(sqlx::query_with(sql, bound(values))).await?.rows_affected())
}

impl Asked for PgConnection {
    type Row = PgRow;

    async fn first<T: Send>(
        &mut self,
        sql: &'static str,
        values: Vec<Argument>,
        decode: Decode<T>,
    ) -> Result<Option<T>, sqlx::Error> {
        optional(self, sql, values, decode).await
    }
}

#[cfg(test)]
mod tests {
    use super::{escaped, unescaped};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_comes_back_and_holds_no_nul(text in any::<String>(), end in "[\u{0}\u{10FFFF}01a]{0,8}") {
            let text = text + &end;
            let stored = escaped(text.clone());
            prop_assert!(!stored.contains('\0'));
            prop_assert_eq!(unescaped(&stored), text);
        }
    }
}
