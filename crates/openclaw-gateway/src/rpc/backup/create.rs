use openclaw_config::StatePaths;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::methods::Backup;

use crate::GatewayState;

pub(in crate::rpc) async fn run(state: &GatewayState) -> Result<Backup, OpenClawError> {
    let folder = StatePaths::new(&state.config.current().state_dir).backups();
    let unwritable = |error: std::io::Error| {
        OpenClawError::new(
            ErrorKind::Unavailable,
            format!("{} cannot be written", folder.display()),
        )
        .with_source(error)
    };
    let mut make = tokio::fs::DirBuilder::new();
    #[cfg(unix)]
    make.mode(0o700);
    make.recursive(true).create(&folder).await.map_err(unwritable)?;
    let engine = state.storage.health().await?.engine;
    let ending = if engine == "sqlite" { "db" } else { "jsonl" };
    let created_at = state.clock.now();
    let moment: String =
        created_at.to_string().chars().filter(|char| !matches!(char, ':' | '-' | '.')).collect();
    let file = folder.join(format!("openclaw-{moment}.{ending}"));
    state.storage.back_up(&file).await?;
    let size_bytes = tokio::fs::metadata(&file).await.map_err(unwritable)?.len();
    tracing::info!(file = %file.display(), size_bytes, "a backup was made");
    Ok(Backup { path: file.display().to_string(), size_bytes, created_at })
}
