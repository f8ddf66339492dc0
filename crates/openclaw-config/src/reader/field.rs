use serde_json::Value;

use super::TableReader;
use super::table::{with_description, wrong_type};
use crate::wording::did_you_mean;
use crate::{Issue, Spanned, SpannedValue};

/// What is wrong with a value, or with one element of a list.
pub(super) enum Fault {
    WrongType { expected: &'static str },
    Bad { message: String, hint: Option<String> },
    Element { index: usize, fault: Box<Fault> },
}

impl Fault {
    pub(super) fn bad(message: impl Into<String>) -> Vec<Self> {
        vec![Self::Bad { message: message.into(), hint: None }]
    }

    pub(super) fn bad_choice(written: &str, names: &[&str], message: String) -> Vec<Self> {
        let hint = did_you_mean(written, names.iter().copied());
        vec![Self::Bad { message, hint }]
    }
}

pub(super) type ReadValue<'r, T> =
    Box<dyn Fn(&Spanned<SpannedValue>) -> Result<T, Vec<Fault>> + 'r>;

/// One key of a table, until it is said what its absence means: [`Field::optional`],
/// [`Field::required`] or [`Field::default`].
#[must_use = "a key is read by `optional`, `required` or `default`"]
pub struct Field<'r, 'a, T> {
    pub(super) reader: &'r mut TableReader<'a>,
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) inert: bool,
    pub(super) schema: Box<dyn Fn() -> Value + 'r>,
    pub(super) read: ReadValue<'r, T>,
}

impl<'r, 'a, T: 'r> Field<'r, 'a, T> {
    /// The key is understood but has no effect yet.
    pub fn inert(mut self) -> Self {
        self.inert = true;
        self
    }

    /// Validates or converts the value. The message says what is allowed and holds no value.
    pub fn parse<U: 'r>(self, parse: impl Fn(T) -> Result<U, String> + 'r) -> Field<'r, 'a, U> {
        let Self { reader, name, description, inert, schema, read } = self;
        let read: ReadValue<'r, U> =
            Box::new(move |value| read(value).and_then(|value| parse(value).map_err(Fault::bad)));
        Field { reader, name, description, inert, schema, read }
    }

    /// The value with its place.
    pub fn spanned(self) -> Field<'r, 'a, Spanned<T>> {
        let Self { reader, name, description, inert, schema, read } = self;
        let read: ReadValue<'r, Spanned<T>> = Box::new(move |value| {
            let place = value.place.clone();
            read(value).map(|value| Spanned { value, place })
        });
        Field { reader, name, description, inert, schema, read }
    }

    /// The value, or `None` where the key is absent or wrong.
    pub fn optional(mut self) -> Option<T> {
        self.describe(None);
        self.take()
    }

    /// The value; its absence is an issue. `None` where the key is absent or wrong.
    pub fn required(mut self) -> Option<T> {
        self.describe(None);
        if self.reader.describing {
            self.reader.outcome.required.push(Value::from(self.name));
        }
        if !self.reader.is_set(self.name) {
            let path = self.reader.path(self.name);
            let issue = Issue::new(self.reader.table.place.clone(), path, "is missing");
            self.reader.push(issue.with_hint(self.description));
        }
        self.take()
    }

    /// The value, or this default, written as the owner would write it, where the key is absent or
    /// wrong.
    ///
    /// # Panics
    /// When the default is not a value that the key allows.
    pub fn default(mut self, written: impl Into<SpannedValue>) -> T {
        let default = Spanned { value: written.into(), place: None };
        self.describe(Some(&default.value));
        match self.take() {
            Some(value) => value,
            None => {
                let effective = &mut self.reader.outcome.effective;
                effective.insert(self.name.to_owned(), default.value.to_json());
                match (self.read)(&default) {
                    Ok(value) => value,
                    Err(_) => unreachable!("the default of {} is allowed", self.name),
                }
            }
        }
    }

    fn describe(&mut self, default: Option<&SpannedValue>) {
        if !self.reader.describing {
            return;
        }
        let mut schema = with_description((self.schema)(), self.description);
        if let Some(default) = default {
            schema["default"] = default.to_json();
        }
        if self.inert {
            schema["$comment"] = Value::from("understood, without effect in this version");
        }
        self.reader.outcome.properties.insert(self.name.to_owned(), schema);
    }

    fn take(&mut self) -> Option<T> {
        let entry = self.reader.entry(self.name)?;
        let path = self.reader.path(self.name);
        if self.inert {
            self.reader.outcome.inert.push(path.clone());
        }
        match (self.read)(&entry.value) {
            Ok(value) => {
                let shown = entry.value.value.to_json();
                self.reader.outcome.effective.insert(self.name.to_owned(), shown);
                Some(value)
            }
            Err(faults) => {
                for fault in faults {
                    self.reader.push(issue(fault, &entry.value, path.clone()));
                }
                None
            }
        }
    }
}

pub(super) fn issue(fault: Fault, value: &Spanned<SpannedValue>, path: String) -> Issue {
    match fault {
        Fault::WrongType { expected } => wrong_type(value, path, expected),
        Fault::Bad { message, hint } => {
            let issue = Issue::new(value.place.clone(), path, message);
            match hint {
                Some(hint) => issue.with_hint(hint),
                None => issue,
            }
        }
        Fault::Element { index, fault } => {
            let element = match &value.value {
                SpannedValue::Array(items) => items.get(index).unwrap_or(value),
                _ => value,
            };
            issue(*fault, element, format!("{path}[{index}]"))
        }
    }
}
