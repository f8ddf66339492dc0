use std::collections::BTreeMap;
use std::sync::Arc;

use crate::dotted_key::join;
use crate::{SpannedTable, SpannedValue, source};

/// One text as a flat list of keys, for comparing it with another.
pub(super) struct Flat {
    values: BTreeMap<String, serde_json::Value>,
    sections: Vec<String>,
}

impl Flat {
    /// `None` when the text is not TOML.
    pub(super) fn of(text: &str) -> Option<Self> {
        let table = source::parse(&Arc::from(""), text, &mut Vec::new())?;
        let mut flat = Self { values: BTreeMap::new(), sections: Vec::new() };
        flat.add_table(&table, "");
        Some(flat)
    }

    fn add_table(&mut self, table: &SpannedTable, path: &str) {
        for (name, entry) in &table.entries {
            self.add(&entry.value.value, join(path, name));
        }
    }

    fn add(&mut self, value: &SpannedValue, path: String) {
        match value {
            SpannedValue::Table(table) => {
                self.sections.push(path.clone());
                self.add_table(table, &path);
            }
            SpannedValue::Array(items)
                if items.iter().any(|item| matches!(item.value, SpannedValue::Table(_))) =>
            {
                for (index, item) in items.iter().enumerate() {
                    self.add(&item.value, format!("{path}[{index}]"));
                }
            }
            value => {
                self.values.insert(path, value.to_json());
            }
        }
    }

    /// The keys that differ; no values.
    pub(super) fn changed_keys(&self, other: &Self) -> Vec<String> {
        let changed =
            self.values.iter().filter(|(key, value)| other.values.get(*key) != Some(value));
        let new = other.values.keys().filter(|key| !self.values.contains_key(*key));
        let mut keys: Vec<String> = changed.map(|(key, _)| key).chain(new).cloned().collect();
        keys.sort();
        keys
    }

    /// The outermost sections that the other lacks and that do not stand at or below `allowed`.
    pub(super) fn dropped_sections(&self, other: &Self, allowed: &[String]) -> Vec<String> {
        let may_go = |key: &String| allowed.iter().any(|above| is_at_or_below(key, above));
        // A table may go with the last thing in it.
        let emptied = |section: &String| {
            let mut inside = self
                .values
                .keys()
                .chain(&self.sections)
                .filter(|key| *key != section && is_at_or_below(key, section))
                .peekable();
            inside.peek().is_some() && inside.all(may_go)
        };
        let mut dropped: Vec<String> = Vec::new();
        for section in &self.sections {
            let gone = !other.sections.contains(section)
                && !may_go(section)
                && !emptied(section)
                && !dropped.iter().any(|above| is_at_or_below(section, above));
            if gone {
                dropped.push(section.clone());
            }
        }
        dropped
    }
}

fn is_at_or_below(key: &str, above: &str) -> bool {
    key.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
