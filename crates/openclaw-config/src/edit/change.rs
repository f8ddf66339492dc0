use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::EditError;
use crate::dotted_key::{DottedKey, Step};

/// A value as it is typed on a command line: a TOML literal, else a string.
pub(super) fn parse_value(text: &str) -> Value {
    let mut value = match text.trim().parse::<Value>() {
        // No key takes a date, and "nan" is more likely a name.
        Ok(Value::Datetime(_)) | Err(_) => Value::from(text),
        Ok(Value::Float(number)) if !number.value().is_finite() => Value::from(text),
        Ok(value) => value,
    };
    value.decor_mut().clear();
    value
}

pub(super) fn set(
    document: &mut DocumentMut,
    key: &DottedKey,
    value: Value,
) -> Result<(), EditError> {
    let mut edit = Edit { key, at: 0 };
    edit.set_in_table(document.as_table_mut(), Parent::Table, value)
}

pub(super) fn unset(document: &mut DocumentMut, key: &DottedKey) -> Result<(), EditError> {
    let mut edit = Edit { key, at: 0 };
    edit.unset_in_table(document.as_table_mut())
}

/// The space before `}` belongs to the last value: after appending, to the new one.
fn move_last_space(table: &mut InlineTable) {
    let mut values: Vec<&mut Value> = table.iter_mut().map(|(_, value)| value).collect();
    if let [.., before, last] = values.as_mut_slice() {
        let space = before.decor().suffix().cloned().unwrap_or_default();
        before.decor_mut().set_suffix("");
        last.decor_mut().set_suffix(space);
    }
}

/// How a table is written, which decides how new ones below it are.
#[derive(Clone, Copy)]
enum Parent {
    Table,
    Dotted,
    Inline,
}

/// A walk along a key; `at` is the step to take next.
struct Edit<'a> {
    key: &'a DottedKey,
    at: usize,
}

impl Edit<'_> {
    fn rest(&self) -> &[Step] {
        &self.key.0[self.at..]
    }

    /// The key as far as it was walked.
    fn walked(&self) -> String {
        DottedKey(self.key.0[..self.at].to_vec()).to_string()
    }

    fn set_in_table(
        &mut self,
        table: &mut dyn TableLike,
        parent: Parent,
        value: Value,
    ) -> Result<(), EditError> {
        let Some(Step::Key(name)) = self.rest().first().cloned() else {
            return Err(EditError::IsTable { key: self.walked() });
        };
        self.at += 1;
        match table.get_mut(&name) {
            Some(item) if !item.is_none() => {
                let was_list = item.is_array_of_tables();
                self.set_in_item(item, value)?;
                let is_value = item.is_value();
                if was_list
                    && is_value
                    && let Some(mut key) = table.key_mut(&name)
                {
                    // In a header nothing stands around it.
                    key.fmt();
                }
                Ok(())
            }
            _ => {
                let mut item = self.new_item(parent);
                if self.rest().is_empty() {
                    item = Item::Value(value);
                } else {
                    self.set_in_item(&mut item, value)?;
                }
                table.insert(&name, item);
                Ok(())
            }
        }
    }

    /// What must stand here for the rest of the key to be set in it.
    fn new_item(&self, parent: Parent) -> Item {
        match (self.rest(), parent) {
            ([], _) => Item::None,
            ([Step::Key(_), ..], Parent::Inline) => Item::Value(InlineTable::new().into()),
            ([Step::Key(_), ..], Parent::Table | Parent::Dotted) => {
                let mut table = Table::new();
                table.set_implicit(true);
                table.set_dotted(matches!(parent, Parent::Dotted));
                Item::Table(table)
            }
            ([Step::Index(_), Step::Key(_), ..], Parent::Table) => {
                Item::ArrayOfTables(ArrayOfTables::new())
            }
            ([Step::Index(_), ..], _) => Item::Value(Array::new().into()),
        }
    }

    fn set_in_item(&mut self, item: &mut Item, value: Value) -> Result<(), EditError> {
        match item {
            Item::Value(old) => self.set_in_value(old, value),
            Item::Table(table) => {
                let parent = if table.is_dotted() { Parent::Dotted } else { Parent::Table };
                self.set_in_table(table, parent, value)
            }
            Item::ArrayOfTables(_) if self.rest().is_empty() => {
                if !value.is_array() {
                    return Err(EditError::IsTable { key: self.walked() });
                }
                // A list of tables stays one; any other list is a value.
                *item = match Item::Value(value).into_array_of_tables() {
                    Ok(tables) => Item::ArrayOfTables(tables),
                    Err(value) => value,
                };
                Ok(())
            }
            Item::ArrayOfTables(tables) => {
                let index = self.index(tables.len())?;
                if index == tables.len() {
                    let mut table = Table::new();
                    self.set_in_table(&mut table, Parent::Table, value)?;
                    tables.push(table);
                    return Ok(());
                }
                match tables.get_mut(index) {
                    Some(table) => self.set_in_table(table, Parent::Table, value),
                    None => Ok(()),
                }
            }
            Item::None => {
                *item = Item::Value(value);
                Ok(())
            }
        }
    }

    fn set_in_value(&mut self, old: &mut Value, value: Value) -> Result<(), EditError> {
        match (self.rest().first(), &mut *old) {
            (None, Value::InlineTable(_)) if !value.is_inline_table() => {
                Err(EditError::IsTable { key: self.walked() })
            }
            (None, _) => {
                let decor = old.decor().clone();
                *old = value;
                *old.decor_mut() = decor;
                Ok(())
            }
            (Some(Step::Key(_)), Value::InlineTable(table)) => {
                let length = table.len();
                self.set_in_table(table, Parent::Inline, value)?;
                if table.len() > length {
                    move_last_space(table);
                }
                Ok(())
            }
            (Some(Step::Index(_)), Value::Array(array)) => {
                let index = self.index(array.len())?;
                if index < array.len() {
                    return match array.get_mut(index) {
                        Some(element) => self.set_in_value(element, value),
                        None => Ok(()),
                    };
                }
                let mut element = value;
                if !self.rest().is_empty() {
                    let mut table = InlineTable::new();
                    self.set_in_table(&mut table, Parent::Inline, element)?;
                    element = table.into();
                }
                array.push(element);
                Ok(())
            }
            (Some(_), _) => Err(EditError::IsValue { key: self.walked() }),
        }
    }

    /// Takes an index step; the length itself appends.
    fn index(&mut self, length: usize) -> Result<usize, EditError> {
        match self.rest().first().cloned() {
            Some(Step::Index(index)) => {
                self.at += 1;
                if index > length {
                    return Err(EditError::NoSuchElement { key: self.walked(), next: length });
                }
                Ok(index)
            }
            Some(Step::Key(_)) | None => Err(EditError::IsTable { key: self.walked() }),
        }
    }

    fn not_set(&self) -> EditError {
        EditError::NotSet { key: self.key.to_string() }
    }

    fn unset_in_table(&mut self, table: &mut dyn TableLike) -> Result<(), EditError> {
        let Some(Step::Key(name)) = self.rest().first().cloned() else {
            return Err(self.not_set());
        };
        self.at += 1;
        if self.rest().is_empty() {
            return table.remove(&name).map(|_| ()).ok_or_else(|| self.not_set());
        }
        match table.get_mut(&name) {
            Some(Item::Table(inner)) => self.unset_in_table(inner),
            Some(Item::ArrayOfTables(tables)) => {
                let index = self.element(tables.len())?;
                if self.rest().is_empty() {
                    tables.remove(index);
                    return Ok(());
                }
                match tables.get_mut(index) {
                    Some(table) => self.unset_in_table(table),
                    None => Err(self.not_set()),
                }
            }
            Some(Item::Value(value)) => self.unset_in_value(value),
            Some(Item::None) | None => Err(self.not_set()),
        }
    }

    fn unset_in_value(&mut self, value: &mut Value) -> Result<(), EditError> {
        match value {
            Value::InlineTable(table) => self.unset_in_table(table),
            Value::Array(array) => {
                let index = self.element(array.len())?;
                if self.rest().is_empty() {
                    array.remove(index);
                    return Ok(());
                }
                match array.get_mut(index) {
                    Some(element) => self.unset_in_value(element),
                    None => Err(self.not_set()),
                }
            }
            _ => Err(self.not_set()),
        }
    }

    fn element(&mut self, length: usize) -> Result<usize, EditError> {
        match self.rest().first() {
            Some(Step::Index(index)) if *index < length => {
                let index = *index;
                self.at += 1;
                Ok(index)
            }
            _ => Err(self.not_set()),
        }
    }
}
