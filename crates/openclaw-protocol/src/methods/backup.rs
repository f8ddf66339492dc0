use openclaw_core::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NoParams;
use crate::method::method;
use crate::{Access, Scope};

method! {
    /// `backup.create`.
    BackupCreate, "backup.create", Access::Scope(Scope::Admin), NoParams => Backup,
    "Writes everything that is stored into a file below the state folder, while the gateway goes on."
}
method! {
    /// `backup.list`.
    BackupList, "backup.list", Access::Scope(Scope::Admin), NoParams => BackupListResult,
    "Lists the backups below the state folder, newest first."
}

/// A backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Backup {
    /// Its file on the gateway's machine.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The result of `backup.list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupListResult {
    /// The backups, newest first.
    pub backups: Vec<Backup>,
}
