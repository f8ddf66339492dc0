use std::fmt::Display;
use std::ops::RangeInclusive;

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::field::{Fault, Field};
use super::table::wrong_type;
use super::{TableReader, table::with_description};
use crate::dotted_key::join;
use crate::wording::quoted_list;
use crate::{Spanned, SpannedValue};

impl<'a> TableReader<'a> {
    fn field<'r, T: 'r>(
        &'r mut self,
        name: &'static str,
        description: &'static str,
        schema: impl Fn() -> Value + 'r,
        read: impl Fn(&SpannedValue) -> Result<T, Vec<Fault>> + 'r,
    ) -> Field<'r, 'a, T> {
        Field {
            reader: self,
            name,
            description,
            inert: false,
            schema: Box::new(schema),
            read: Box::new(move |value| read(&value.value)),
        }
    }

    /// A string that is not empty.
    pub fn string<'r>(
        &'r mut self,
        name: &'static str,
        description: &'static str,
    ) -> Field<'r, 'a, String> {
        self.field(name, description, || json!({"type": "string", "minLength": 1}), read_text)
    }

    /// An id of a service, written as a string or as a whole number.
    pub fn id<'r>(
        &'r mut self,
        name: &'static str,
        description: &'static str,
    ) -> Field<'r, 'a, String> {
        let schema = || json!({"type": ["string", "integer"], "minLength": 1});
        self.field(name, description, schema, read_id)
    }

    /// A whole number within a range.
    pub fn integer<'r, T>(
        &'r mut self,
        name: &'static str,
        description: &'static str,
        range: RangeInclusive<T>,
    ) -> Field<'r, 'a, T>
    where
        T: TryFrom<i64> + PartialOrd + Copy + Display + Into<Value> + 'r,
    {
        let (least, most) = (*range.start(), *range.end());
        let schema =
            move || json!({"type": "integer", "minimum": least.into(), "maximum": most.into()});
        self.field(name, description, schema, move |value| {
            let SpannedValue::Integer(number) = value else {
                return Err(vec![Fault::WrongType { expected: "a whole number" }]);
            };
            let within = T::try_from(*number).ok().filter(|number| (least..=most).contains(number));
            within
                .ok_or_else(|| Fault::bad(format!("must be from {least} to {most}, not {number}")))
        })
    }

    /// A number within a range.
    pub fn number<'r>(
        &'r mut self,
        name: &'static str,
        description: &'static str,
        range: RangeInclusive<f64>,
    ) -> Field<'r, 'a, f64> {
        let (least, most) = (*range.start(), *range.end());
        let schema = move || json!({"type": "number", "minimum": least, "maximum": most});
        self.field(name, description, schema, move |value| {
            let number = match value {
                SpannedValue::Float(number) => *number,
                #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
                SpannedValue::Integer(number) => *number as f64,
                _ => return Err(vec![Fault::WrongType { expected: "a number" }]),
            };
            if (least..=most).contains(&number) {
                Ok(number)
            } else {
                Err(Fault::bad(format!("must be from {least} to {most}, not {number}")))
            }
        })
    }

    /// `true` or `false`.
    pub fn boolean<'r>(
        &'r mut self,
        name: &'static str,
        description: &'static str,
    ) -> Field<'r, 'a, bool> {
        self.field(
            name,
            description,
            || json!({"type": "boolean"}),
            |value| match value {
                SpannedValue::Boolean(flag) => Ok(*flag),
                _ => Err(vec![Fault::WrongType { expected: "true or false" }]),
            },
        )
    }

    /// One of a closed set of words. Several words may mean the same.
    pub fn choice<'r, T: Copy + 'r>(
        &'r mut self,
        name: &'static str,
        description: &'static str,
        choices: &'r [(&'static str, T)],
    ) -> Field<'r, 'a, T> {
        let names = move || choices.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        let schema = move || json!({"type": "string", "enum": names()});
        self.field(name, description, schema, move |value| {
            let SpannedValue::String(text) = value else {
                return Err(vec![Fault::WrongType { expected: "a string" }]);
            };
            match choices.iter().find(|(name, _)| name == text) {
                Some((_, choice)) => Ok(*choice),
                None => {
                    let names = names();
                    let message = format!("must be one of {}", quoted_list(names.iter().copied()));
                    Err(Fault::bad_choice(text, &names, message))
                }
            }
        })
    }

    /// A list of strings, none of them empty.
    pub fn strings<'r>(
        &'r mut self,
        name: &'static str,
        description: &'static str,
    ) -> Field<'r, 'a, Vec<String>> {
        self.strings_of(name, description, Ok)
    }

    /// A list of strings that are validated or converted one by one.
    pub fn strings_of<'r, T: 'r>(
        &'r mut self,
        name: &'static str,
        description: &'static str,
        parse: impl Fn(String) -> Result<T, String> + 'r,
    ) -> Field<'r, 'a, Vec<T>> {
        let schema = || json!({"type": "array", "items": {"type": "string", "minLength": 1}});
        self.field(name, description, schema, move |value| {
            read_list(value, |item| {
                read_text(&item.value).and_then(|text| parse(text).map_err(Fault::bad))
            })
        })
    }

    /// A list of strings with the place of each.
    pub(crate) fn spanned_strings<'r>(
        &'r mut self,
        name: &'static str,
        description: &'static str,
    ) -> Field<'r, 'a, Vec<Spanned<String>>> {
        let schema = || json!({"type": "array", "items": {"type": "string", "minLength": 1}});
        self.field(name, description, schema, |value| {
            read_list(value, |item| {
                let place = item.place.clone();
                read_text(&item.value).map(|value| Spanned { value, place })
            })
        })
    }

    /// A table whose keys are names chosen by the owner and whose values are strings.
    pub(crate) fn named_strings(
        &mut self,
        name: &'static str,
        description: &'static str,
    ) -> IndexMap<String, Spanned<String>> {
        let path = self.path(name);
        if self.describing {
            let text = json!({"type": "string", "minLength": 1});
            let schema = json!({"type": "object", "additionalProperties": text});
            let schema = with_description(schema, description);
            self.outcome.properties.insert(name.to_owned(), schema);
        }
        let Some(entry) = self.entry(name) else { return IndexMap::new() };
        let SpannedValue::Table(table) = &entry.value.value else {
            self.push(wrong_type(&entry.value, path, "a table"));
            return IndexMap::new();
        };
        let mut strings = IndexMap::with_capacity(table.entries.len());
        for (key, entry) in &table.entries {
            match read_text(&entry.value.value) {
                Ok(value) => {
                    let place = entry.value.place.clone();
                    strings.insert(key.clone(), Spanned { value, place });
                }
                Err(faults) => {
                    for fault in faults {
                        self.push(super::field::issue(fault, &entry.value, join(&path, key)));
                    }
                }
            }
        }
        self.outcome.effective.insert(name.to_owned(), entry.value.value.to_json());
        strings
    }

    /// A list of ids of a service, each written as a string or as a whole number.
    pub fn ids<'r>(
        &'r mut self,
        name: &'static str,
        description: &'static str,
    ) -> Field<'r, 'a, Vec<String>> {
        let schema =
            || json!({"type": "array", "items": {"type": ["string", "integer"], "minLength": 1}});
        self.field(name, description, schema, |value| read_list(value, |item| read_id(&item.value)))
    }

    /// A table whose keys are names chosen by the owner and whose values are lists of strings.
    pub fn lists<T>(
        &mut self,
        name: &'static str,
        description: &'static str,
        parse: impl Fn(String) -> Result<T, String>,
    ) -> IndexMap<String, Vec<T>> {
        let path = self.path(name);
        if self.describing {
            let items = json!({"type": "array", "items": {"type": "string", "minLength": 1}});
            let schema = json!({"type": "object", "additionalProperties": items});
            let schema = with_description(schema, description);
            self.outcome.properties.insert(name.to_owned(), schema);
        }
        let Some(entry) = self.entry(name) else { return IndexMap::new() };
        let SpannedValue::Table(table) = &entry.value.value else {
            self.push(wrong_type(&entry.value, path, "a table"));
            return IndexMap::new();
        };
        let mut lists = IndexMap::with_capacity(table.entries.len());
        for (key, entry) in &table.entries {
            let list = read_list(&entry.value.value, |item| {
                read_text(&item.value).and_then(|text| parse(text).map_err(Fault::bad))
            });
            match list {
                Ok(list) => {
                    lists.insert(key.clone(), list);
                }
                Err(faults) => {
                    for fault in faults {
                        self.push(super::field::issue(fault, &entry.value, join(&path, key)));
                    }
                }
            }
        }
        self.outcome.effective.insert(name.to_owned(), entry.value.value.to_json());
        lists
    }
}

fn read_text(value: &SpannedValue) -> Result<String, Vec<Fault>> {
    match value {
        SpannedValue::String(text) if text.is_empty() => Err(Fault::bad("must not be empty")),
        SpannedValue::String(text) => Ok(text.clone()),
        _ => Err(vec![Fault::WrongType { expected: "a string" }]),
    }
}

fn read_id(value: &SpannedValue) -> Result<String, Vec<Fault>> {
    match value {
        SpannedValue::Integer(number) => Ok(number.to_string()),
        SpannedValue::String(_) => read_text(value),
        _ => Err(vec![Fault::WrongType { expected: "a string or a whole number" }]),
    }
}

fn read_list<T>(
    value: &SpannedValue,
    read: impl Fn(&Spanned<SpannedValue>) -> Result<T, Vec<Fault>>,
) -> Result<Vec<T>, Vec<Fault>> {
    let SpannedValue::Array(items) = value else {
        return Err(vec![Fault::WrongType { expected: "a list" }]);
    };
    let mut values = Vec::with_capacity(items.len());
    let mut faults = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match read(item) {
            Ok(value) => values.push(value),
            Err(found) => faults.extend(
                found.into_iter().map(|fault| Fault::Element { index, fault: Box::new(fault) }),
            ),
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}
