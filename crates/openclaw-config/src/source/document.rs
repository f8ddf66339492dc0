use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;
use toml_edit::{Document, Item, TableLike, Value};

use super::position::Positions;
use crate::dotted_key::join;
use crate::{Issue, Place, Spanned, SpannedEntry, SpannedTable, SpannedValue};

/// Parses one file. `None` when it is not TOML; then the reason is among `issues`.
pub(crate) fn parse(file: &Arc<str>, text: &str, issues: &mut Vec<Issue>) -> Option<SpannedTable> {
    let positions = Positions::new(Arc::clone(file), text);
    match Document::parse(text) {
        Ok(document) => {
            let mut walk = Walk { positions, issues };
            Some(walk.table(document.as_table(), String::new(), None))
        }
        Err(error) => {
            let place = positions.place(error.span().map_or(0, |span| span.start));
            let message = error.message().trim().replace('\n', ", ");
            issues.push(Issue::new(Some(place), "", message));
            None
        }
    }
}

struct Walk<'a> {
    positions: Positions<'a>,
    issues: &'a mut Vec<Issue>,
}

impl Walk<'_> {
    fn place(&self, span: Option<Range<usize>>) -> Option<Place> {
        span.map(|span| self.positions.place(span.start))
    }

    fn table(&mut self, table: &dyn TableLike, path: String, place: Option<Place>) -> SpannedTable {
        let mut entries = IndexMap::with_capacity(table.len());
        for (name, item) in table.iter() {
            let key_place = self.place(table.key(name).and_then(toml_edit::Key::span));
            let place = self.place(item.span()).or_else(|| key_place.clone());
            let key = join(&path, name);
            if let Some(value) = self.item(item, key, place.as_ref()) {
                let value = Spanned { value, place };
                entries.insert(name.to_owned(), SpannedEntry { key_place, value });
            }
        }
        SpannedTable { path, place, entries }
    }

    fn item(&mut self, item: &Item, path: String, place: Option<&Place>) -> Option<SpannedValue> {
        match item {
            Item::None => None,
            Item::Value(value) => self.value(value, path, place),
            Item::Table(table) => {
                Some(SpannedValue::Table(self.table(table, path, place.cloned())))
            }
            Item::ArrayOfTables(tables) => {
                let mut items = Vec::with_capacity(tables.len());
                for (index, table) in tables.iter().enumerate() {
                    let place = self.place(table.span()).or_else(|| place.cloned());
                    let table = self.table(table, format!("{path}[{index}]"), place.clone());
                    items.push(Spanned { value: SpannedValue::Table(table), place });
                }
                Some(SpannedValue::Array(items))
            }
        }
    }

    fn value(
        &mut self,
        value: &Value,
        path: String,
        place: Option<&Place>,
    ) -> Option<SpannedValue> {
        Some(match value {
            Value::String(text) => SpannedValue::String(text.value().clone()),
            Value::Integer(number) => SpannedValue::Integer(*number.value()),
            Value::Float(number) => SpannedValue::Float(*number.value()),
            Value::Boolean(flag) => SpannedValue::Boolean(*flag.value()),
            Value::Datetime(_) => {
                let message = "no key takes a TOML date or time; write it as a string in quotes";
                self.issues.push(Issue::new(place.cloned(), path, message));
                return None;
            }
            Value::Array(array) => {
                let mut items = Vec::with_capacity(array.len());
                for (index, item) in array.iter().enumerate() {
                    let place = self.place(item.span()).or_else(|| place.cloned());
                    let path = format!("{path}[{index}]");
                    if let Some(value) = self.value(item, path, place.as_ref()) {
                        items.push(Spanned { value, place });
                    }
                }
                SpannedValue::Array(items)
            }
            Value::InlineTable(table) => {
                SpannedValue::Table(self.table(table, path, place.cloned()))
            }
        })
    }
}
