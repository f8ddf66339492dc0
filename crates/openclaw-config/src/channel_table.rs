use std::sync::Arc;

use openclaw_core::ChannelKind;
use serde_json::{Map, Value};

use crate::dotted_key::join;
use crate::reader::{MASK, Reading, read_table};
use crate::{
    ChannelTable, ConfigErrors, Environment, Issue, ReadContext, SpannedTable, SpannedValue,
    TableReader, source,
};

/// What the configuration asks of the channels that the binary has.
pub trait ChannelParser: Send + Sync {
    /// The kinds that `[channels.<kind>]` may name.
    fn kinds(&self) -> Vec<String>;

    /// The JSON Schema of a kind's table.
    fn schema(&self, kind: &str) -> Option<Value>;

    /// Everything that is wrong with a table; no value of a secret is in it.
    fn check(&self, table: &ChannelTable) -> Vec<Issue>;

    /// The build feature that a kind unknown to this binary would need, where there is one.
    fn missing_feature(&self, _kind: &str) -> Option<String> {
        None
    }
}

/// No channel at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoChannels;

impl ChannelParser for NoChannels {
    fn kinds(&self) -> Vec<String> {
        Vec::new()
    }

    fn schema(&self, _: &str) -> Option<Value> {
        None
    }

    fn check(&self, _: &ChannelTable) -> Vec<Issue> {
        Vec::new()
    }
}

impl ChannelTable {
    /// The table of a kind with nothing in it.
    pub fn empty(kind: ChannelKind, context: ReadContext) -> Self {
        let path = join("channels", kind.as_str());
        let value = SpannedTable { path, ..SpannedTable::default() };
        Self { kind, enabled: true, value, context }
    }

    /// From the text of the table alone, as if it stood below `[channels.<kind>]` in a file
    /// `openclaw.toml`; secrets come from this environment.
    ///
    /// # Errors
    /// When the text is not TOML or a variable in it is not set.
    pub fn from_toml(
        kind: ChannelKind,
        text: &str,
        environment: &Environment,
    ) -> Result<Self, ConfigErrors> {
        let mut issues = Vec::new();
        let parsed = source::parse(&Arc::from("openclaw.toml"), text, &mut issues);
        let mut table = parsed.unwrap_or_default();
        move_below(&mut table, &join("channels", kind.as_str()));
        source::expand_table(&mut table, environment, &mut issues);
        if !issues.is_empty() {
            return Err(ConfigErrors::sorted(issues));
        }
        let context = ReadContext::system(environment.clone(), environment.current_dir());
        Ok(Self { kind, enabled: is_enabled(&table), value: table, context })
    }

    /// Reads the table. Each secret is fetched once per load, however often it is read.
    ///
    /// # Errors
    /// Every issue, each with its place, ordered by it; no value of the table is in one.
    pub fn read<T>(&self, read: impl FnOnce(&mut TableReader<'_>) -> T) -> Result<T, Vec<Issue>> {
        let Reading { value, mut issues, effective, .. } =
            read_table(&self.value, &self.context, read);
        if issues.is_empty() {
            self.context.note_effective(&self.value.path, Value::Object(effective));
            Ok(value)
        } else {
            crate::error::sort(&mut issues);
            Err(issues)
        }
    }

    /// Whether both give the same settings, secrets included, wherever they stand in a file.
    pub fn same_settings(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.value.same_values(&other.value)
            && self.context.secrets_below(&self.value.path)
                == other.context.secrets_below(&other.value.path)
    }

    /// The settings in force, secrets masked.
    pub(crate) fn effective(&self) -> Value {
        self.context
            .effective(&self.value.path)
            .unwrap_or_else(|| masked(&self.value, &self.context))
    }
}

pub(crate) fn is_enabled(table: &SpannedTable) -> bool {
    !matches!(
        table.get("enabled").map(|entry| &entry.value.value),
        Some(SpannedValue::Boolean(false))
    )
}

fn masked(table: &SpannedTable, context: &ReadContext) -> Value {
    let entries = table.entries.iter().map(|(name, entry)| {
        let path = join(&table.path, name);
        let value = match &entry.value.value {
            _ if context.is_secret(&path) || crate::show::names_a_secret(name) => Value::from(MASK),
            SpannedValue::Table(inner) => masked(inner, context),
            value => value.to_json(),
        };
        (name.clone(), value)
    });
    Value::Object(entries.collect::<Map<_, _>>())
}

fn move_below(table: &mut SpannedTable, path: &str) {
    table.path = path.to_owned();
    for (name, entry) in &mut table.entries {
        move_value(&mut entry.value.value, join(path, name));
    }
}

fn move_value(value: &mut SpannedValue, path: String) {
    match value {
        SpannedValue::Table(table) => move_below(table, &path),
        SpannedValue::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                move_value(&mut item.value, format!("{path}[{index}]"));
            }
        }
        SpannedValue::String(_)
        | SpannedValue::Integer(_)
        | SpannedValue::Float(_)
        | SpannedValue::Boolean(_) => {}
    }
}
