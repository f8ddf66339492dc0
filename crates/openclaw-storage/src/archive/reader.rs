use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde_json::{Map, Value};

use super::{Column, FORMAT, Footer, Header, Lines, Table};
use crate::sql::argument::Argument;

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file cannot be read.
    #[error("the archive cannot be read")]
    Unreadable(#[from] io::Error),
    /// It is no archive of ours, or of a later form.
    #[error("line {line} is not what an archive holds: {problem}")]
    Malformed {
        /// The line, counted from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// Its last line is missing.
    #[error("the archive is cut off after line {line}")]
    CutOff {
        /// The last line there is.
        line: u64,
    },
    /// It is not what was written.
    #[error("the archive was changed: its sum is {found}, not {written}")]
    Changed {
        /// The sum of its lines.
        found: String,
        /// The sum in its last line.
        written: String,
    },
}

/// What an archive holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Its first line.
    pub header: Header,
    /// How many rows.
    pub rows: u64,
}

/// A row to store.
pub(crate) struct ArchivedRow {
    pub(crate) table: &'static Table,
    /// In the order of the table's columns.
    pub(crate) values: Vec<Argument>,
}

/// Reads an archive line by line.
pub(crate) struct Archive {
    lines: io::Lines<BufReader<std::fs::File>>,
    sums: Lines,
    at: u64,
    header: Header,
}

impl Archive {
    pub(crate) fn open(path: &Path) -> Result<Self, ArchiveError> {
        let mut lines = BufReader::new(std::fs::File::open(path)?).lines();
        let first = lines.next().transpose()?.unwrap_or_default();
        let malformed = |problem: String| ArchiveError::Malformed { line: 1, problem };
        let header: Header =
            serde_json::from_str(&first).map_err(|error| malformed(error.to_string()))?;
        if header.openclaw_export != FORMAT {
            return Err(malformed(format!("form {} is not known", header.openclaw_export)));
        }
        let mut sums = Lines::default();
        sums.add(&first, false);
        Ok(Self { lines, sums, at: 1, header })
    }

    /// The next row; `None` once the last line was read and agrees with all before it.
    pub(crate) fn next_row(&mut self) -> Result<Option<ArchivedRow>, ArchiveError> {
        let Some(line) = self.lines.next().transpose()? else {
            return Err(ArchiveError::CutOff { line: self.at });
        };
        self.at += 1;
        let mut value: Map<String, Value> =
            serde_json::from_str(&line).map_err(|error| self.malformed(error))?;
        if !value.contains_key("table") {
            let footer = serde_json::from_value(Value::Object(value));
            self.end(footer.map_err(|error| self.malformed(error))?)?;
            return Ok(None);
        }
        let name = value.get("table").and_then(Value::as_str).unwrap_or_default();
        let table = Table::named(name).ok_or_else(|| self.malformed(format!("table {name:?}")))?;
        let Some(Value::Object(mut row)) = value.remove("row") else {
            return Err(self.malformed("there is no row"));
        };
        let mut values = Vec::with_capacity(table.columns.len());
        for column in table.columns {
            let value = row.remove(column.name()).unwrap_or(Value::Null);
            values.push(match (column, value) {
                (_, Value::Null) => Argument::Null,
                (Column::Text(_), Value::String(text)) => Argument::Text(text),
                (Column::Integer(_), Value::Number(number)) => Argument::Integer(
                    number.as_i64().ok_or_else(|| self.malformed("a number is too large"))?,
                ),
                (Column::Bytes(_), Value::String(text)) => {
                    Argument::Bytes(hex::decode(text).map_err(|error| self.malformed(error))?)
                }
                (column, _) => return Err(self.malformed(format!("column {}", column.name()))),
            });
        }
        if let Some(unknown) = row.keys().next() {
            return Err(self.malformed(format!("column {unknown} is not known")));
        }
        self.sums.add(&line, true);
        Ok(Some(ArchivedRow { table, values }))
    }

    fn end(&self, written: Footer) -> Result<(), ArchiveError> {
        let found = self.sums.footer();
        if found == written {
            return Ok(());
        }
        let shown = |footer: &Footer| format!("{} of {} rows", footer.sha256, footer.rows);
        Err(ArchiveError::Changed { found: shown(&found), written: shown(&written) })
    }

    fn malformed(&self, problem: impl ToString) -> ArchiveError {
        ArchiveError::Malformed { line: self.at, problem: problem.to_string() }
    }
}

/// Reads all of an archive and sees whether it is whole. Blocks.
///
/// # Errors
/// Where and why it is not.
pub fn verify(path: &Path) -> Result<Contents, ArchiveError> {
    let mut archive = Archive::open(path)?;
    while archive.next_row()?.is_some() {}
    Ok(Contents { rows: archive.sums.footer().rows, header: archive.header })
}
