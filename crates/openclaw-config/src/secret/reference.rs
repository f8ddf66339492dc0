use std::path::Path;

use super::SecretReference;
use crate::wording::article;
use crate::{Environment, SpannedTable, SpannedValue};

/// The keys of a secret reference.
pub(crate) const KINDS: [&str; 4] = ["env", "file", "exec", "keyring"];

/// What is wrong with a reference; names of keys and types only.
pub(crate) type Reason = String;

/// Reads `{ env | file | exec | keyring = … }`. Relative files start from `folder`.
pub(crate) fn parse_reference(
    table: &SpannedTable,
    folder: &Path,
    environment: &Environment,
) -> Result<SecretReference, Reason> {
    let mut entries = table.entries.iter();
    let (Some((kind, entry)), None) = (entries.next(), entries.next()) else {
        return Err(allowed());
    };
    let value = &entry.value.value;
    match kind.as_str() {
        "env" => Ok(SecretReference::Env(text("env", value)?)),
        "file" => {
            Ok(SecretReference::File(folder.join(environment.expand_home(&text("file", value)?))))
        }
        "exec" => command(value).map(SecretReference::Exec),
        "keyring" => {
            let name = text("keyring", value)?;
            match name.split_once('/') {
                Some((service, account)) if !service.is_empty() && !account.is_empty() => {
                    Ok(SecretReference::Keyring {
                        service: service.to_owned(),
                        account: account.to_owned(),
                    })
                }
                _ => Err("keyring must be \"service/account\"".to_owned()),
            }
        }
        _ => Err(allowed()),
    }
}

fn allowed() -> Reason {
    "a secret reference has exactly one key: env, file, exec or keyring".to_owned()
}

fn text(kind: &str, value: &SpannedValue) -> Result<String, Reason> {
    match value {
        SpannedValue::String(text) if !text.is_empty() => Ok(text.clone()),
        SpannedValue::String(_) => Err(format!("{kind} must not be empty")),
        other => Err(format!("{kind} must be a string, not {}", article(other.type_name()))),
    }
}

fn command(value: &SpannedValue) -> Result<Vec<String>, Reason> {
    let wrong = || "exec must be a list of strings, the command first".to_owned();
    let SpannedValue::Array(items) = value else { return Err(wrong()) };
    let words: Option<Vec<String>> = items
        .iter()
        .map(|item| match &item.value {
            SpannedValue::String(word) => Some(word.clone()),
            _ => None,
        })
        .collect();
    match words {
        Some(words) if words.first().is_some_and(|program| !program.is_empty()) => Ok(words),
        _ => Err(wrong()),
    }
}
