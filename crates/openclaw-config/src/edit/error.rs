use std::io;
use std::path::PathBuf;

use openclaw_errors::{ErrorKind, OpenClawError};

use crate::{ConfigErrors, InvalidDottedKey};

/// Why an edit was not made. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The key cannot be read.
    #[error("the key cannot be used")]
    InvalidKey(#[from] InvalidDottedKey),
    /// A value would take the place of a whole table.
    #[error("{key} is a table; a value cannot take its place")]
    IsTable {
        /// The dotted key.
        key: String,
    },
    /// A part of the key is a value, so that nothing can stand below it.
    #[error("{key} is a value, nothing can be set below it")]
    IsValue {
        /// The dotted key of the value.
        key: String,
    },
    /// There is no such element, and it is not the next one.
    #[error("{key} does not exist; the next index is {next}")]
    NoSuchElement {
        /// The dotted key of the element.
        key: String,
        /// The index that would append.
        next: usize,
    },
    /// Nothing to unset.
    #[error("{key} is not set in this file")]
    NotSet {
        /// The dotted key.
        key: String,
    },
    /// The result, or the file as it is, does not load.
    #[error("the configuration would not load:\n{0}")]
    Invalid(ConfigErrors),
    /// Sections would be lost that nobody asked to remove.
    #[error("sections would be lost: {}", .0.join(", "))]
    DropsSections(Vec<String>),
    /// The file is not what it was when it was opened.
    #[error("{} was changed by another meanwhile", .0.display())]
    Changed(PathBuf),
    /// Another edit is under way.
    #[error("{} is being edited by another process", .0.display())]
    Busy(PathBuf),
    /// A file cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl From<EditError> for OpenClawError {
    fn from(error: EditError) -> Self {
        let (kind, hint) = match error {
            EditError::Invalid(errors) => return errors.into(),
            EditError::InvalidKey(_) => (ErrorKind::InvalidParams, None),
            EditError::IsTable { .. } => {
                (ErrorKind::InvalidParams, Some("set a key below it, or unset it first"))
            }
            EditError::IsValue { .. } | EditError::NoSuchElement { .. } => {
                (ErrorKind::InvalidParams, None)
            }
            EditError::NotSet { .. } => (ErrorKind::NotFound, None),
            EditError::DropsSections(_) => {
                (ErrorKind::Conflict, Some("unset the sections that are to go"))
            }
            EditError::Changed(_) | EditError::Busy(_) => {
                (ErrorKind::Conflict, Some("look at the file again, then repeat the edit"))
            }
            EditError::Io { .. } => (ErrorKind::Config, None),
        };
        let converted = Self::new(kind, error.to_string()).with_source(error);
        match hint {
            Some(hint) => converted.with_hint(hint),
            None => converted,
        }
    }
}
