use std::borrow::Cow;

use openclaw_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::{Column, FORMAT, TABLES, Table};
use crate::StorageError;
use crate::sql::argument::Argument;
use crate::sql::cells::{Cells, Decoded};

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub openclaw_export: u32,
    /// The engine it came from.
    pub engine: String,
    /// When it was made, in milliseconds.
    pub created_at: i64,
    /// The tables, in the order of their rows.
    pub tables: Vec<String>,
}

impl Header {
    fn of(engine: &str, created_at: Timestamp) -> Self {
        Self {
            openclaw_export: FORMAT,
            engine: engine.to_owned(),
            created_at: created_at.as_millis(),
            tables: TABLES.iter().map(|table| table.name.to_owned()).collect(),
        }
    }
}

/// The last line; an archive without it is cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footer {
    /// How many rows there are.
    pub rows: u64,
    /// The SHA-256 of all lines before this one with their line ends, in hex.
    pub sha256: String,
}

/// Counts and sums lines.
#[derive(Debug, Default, Clone)]
pub(crate) struct Lines {
    sum: Sha256,
    rows: u64,
}

impl Lines {
    pub(crate) fn add(&mut self, line: &str, is_row: bool) {
        self.sum.update(line.as_bytes());
        self.sum.update(b"\n");
        self.rows += u64::from(is_row);
    }

    pub(crate) fn footer(&self) -> Footer {
        Footer { rows: self.rows, sha256: hex::encode(self.sum.clone().finalize()) }
    }
}

/// Sends the lines of an archive, without their line ends.
pub(crate) struct LineWriter {
    to: mpsc::Sender<String>,
    lines: Lines,
}

/// Who was to take the lines is gone.
fn gone() -> StorageError {
    StorageError::Other { doing: "exporting", source: "nobody takes the lines".into() }
}

fn text<T: Serialize>(value: &T) -> Result<String, StorageError> {
    serde_json::to_string(value)
        .map_err(|error| StorageError::Other { doing: "exporting", source: error.into() })
}

impl LineWriter {
    /// Begins an archive with its first line.
    pub(crate) async fn begin(
        to: mpsc::Sender<String>,
        engine: &str,
        created_at: Timestamp,
    ) -> Result<Self, StorageError> {
        let mut writer = Self { to, lines: Lines::default() };
        writer.send(text(&Header::of(engine, created_at))?, false).await?;
        Ok(writer)
    }

    async fn send(&mut self, line: String, is_row: bool) -> Result<(), StorageError> {
        self.lines.add(&line, is_row);
        self.to.send(line).await.map_err(|_| gone())
    }

    pub(crate) async fn row(&mut self, line: String) -> Result<(), StorageError> {
        self.send(line, true).await
    }

    /// Ends the archive with its last line. Answers how many rows there are.
    pub(crate) async fn end(self) -> Result<u64, StorageError> {
        let footer = self.lines.footer();
        self.to.send(text(&footer)?).await.map_err(|_| gone())?;
        Ok(footer.rows)
    }
}

impl Table {
    /// The values of one of its rows, as [`Table::select`] gives it.
    pub(crate) fn values(&self, row: &impl Cells) -> Decoded<Vec<Argument>> {
        let value = |(index, column): (usize, &Column)| {
            Ok(match column {
                Column::Text(_) => row.text(index)?.map(Cow::into_owned).into(),
                Column::Integer(_) => row.integer(index)?.into(),
                Column::Bytes(_) => row.bytes(index)?.into(),
            })
        };
        self.columns.iter().enumerate().map(value).collect()
    }

    /// The line of one of its rows, as [`Table::select`] gives it.
    pub(crate) fn line(&self, row: &impl Cells) -> Decoded<String> {
        let mut values = Map::new();
        for (index, column) in self.columns.iter().enumerate() {
            let value = match column {
                Column::Text(_) => row.text(index)?.map(|text| Value::from(text.into_owned())),
                Column::Integer(_) => row.integer(index)?.map(Value::from),
                Column::Bytes(_) => row.bytes(index)?.map(|bytes| Value::from(hex::encode(bytes))),
            };
            values.insert(column.name().to_owned(), value.unwrap_or(Value::Null));
        }
        let mut line = Map::new();
        line.insert("table".to_owned(), Value::from(self.name));
        line.insert("row".to_owned(), Value::Object(values));
        Ok(serde_json::to_string(&line)?)
    }
}
