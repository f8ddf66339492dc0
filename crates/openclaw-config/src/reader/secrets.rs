use std::collections::BTreeMap;

use openclaw_core::Secret;
use serde_json::{Map, Value, json};

use super::TableReader;
use super::table::{MASK, with_description, wrong_type};
use crate::dotted_key::join;
use crate::{Issue, SpannedEntry, SpannedValue};

impl TableReader<'_> {
    /// A secret, which may be absent: a string, a reference `{ env | file | exec | keyring = … }`,
    /// or `<name>_file` with the path of a file that holds it.
    pub fn secret(&mut self, name: &'static str, description: &'static str) -> Option<Secret> {
        let file_key = format!("{name}_file");
        self.describe_secret(name, &file_key, description);
        let entry = self.entry(name);
        let file_entry = self.table.get(&file_key);
        self.know(file_key.clone());
        match (entry, file_entry) {
            (None, None) => None,
            (Some(entry), None) => self.take(name, entry),
            (None, Some(entry)) => self.take_file(name, &file_key, entry),
            (Some(_), Some(_)) => {
                let message = format!("is given twice: keep either {name} or {file_key}");
                self.issue(&file_key, message);
                None
            }
        }
    }

    /// A list of secrets: each a string or a reference.
    pub fn secrets(&mut self, name: &'static str, description: &'static str) -> Vec<Secret> {
        if self.describing {
            let schema = json!({"type": "array", "writeOnly": true, "items": secret_schema()});
            self.outcome.properties.insert(name.to_owned(), with_description(schema, description));
        }
        let Some(entry) = self.entry(name) else { return Vec::new() };
        let path = self.path(name);
        let SpannedValue::Array(items) = &entry.value.value else {
            self.push(wrong_type(&entry.value, path, "a list of secrets"));
            return Vec::new();
        };
        let masked = vec![MASK; items.len()];
        self.outcome.effective.insert(name.to_owned(), Value::from(masked));
        let mut secrets = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let fetched = match &item.value {
                SpannedValue::String(text) if text.is_empty() => {
                    Err("must not be empty".to_owned())
                }
                SpannedValue::String(text) => {
                    let secret = Secret::new(text.as_str());
                    self.context.note_secret(&path, &secret);
                    Ok(secret)
                }
                SpannedValue::Table(table) => self.context.resolve(&path, table),
                _ => {
                    let expected = "a string or { env | file | exec | keyring = … }";
                    self.push(wrong_type(item, path, expected));
                    continue;
                }
            };
            match fetched {
                Ok(secret) => secrets.push(secret),
                Err(message) => self.push(Issue::new(item.place.clone(), path, message)),
            }
        }
        secrets
    }

    /// A secret whose absence is an issue.
    pub fn required_secret(
        &mut self,
        name: &'static str,
        description: &'static str,
    ) -> Option<Secret> {
        if !self.is_set(name) && !self.is_set(&format!("{name}_file")) {
            let path = self.path(name);
            let hint = format!("set {name}, or {name}_file with the path of a file that holds it");
            self.push(Issue::new(self.table.place.clone(), path, "is missing").with_hint(hint));
        }
        self.secret(name, description)
    }

    fn take(&mut self, name: &'static str, entry: &SpannedEntry) -> Option<Secret> {
        let path = self.path(name);
        let fetched = match &entry.value.value {
            SpannedValue::String(text) if text.is_empty() => Err("must not be empty".to_owned()),
            SpannedValue::String(text) => {
                let secret = Secret::new(text.as_str());
                self.context.note_secret(&path, &secret);
                Ok(secret)
            }
            SpannedValue::Table(table) => self.context.resolve(&path, table),
            _ => {
                let expected = "a string or { env | file | exec | keyring = … }";
                self.push(wrong_type(&entry.value, path, expected));
                return None;
            }
        };
        self.finish_secret(name, path, entry, fetched)
    }

    fn take_file(
        &mut self,
        name: &'static str,
        file_key: &str,
        entry: &SpannedEntry,
    ) -> Option<Secret> {
        let path = self.path(file_key);
        let SpannedValue::String(file) = &entry.value.value else {
            self.push(wrong_type(&entry.value, path, "the path of a file"));
            return None;
        };
        let place = entry.value.place.clone();
        let fetched = self.context.resolve_file(&self.path(name), place, file);
        self.finish_secret(name, path, entry, fetched)
    }

    fn finish_secret(
        &mut self,
        name: &'static str,
        path: String,
        entry: &SpannedEntry,
        fetched: Result<Secret, String>,
    ) -> Option<Secret> {
        self.outcome.effective.insert(name.to_owned(), Value::from(MASK));
        match fetched {
            Ok(secret) => Some(secret),
            Err(message) => {
                self.push(Issue::new(entry.value.place.clone(), path, message));
                None
            }
        }
    }

    fn describe_secret(&mut self, name: &str, file_key: &str, description: &str) {
        if !self.describing {
            return;
        }
        let properties = &mut self.outcome.properties;
        properties.insert(name.to_owned(), with_description(secret_schema(), description));
        let description = format!("The path of a file that holds `{name}`.");
        let text = json!({"type": "string", "minLength": 1});
        properties.insert(file_key.to_owned(), with_description(text, &description));
    }

    /// A table whose keys are names chosen by the owner and whose values are secrets.
    pub fn secret_map(
        &mut self,
        name: &'static str,
        description: &'static str,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> BTreeMap<String, Secret> {
        if self.describing {
            let schema = json!({"type": "object", "additionalProperties": secret_schema()});
            let schema = with_description(schema, description);
            self.outcome.properties.insert(name.to_owned(), schema);
        }
        let path = self.path(name);
        let Some(entry) = self.entry(name) else { return BTreeMap::new() };
        let SpannedValue::Table(table) = &entry.value.value else {
            self.push(wrong_type(&entry.value, path, "a table"));
            return BTreeMap::new();
        };
        let mut secrets = BTreeMap::new();
        let mut effective = Map::new();
        for (key, entry) in &table.entries {
            let path = join(&path, key);
            effective.insert(key.clone(), Value::from(MASK));
            if let Err(message) = check(key) {
                self.push(Issue::new(entry.key_place.clone(), path, message));
                continue;
            }
            let fetched = match &entry.value.value {
                SpannedValue::String(text) => {
                    let secret = Secret::new(text.as_str());
                    if !text.is_empty() {
                        self.context.note_secret(&path, &secret);
                    }
                    Ok(secret)
                }
                SpannedValue::Table(table) => self.context.resolve(&path, table),
                _ => {
                    let expected = "a string or { env | file | exec | keyring = … }";
                    self.push(wrong_type(&entry.value, path, expected));
                    continue;
                }
            };
            match fetched {
                Ok(secret) => drop(secrets.insert(key.clone(), secret)),
                Err(message) => {
                    self.push(Issue::new(entry.value.place.clone(), path, message));
                }
            }
        }
        self.outcome.effective.insert(name.to_owned(), Value::Object(effective));
        secrets
    }
}

fn text() -> Value {
    json!({"type": "string", "minLength": 1})
}

/// The schema of one secret.
fn secret_schema() -> Value {
    let reference = |kind: &str, value: Value| {
        json!({
            "type": "object",
            "properties": {kind: value},
            "required": [kind],
            "additionalProperties": false
        })
    };
    let command = json!({"type": "array", "items": {"type": "string"}, "minItems": 1});
    json!({
        "writeOnly": true,
        "anyOf": [
            text(),
            reference("env", text()),
            reference("file", text()),
            reference("exec", command),
            reference("keyring", text())
        ]
    })
}
