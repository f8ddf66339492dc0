use std::borrow::Cow;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::dotted_key::join;
use crate::wording::{article, did_you_mean};
use crate::{Issue, Place, ReadContext, Spanned, SpannedEntry, SpannedTable, SpannedValue};

/// Reads the keys of one table and records what is wrong with them.
///
/// Every key that is allowed is asked for, whether or not it is there; what is there and was not
/// asked for is an unknown key. No message ever holds a string of the table.
pub struct TableReader<'a> {
    pub(super) table: &'a SpannedTable,
    pub(super) context: &'a ReadContext,
    pub(super) describing: bool,
    pub(super) known: Vec<Cow<'static, str>>,
    pub(super) outcome: Outcome,
}

/// What reading gives besides values.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) issues: Vec<Issue>,
    /// Keys that are set and have no effect yet.
    pub(crate) inert: Vec<String>,
    /// The values in force, secrets masked.
    pub(crate) effective: Map<String, Value>,
    pub(crate) properties: Map<String, Value>,
    pub(crate) required: Vec<Value>,
}

/// What stands for a secret wherever values are shown.
pub(crate) const MASK: &str = "***";

impl<'a> TableReader<'a> {
    pub(super) fn new(table: &'a SpannedTable, context: &'a ReadContext, describing: bool) -> Self {
        Self { table, context, describing, known: Vec::new(), outcome: Outcome::default() }
    }

    /// Whether the table has this key.
    pub fn is_set(&self, name: &str) -> bool {
        self.table.get(name).is_some()
    }

    /// Where the key's value stands, else where the table begins.
    pub fn place(&self, name: &str) -> Option<Place> {
        self.table
            .get(name)
            .and_then(|entry| entry.value.place.clone())
            .or_else(|| self.table.place.clone())
    }

    /// Where the table begins.
    pub fn table_place(&self) -> Option<Place> {
        self.table.place.clone()
    }

    /// The dotted path of a key of this table.
    pub fn path(&self, name: &str) -> String {
        join(&self.table.path, name)
    }

    /// Records that the value of a key cannot be used. The message says what is wrong and what is
    /// allowed, and holds no value.
    pub fn issue(&mut self, name: &str, message: impl Into<String>) {
        self.push(Issue::new(self.place(name), self.path(name), message));
    }

    /// As [`Self::issue`], with what to do.
    pub fn issue_with_hint(
        &mut self,
        name: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(Issue::new(self.place(name), self.path(name), message).with_hint(hint));
    }

    /// Records that the table as a whole cannot be used.
    pub fn issue_here(&mut self, message: impl Into<String>) {
        self.push(Issue::new(self.table.place.clone(), self.table.path.clone(), message));
    }

    /// What paths and secrets are resolved with.
    pub(crate) fn context(&self) -> &ReadContext {
        self.context
    }

    /// Records what the owner should know although the value is used.
    pub fn warn(&mut self, name: &str, message: impl Into<String>) {
        if !self.describing {
            self.context.warn(Issue::new(self.place(name), self.path(name), message));
        }
    }

    pub(super) fn push(&mut self, issue: Issue) {
        // A description reads an empty table; what is missing there says nothing.
        if !self.describing {
            self.outcome.issues.push(issue);
        }
    }

    pub(super) fn know(&mut self, name: impl Into<Cow<'static, str>>) {
        self.known.push(name.into());
    }

    pub(super) fn entry(&mut self, name: &'static str) -> Option<&'a SpannedEntry> {
        self.know(name);
        self.table.get(name)
    }

    /// A value taken as it stands, with its schema.
    pub(crate) fn raw(
        &mut self,
        name: &'static str,
        schema: impl FnOnce() -> Value,
    ) -> Option<&'a SpannedEntry> {
        if self.describing {
            self.outcome.properties.insert(name.to_owned(), schema());
        }
        self.entry(name)
    }

    /// A table; where it is absent, its keys are read as absent.
    pub fn table<T>(
        &mut self,
        name: &'static str,
        description: &'static str,
        read: impl FnOnce(&mut TableReader<'_>) -> T,
    ) -> T {
        self.sub_table(name, description, read).0
    }

    /// A table that may be absent; `None` where it is.
    pub fn optional_table<T>(
        &mut self,
        name: &'static str,
        description: &'static str,
        read: impl FnOnce(&mut TableReader<'_>) -> T,
    ) -> Option<T> {
        if !self.describing && !self.is_set(name) {
            self.know(name);
            return None;
        }
        let (value, present) = self.sub_table(name, description, read);
        present.then_some(value)
    }

    fn sub_table<T>(
        &mut self,
        name: &'static str,
        description: &'static str,
        read: impl FnOnce(&mut TableReader<'_>) -> T,
    ) -> (T, bool) {
        let path = self.path(name);
        let absent = SpannedTable { path: path.clone(), ..SpannedTable::default() };
        let entry = self.entry(name);
        let (table, present) = match entry.map(|entry| &entry.value) {
            Some(Spanned { value: SpannedValue::Table(table), .. }) => (table, true),
            Some(other) => {
                self.push(wrong_type(other, path, "a table"));
                (&absent, false)
            }
            None => (&absent, false),
        };
        let mut reader = TableReader::new(table, self.context, self.describing);
        let value = read(&mut reader);
        let outcome = reader.close();
        if self.describing {
            let schema = with_description(outcome.schema(), description);
            self.outcome.properties.insert(name.to_owned(), schema);
        }
        let effective = Value::Object(self.adopt(outcome));
        if present || effective.as_object().is_some_and(|map| !map.is_empty()) {
            self.outcome.effective.insert(name.to_owned(), effective);
        }
        (value, present)
    }

    /// A list of tables, `[[name]]`.
    pub fn tables<T>(
        &mut self,
        name: &'static str,
        description: &'static str,
        mut read: impl FnMut(&mut TableReader<'_>) -> T,
    ) -> Vec<T> {
        let path = self.path(name);
        if self.describing {
            let items = self.describe_nested(format!("{path}[]"), |reader| drop(read(reader)));
            let schema = json!({"description": description, "type": "array", "items": items});
            self.outcome.properties.insert(name.to_owned(), schema);
        }
        let Some(entry) = self.entry(name) else { return Vec::new() };
        let SpannedValue::Array(items) = &entry.value.value else {
            self.push(wrong_type(&entry.value, path, "a list of tables"));
            return Vec::new();
        };
        let mut values = Vec::with_capacity(items.len());
        let mut effective = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match &item.value {
                SpannedValue::Table(table) => {
                    let mut reader = TableReader::new(table, self.context, false);
                    values.push(read(&mut reader));
                    let outcome = reader.close();
                    effective.push(Value::Object(self.adopt(outcome)));
                }
                _ => self.push(wrong_type(item, format!("{path}[{index}]"), "a table")),
            }
        }
        self.outcome.effective.insert(name.to_owned(), Value::Array(effective));
        values
    }

    /// A table whose keys are names chosen by the owner and whose values are tables.
    pub fn map<T>(
        &mut self,
        name: &'static str,
        description: &'static str,
        mut read: impl FnMut(&str, &mut TableReader<'_>) -> T,
    ) -> IndexMap<String, T> {
        let path = self.path(name);
        if self.describing {
            let values =
                self.describe_nested(join(&path, "*"), |reader| drop(read("name", reader)));
            let schema = json!({
                "description": description, "type": "object", "additionalProperties": values
            });
            self.outcome.properties.insert(name.to_owned(), schema);
        }
        let Some(entry) = self.entry(name) else { return IndexMap::new() };
        let SpannedValue::Table(table) = &entry.value.value else {
            self.push(wrong_type(&entry.value, path, "a table"));
            return IndexMap::new();
        };
        let mut values = IndexMap::with_capacity(table.entries.len());
        let mut effective = Map::new();
        for (key, entry) in &table.entries {
            match &entry.value.value {
                SpannedValue::Table(inner) => {
                    let mut reader = TableReader::new(inner, self.context, false);
                    values.insert(key.clone(), read(key, &mut reader));
                    let outcome = reader.close();
                    effective.insert(key.clone(), Value::Object(self.adopt(outcome)));
                }
                _ => self.push(wrong_type(&entry.value, join(&path, key), "a table")),
            }
        }
        self.outcome.effective.insert(name.to_owned(), Value::Object(effective));
        values
    }

    fn describe_nested(&self, path: String, read: impl FnOnce(&mut TableReader<'_>)) -> Value {
        let empty = SpannedTable { path, ..SpannedTable::default() };
        let mut reader = TableReader::new(&empty, self.context, true);
        read(&mut reader);
        reader.close().schema()
    }

    fn adopt(&mut self, outcome: Outcome) -> Map<String, Value> {
        self.outcome.issues.extend(outcome.issues);
        self.outcome.inert.extend(outcome.inert);
        outcome.effective
    }

    /// Ends the reading: what was not asked for is an unknown key.
    pub(super) fn close(mut self) -> Outcome {
        for (key, entry) in &self.table.entries {
            if self.known.iter().any(|known| known == key) {
                continue;
            }
            let allowed = self.known.iter().map(|known| known.as_ref());
            let hint = did_you_mean(key, allowed.clone());
            let allowed = allowed.collect::<Vec<_>>().join(", ");
            let message = if allowed.is_empty() {
                "unknown key; none is allowed here".to_owned()
            } else {
                format!("unknown key; allowed here: {allowed}")
            };
            let issue = Issue::new(entry.key_place.clone(), self.path(key), message);
            self.push(match hint {
                Some(hint) => issue.with_hint(hint),
                None => issue,
            });
        }
        self.outcome
    }
}

impl Outcome {
    /// The schema of the table that was described.
    pub(crate) fn schema(&self) -> Value {
        let mut schema = json!({
            "type": "object",
            "properties": self.properties,
            "additionalProperties": false
        });
        if !self.required.is_empty() {
            schema["required"] = Value::Array(self.required.clone());
        }
        schema
    }
}

/// The schema with its description first, where readers look for it.
pub(super) fn with_description(schema: Value, description: &str) -> Value {
    let mut described = Map::new();
    described.insert("description".to_owned(), Value::from(description));
    if let Value::Object(rest) = schema {
        described.extend(rest);
    }
    Value::Object(described)
}

pub(super) fn wrong_type(found: &Spanned<SpannedValue>, path: String, expected: &str) -> Issue {
    let found_type = article(found.value.type_name());
    let issue =
        Issue::new(found.place.clone(), path, format!("expected {expected}, found {found_type}"));
    match &found.value {
        SpannedValue::Table(table)
            if table.entries.len() == 1
                && table.entries.keys().all(|key| crate::secret::KINDS.contains(&key.as_str())) =>
        {
            issue.with_hint("only secrets take references; use \"${VARIABLE}\" in a string")
        }
        _ => issue,
    }
}
