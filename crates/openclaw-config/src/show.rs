//! The configuration in force, for people and programs. Secrets are masked, always.

use serde_json::Value;

use crate::Loaded;
use crate::dotted_key::{DottedKey, InvalidDottedKey, Step};

/// Whether the name of a key says that its value is a secret, for tables whose reader is not known.
pub(crate) fn names_a_secret(name: &str) -> bool {
    const WORDS: [&str; 7] =
        ["token", "secret", "password", "passphrase", "api_key", "private_key", "credential"];
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.ends_with(word))
}

impl Loaded {
    /// The configuration in force as JSON, defaults and overrides included, secrets as `"***"`.
    pub fn effective(&self) -> &Value {
        &self.effective
    }

    /// The configuration in force as TOML, defaults and overrides included, secrets as `"***"`.
    pub fn effective_toml(&self) -> String {
        to_toml(&self.effective)
    }

    /// The value in force of a dotted key, such as `gateway.port` or `agents.list[0]`; `None` where
    /// it has none.
    ///
    /// # Errors
    /// When the text is no dotted key.
    pub fn get(&self, key: &str) -> Result<Option<&Value>, InvalidDottedKey> {
        let mut value = &self.effective;
        for step in DottedKey::parse(key)?.0 {
            let next = match &step {
                Step::Key(key) => value.get(key),
                Step::Index(index) => value.get(index),
            };
            match next {
                Some(next) => value = next,
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }
}

/// A JSON object as a TOML document: scalars first, then tables.
pub(crate) fn to_toml(value: &Value) -> String {
    let mut document = toml_edit::DocumentMut::new();
    if let Value::Object(map) = value {
        fill(document.as_table_mut(), map);
    }
    document.to_string().trim_start().to_owned()
}

fn fill(table: &mut toml_edit::Table, map: &serde_json::Map<String, Value>) {
    table.set_implicit(map.values().all(is_table) && !map.is_empty());
    for (key, value) in map {
        let item = match value {
            Value::Null => continue,
            Value::Object(inner) => {
                let mut table = toml_edit::Table::new();
                fill(&mut table, inner);
                toml_edit::Item::Table(table)
            }
            Value::Array(items) if is_table(value) => {
                let mut tables = toml_edit::ArrayOfTables::new();
                for inner in items.iter().filter_map(Value::as_object) {
                    let mut table = toml_edit::Table::new();
                    fill(&mut table, inner);
                    table.set_implicit(false);
                    tables.push(table);
                }
                toml_edit::Item::ArrayOfTables(tables)
            }
            scalar => match inline(scalar) {
                Some(value) => toml_edit::Item::Value(value),
                None => continue,
            },
        };
        table.insert(key, item);
    }
}

fn is_table(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(items) => !items.is_empty() && items.iter().all(Value::is_object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn inline(value: &Value) -> Option<toml_edit::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.as_f64()?.into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().filter_map(inline).collect::<toml_edit::Array>().into(),
        Value::Object(map) => map
            .iter()
            .filter_map(|(key, value)| Some((key, inline(value)?)))
            .collect::<toml_edit::InlineTable>()
            .into(),
    })
}
