//! The whole store as lines of JSON: for export, for backups of servers, for moving to another engine.
//!
//! The first line is a [`Header`], then one line for each row, the last is a [`Footer`] with the number
//! of rows and the SHA-256 of all lines before it. Rows are objects of text, integers and nulls, as the
//! tables hold them; JSON columns are text.

mod files;
mod lines;
mod reader;
mod restore;
mod tables;

pub(crate) use files::{remove, settle, with_suffix};
pub use lines::{Footer, Header};
pub(crate) use lines::{LineWriter, Lines};
pub(crate) use reader::{Archive, ArchivedRow};
pub use reader::{ArchiveError, Contents, verify};
pub use restore::{BackupKind, RestoreError};
pub(crate) use tables::{Column, FORGET_SIGNING_KEYS, TABLES, Table};

/// The version of the lines' form.
pub const FORMAT: u32 = 1;
