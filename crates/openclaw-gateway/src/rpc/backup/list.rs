use openclaw_config::StatePaths;
use openclaw_core::Timestamp;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::methods::{Backup, BackupListResult};

use crate::GatewayState;

pub(in crate::rpc) async fn run(state: &GatewayState) -> Result<BackupListResult, OpenClawError> {
    let folder = StatePaths::new(&state.config.current().state_dir).backups();
    let unreadable = |error: std::io::Error| {
        OpenClawError::new(ErrorKind::Unavailable, format!("{} cannot be read", folder.display()))
            .with_source(error)
    };
    let mut backups = Vec::new();
    let mut files = match tokio::fs::read_dir(&folder).await {
        Ok(files) => files,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(BackupListResult { backups });
        }
        Err(error) => return Err(unreadable(error)),
    };
    while let Some(file) = files.next_entry().await.map_err(unreadable)? {
        let path = file.path();
        let is_backup = path.extension().is_some_and(|ending| ending == "db" || ending == "jsonl");
        let about = file.metadata().await.map_err(unreadable)?;
        if !is_backup || !about.is_file() {
            continue;
        }
        let modified = about.modified().map_err(unreadable)?;
        let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let created_at = Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(0));
        let path = path.display().to_string();
        backups.push(Backup { path, size_bytes: about.len(), created_at });
    }
    backups.sort_by(|one, other| other.path.cmp(&one.path));
    Ok(BackupListResult { backups })
}
