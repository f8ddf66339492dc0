use std::path::Path;

use serde_json::{Map, Value};

use super::TableReader;
use crate::{Environment, Issue, ReadContext, SpannedTable};

/// What came of reading one table.
pub(crate) struct Reading<T> {
    pub(crate) value: T,
    pub(crate) issues: Vec<Issue>,
    pub(crate) inert: Vec<String>,
    pub(crate) effective: Map<String, Value>,
}

pub(crate) fn read_table<T>(
    table: &SpannedTable,
    context: &ReadContext,
    read: impl FnOnce(&mut TableReader<'_>) -> T,
) -> Reading<T> {
    let mut reader = TableReader::new(table, context, false);
    let value = read(&mut reader);
    let outcome = reader.close();
    let (issues, inert, effective) = (outcome.issues, outcome.inert, outcome.effective);
    Reading { value, issues, inert, effective }
}

/// The JSON Schema of the table that a function reads.
pub fn describe<T>(read: impl FnOnce(&mut TableReader<'_>) -> T) -> Value {
    let table = SpannedTable::default();
    let context = ReadContext::system(Environment::default(), Path::new("/"));
    let mut reader = TableReader::new(&table, &context, true);
    drop(read(&mut reader));
    reader.close().schema()
}
