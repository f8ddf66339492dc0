use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

/// A place in a configuration file, printed as `file:line:column`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as the user named it.
    pub file: Arc<str>,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One thing wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Where the value stands; `None` for what is missing or comes from the environment.
    pub place: Option<Place>,
    /// The dotted key, such as `channels.telegram.dm_policy`; empty for a file that is not TOML.
    pub key: String,
    /// What is wrong and what is allowed.
    pub message: String,
    /// What to do, such as `did you mean "token"?`.
    pub hint: Option<String>,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

/// A value with the place it stands at.
#[derive(Clone, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Option<Place>,
}

/// A TOML value after expansion. `Debug` shows types only: strings are often secrets.
#[derive(Clone, PartialEq)]
pub enum SpannedValue {
    /// A string, expanded.
    String(String),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A boolean.
    Boolean(bool),
    /// An array.
    Array(Vec<Spanned<SpannedValue>>),
    /// A table.
    Table(SpannedTable),
}

/// A table: keys in file order, each with the place of the key and of the value.
#[derive(Clone, PartialEq, Default)]
pub struct SpannedTable {
    /// The dotted path of this table.
    pub path: String,
    /// Where the table begins.
    pub place: Option<Place>,
    /// The entries.
    pub entries: IndexMap<String, SpannedEntry>,
}

/// One entry of a table.
#[derive(Clone, PartialEq)]
pub struct SpannedEntry {
    /// Where the key stands.
    pub key_place: Option<Place>,
    /// The value and its place.
    pub value: Spanned<SpannedValue>,
}

impl SpannedValue {
    fn same_values(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Table(ours), Self::Table(theirs)) => ours.same_values(theirs),
            (Self::Array(ours), Self::Array(theirs)) => {
                ours.len() == theirs.len()
                    && ours.iter().zip(theirs).all(|(a, b)| a.value.same_values(&b.value))
            }
            _ => self == other,
        }
    }

    /// The value as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::String(text) => Value::from(text.as_str()),
            Self::Integer(number) => Value::from(*number),
            Self::Float(number) => Value::from(*number),
            Self::Boolean(flag) => Value::from(*flag),
            Self::Array(items) => items.iter().map(|item| item.value.to_json()).collect(),
            Self::Table(table) => table
                .entries
                .iter()
                .map(|(key, entry)| (key.clone(), entry.value.value.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    /// The TOML name of the type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Integer(_) => "integer",
            Self::Float(_) => "float",
            Self::Boolean(_) => "boolean",
            Self::Array(_) => "array",
            Self::Table(_) => "table",
        }
    }
}

impl fmt::Debug for SpannedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.type_name())
    }
}

impl<T> fmt::Debug for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spanned({:?})", self.place)
    }
}

impl fmt::Debug for SpannedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpannedTable")
            .field("path", &self.path)
            .field("keys", &self.entries.keys().collect::<Vec<_>>())
            .finish()
    }
}

impl SpannedTable {
    /// The entry of a key.
    pub fn get(&self, key: &str) -> Option<&SpannedEntry> {
        self.entries.get(key)
    }

    /// Whether both hold the same keys and values, wherever they stand and in whichever order.
    pub fn same_values(&self, other: &Self) -> bool {
        self.entries.len() == other.entries.len()
            && self.entries.iter().all(|(key, entry)| {
                other
                    .get(key)
                    .is_some_and(|theirs| entry.value.value.same_values(&theirs.value.value))
            })
    }
}

impl Issue {
    pub(crate) fn new(
        place: Option<Place>,
        key: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { place, key: key.into(), message: message.into(), hint: None }
    }

    #[must_use]
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<bool> for SpannedValue {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for SpannedValue {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for SpannedValue {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for SpannedValue {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl<const N: usize> From<[&str; N]> for SpannedValue {
    fn from(values: [&str; N]) -> Self {
        Self::Array(
            values.into_iter().map(|text| Spanned { value: text.into(), place: None }).collect(),
        )
    }
}
