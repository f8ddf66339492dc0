use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use toml_edit::DocumentMut;

use super::EditError;
use super::change::{parse_value, set, unset};
use crate::dotted_key::{DottedKey, Step};
use crate::paths::{MainFile, StatePaths};
use crate::{ConfigErrors, Environment, Issue, source};

/// An edit of the main file: opened, changed in memory, then committed as a whole or not at all.
#[derive(Debug)]
pub struct Editor {
    pub(super) path: PathBuf,
    /// The text as it was read; `None` where there was no file.
    pub(super) before: Option<String>,
    pub(super) document: Result<DocumentMut, ConfigErrors>,
    /// Keys at and below which sections may go.
    pub(super) may_drop: Vec<String>,
    pub(super) warnings: Vec<Issue>,
}

impl Editor {
    /// Opens the main file, which need not exist. A file that is not TOML can only be replaced.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn open(environment: &Environment) -> Result<Self, EditError> {
        let main = MainFile::find(environment, &StatePaths::find(environment));
        // The file that a symlink leads to is the one to be replaced.
        let path = main.path.canonicalize().unwrap_or(main.path);
        let before = read(&path)?;
        let document = parse(&main.display, before.as_deref().unwrap_or_default());
        Ok(Self { path, before, document, may_drop: Vec::new(), warnings: Vec::new() })
    }

    /// The SHA-256 of the text that was read, in hex; `None` where there was no file. A caller that
    /// looked at the file earlier compares it with what it saw.
    pub fn base_hash(&self) -> Option<String> {
        self.before.as_deref().map(hash)
    }

    /// The text as it would be written.
    ///
    /// # Errors
    /// When the file is not TOML and was not replaced.
    pub fn text(&self) -> Result<String, EditError> {
        self.document.as_ref().map(ToString::to_string).map_err(|e| EditError::Invalid(e.clone()))
    }

    /// Sets a key to a TOML literal, or, where the text is none, to the text as a string. The index
    /// one behind the last appends to a list.
    ///
    /// # Errors
    /// When the key cannot be read or leads through a value, or a table stands there.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), EditError> {
        let key = DottedKey::parse(key)?;
        let value = parse_value(value);
        let in_the_clear = value.as_str().is_some_and(|text| !text.contains("${"));
        if let Some(Step::Key(name)) = key.0.last()
            && crate::show::names_a_secret(name)
            && in_the_clear
        {
            let message = "the secret stands in the file as it is";
            let hint = format!(
                "\"${{VARIABLE}}\", {{ file = \"path\" }} or {{ keyring = \"service/account\" }} keep it out: {name}"
            );
            self.warnings.push(Issue::new(None, key.to_string(), message).with_hint(hint));
        }
        set(self.document_mut()?, &key, value)
    }

    /// Removes a key, or a whole section.
    ///
    /// # Errors
    /// When the key cannot be read or is not set.
    pub fn unset(&mut self, key: &str) -> Result<(), EditError> {
        let mut key = DottedKey::parse(key)?;
        unset(self.document_mut()?, &key)?;
        // Removing an element moves those behind it, so the list as a whole gets shorter.
        if let Some(Step::Index(_)) = key.0.last() {
            key.0.pop();
        }
        self.may_drop.push(key.to_string());
        Ok(())
    }

    /// Replaces the whole text, as a text editor does.
    ///
    /// # Errors
    /// When the text is not TOML.
    pub fn replace(&mut self, text: &str) -> Result<(), EditError> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.document = Ok(parse(&name, text).map_err(EditError::Invalid)?);
        Ok(())
    }

    /// Lets a section, with all below it, be lost by the edit.
    pub fn allow_dropping(&mut self, section: &str) {
        self.may_drop.push(section.to_owned());
    }

    fn document_mut(&mut self) -> Result<&mut DocumentMut, EditError> {
        self.document.as_mut().map_err(|errors| EditError::Invalid(errors.clone()))
    }
}

pub(super) fn read(path: &Path) -> Result<Option<String>, EditError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(EditError::Io { action: "read", path: path.to_owned(), source }),
    }
}

pub(super) fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

fn parse(display: &str, text: &str) -> Result<DocumentMut, ConfigErrors> {
    text.parse::<DocumentMut>().map_err(|_| {
        // Our own parser reports the place as everywhere else.
        let mut issues = Vec::new();
        source::parse(&Arc::from(display), text, &mut issues);
        ConfigErrors(issues)
    })
}
