use std::path::Path;

use crate::StorageError;

use super::{ArchiveError, Table};

/// Why a backup was not restored; what was stored before is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A row is not what the tables take.
    #[error("row {row} of {table} cannot be stored")]
    Row {
        /// Its table.
        table: &'static str,
        /// Its place among all rows, counted from 1.
        row: u64,
        /// What the engine said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A gateway works on the store.
    #[error("a gateway works on {place}")]
    InUse {
        /// The store.
        place: String,
    },
    /// The restored database is not sound.
    #[error("the backup is damaged: {finding}")]
    Damaged {
        /// The first finding.
        finding: String,
    },
    /// The backup is of another kind than this engine restores.
    #[error("{0} is a file of SQLite, which this engine does not restore")]
    WrongKind(String),
    /// The engine failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A file cannot be written or moved.
    #[error("the files cannot be written")]
    Files(#[from] std::io::Error),
}

/// What a backup file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupKind {
    /// A file of SQLite.
    Database,
    /// Lines of JSON.
    Lines,
}

impl BackupKind {
    /// Looks at the first bytes.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of(file: &Path) -> std::io::Result<Self> {
        use std::io::Read as _;
        let mut head = Vec::with_capacity(16);
        std::fs::File::open(file)?.take(16).read_to_end(&mut head)?;
        Ok(if head == b"SQLite format 3\0" { Self::Database } else { Self::Lines })
    }
}

impl Table {
    /// The statement that stores one row, with one more value where `more` names its column.
    pub(crate) fn insert(&self, more: Option<(&str, &str)>) -> String {
        let mut places: Vec<String> =
            (1..=self.columns.len()).map(|number| format!("${number}")).collect();
        let mut names = self.names();
        if let Some((column, place)) = more {
            names = format!("{names}, {column}");
            places.push(place.replace("$n", &format!("${}", self.columns.len() + 1)));
        }
        format!("INSERT INTO {} ({names}) VALUES ({})", self.name, places.join(", "))
    }

    /// Where a column stands.
    #[cfg(feature = "postgres")]
    pub(crate) fn index_of(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name() == name)
    }
}
