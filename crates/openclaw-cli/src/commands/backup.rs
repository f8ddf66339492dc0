use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use openclaw_config::{Config, LoadRequest, StorageBackend, load};
use openclaw_core::SystemClock;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_gateway::lifecycle::StateLock;
use openclaw_protocol::methods::{BackupCreate, BackupList, NoParams};
use openclaw_storage::archive::{self, BackupKind, RestoreError};
use openclaw_storage::{NoObserver, sqlite};
use serde_json::json;

use crate::compose::{Channels, open_storage};
use crate::context::Context;
use crate::exit::Failure;
use crate::reach::Reach;

#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Write everything that is stored into a file, while the gateway goes on.
    Create(CreateArguments),
    /// List the backups that the gateway made.
    List,
    /// See whether a backup is whole and sound.
    Verify(FileArguments),
    /// Put what a backup holds in the place of what is stored. The gateway must not run.
    Restore(FileArguments),
    /// Print everything that is stored as lines of JSON.
    Export(ExportArguments),
}

#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    /// Also copy it to this file.
    #[arg(long)]
    to: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct FileArguments {
    /// The backup.
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// Into this file; without it to standard output.
    file: Option<PathBuf>,
}

pub(crate) async fn run(context: &Context, command: BackupCommand) -> Result<(), Failure> {
    match command {
        BackupCommand::Create(arguments) => create(context, arguments).await,
        BackupCommand::List => list(context).await,
        BackupCommand::Verify(arguments) => verify(context, &arguments.file).await,
        BackupCommand::Restore(arguments) => restore(context, &arguments.file).await,
        BackupCommand::Export(arguments) => export(context, arguments.file.as_deref()).await,
    }
}

fn config(context: &Context) -> Result<Arc<Config>, Failure> {
    Ok(load(&LoadRequest::new(&context.environment, &Channels::all()))?.config)
}

fn files(file: &Path, error: std::io::Error) -> Failure {
    Failure::failed(format!("{}: {error}", file.display()))
}

async fn create(context: &Context, arguments: CreateArguments) -> Result<(), Failure> {
    let client = Reach::find(context)?.client().await?;
    let backup = client.call::<BackupCreate>(&NoParams {}).await?;
    if let Some(to) = &arguments.to {
        std::fs::copy(&backup.path, to).map_err(|error| files(to, error))?;
    }
    context.output.result(&backup, || {
        format!(
            "{} holds everything up to {} ({} bytes)",
            backup.path, backup.created_at, backup.size_bytes
        )
    })
}

async fn list(context: &Context) -> Result<(), Failure> {
    let client = Reach::find(context)?.client().await?;
    let list = client.call::<BackupList>(&NoParams {}).await?;
    context.output.result(&list, || {
        let lines = list.backups.iter().map(|backup| {
            format!("{}  {:>12} bytes  {}", backup.created_at, backup.size_bytes, backup.path)
        });
        let lines: Vec<String> = lines.collect();
        if lines.is_empty() { "there are no backups".to_owned() } else { lines.join("\n") }
    })
}

async fn verify(context: &Context, file: &Path) -> Result<(), Failure> {
    let kind = BackupKind::of(file).map_err(|error| files(file, error))?;
    let (what, count) = match kind {
        BackupKind::Database => ("messages", sqlite::verify(file).await.map_err(explain)?),
        BackupKind::Lines => {
            let contents = archive::verify(file).map_err(|error| explain(error.into()))?;
            ("rows", contents.rows)
        }
    };
    let value = json!({ "file": file.display().to_string(), "sound": true, what: count });
    context.output.result(&value, || format!("{} is sound: {count} {what}", file.display()))
}

/// What a restore brings back that somebody may have taken away since.
const AS_THEY_WERE: &str = "API keys, devices and paired people are as they were at the backup: \
    revoke again what was revoked since. Access tokens of before are void";

async fn restore(context: &Context, file: &Path) -> Result<(), Failure> {
    let config = config(context)?;
    let _lock = StateLock::take(&config.state_dir, "openclaw backup restore")?;
    match &config.storage {
        StorageBackend::Sqlite { path } => {
            let old = sqlite::restore(path, file).await.map_err(explain)?;
            let old = old.map(|old| old.display().to_string());
            let value = json!({ "restored": file.display().to_string(), "before": old });
            context.output.result(&value, || match &old {
                Some(old) => {
                    format!("restored; what was stored before is in {old}\n{AS_THEY_WERE}")
                }
                None => format!("restored\n{AS_THEY_WERE}"),
            })
        }
        #[cfg(feature = "postgres")]
        StorageBackend::Postgres { url, .. } => {
            let options = openclaw_storage::postgres::PostgresOptions::new(url)
                .map_err(OpenClawError::from)?;
            let restoring = openclaw_storage::postgres::restore(&options, file);
            let rows = restoring.await.map_err(explain)?;
            let value = json!({ "restored": file.display().to_string(), "rows": rows });
            context.output.result(&value, || format!("restored {rows} rows\n{AS_THEY_WERE}"))
        }
        #[cfg(not(feature = "postgres"))]
        StorageBackend::Postgres { .. } => {
            Err(Failure::failed("this program was built without the feature postgres"))
        }
        StorageBackend::Memory => {
            Err(Failure::failed("storage.backend is \"memory\", which keeps nothing"))
        }
    }
}

async fn export(context: &Context, file: Option<&Path>) -> Result<(), Failure> {
    let config = config(context)?;
    let storage =
        open_storage(&config.storage, Arc::new(SystemClock), Arc::new(NoObserver)).await?;
    let (to, mut lines) = tokio::sync::mpsc::channel::<String>(64);
    // Owns its end of the channel: once it cannot write, the reading of the store ends too.
    let write = async move {
        let mut out: Box<dyn std::io::Write + Send> = match file {
            Some(file) => Box::new(std::io::BufWriter::new(std::fs::File::create(file)?)),
            None => Box::new(std::io::BufWriter::new(std::io::stdout())),
        };
        while let Some(line) = lines.recv().await {
            out.write_all(line.as_bytes())?;
            out.write_all(b"\n")?;
        }
        out.flush()
    };
    let (exported, written) = tokio::join!(storage.export(to), write);
    storage.close().await;
    match written {
        // Whoever read has read enough, as in `openclaw … | head`.
        Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::BrokenPipe => {
            return Ok(());
        }
        written => {
            written.map_err(|error| files(file.unwrap_or(Path::new("standard output")), error))?
        }
    }
    let rows = exported.map_err(OpenClawError::from)?;
    if let Some(file) = file {
        context.output.note(&format!("{rows} rows are in {}", file.display()));
    }
    Ok(())
}

fn explain(error: RestoreError) -> Failure {
    let hint = match &error {
        RestoreError::Archive(_) | RestoreError::Damaged { .. } | RestoreError::Row { .. } => {
            "nothing was changed; use another backup"
        }
        RestoreError::InUse { .. } => "stop every gateway on it first",
        RestoreError::WrongKind(_) => {
            "export lines of JSON from SQLite with `openclaw backup export`"
        }
        RestoreError::Storage(_) | RestoreError::Files(_) => "nothing was changed",
    };
    let error = OpenClawError::new(ErrorKind::Database, openclaw_errors::display_chain(&error));
    error.with_hint(hint).into()
}
