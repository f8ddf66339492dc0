mod jobs;
mod sandbox;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use openclaw_agents::{ModelProbe, probe};
use openclaw_config::{Config, LoadRequest, StatePaths, StorageBackend, load};
use openclaw_core::SystemClock;
use openclaw_gateway::lifecycle::{LockError, StateLock};
use openclaw_protocol::methods::{
    CronList, CronListParams, GatewayStatus, GatewayStatusGet, GatewayStatusParams,
};
use openclaw_storage::archive::RestoreError;
use openclaw_storage::rows::Backlog;
use openclaw_storage::{NoObserver, StorageError, sqlite};
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;

use crate::commands::client;
use crate::compose::{Channels, open_storage};
use crate::context::Context;
use crate::exit::{Failure, status};
use crate::output::Shade;
use crate::reach::Reach;

/// A channel probe may take its whole limit.
const STATUS_LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Mend what can be mended without a decision of yours: file modes, and a damaged database, whose
    /// file is kept.
    #[arg(long)]
    fix: bool,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Severity {
    /// Works as it should.
    Ok,
    /// Works, but should be looked at.
    Warning,
    /// Does not work.
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    severity: Severity,
    subject: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// Everything that was found.
#[derive(Debug, Default)]
struct Report {
    findings: Vec<Finding>,
    unknown: u64,
    failed: u64,
}

impl Report {
    fn add(&mut self, severity: Severity, subject: &'static str, message: impl Into<String>) {
        self.findings.push(Finding { severity, subject, message: message.into(), hint: None });
    }

    fn add_with_hint(
        &mut self,
        severity: Severity,
        subject: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.findings.push(Finding {
            severity,
            subject,
            message: message.into(),
            hint: Some(hint.into()),
        });
    }
}

pub(crate) fn run(context: &Context, arguments: &DoctorArguments) -> Result<(), Failure> {
    let mut report = Report::default();
    let config = configuration(context, &mut report);
    if let Some(config) = &config {
        model(config, &mut report);
        state_folder(config, arguments.fix, &mut report);
        sandbox::look(context, config, &mut report);
    }
    let running = client(context, async {
        let client = Reach::find(context)?.client().await?;
        let status = client
            .call_within::<GatewayStatusGet>(&GatewayStatusParams { deep: true }, STATUS_LIMIT)
            .await?;
        Ok((status, client.call::<CronList>(&CronListParams::default()).await))
    });
    match running {
        Ok((status, listed)) => {
            gateway(&status, &mut report);
            jobs::look(listed, &mut report);
        }
        Err(failure) if failure.code == "not_reachable" => {
            report.add_with_hint(
                Severity::Warning,
                "gateway",
                "not running",
                "start it with `openclaw gateway run`",
            );
            if let Some(config) = &config {
                stored(context, config, arguments.fix, &mut report);
            }
        }
        Err(failure) => report.findings.push(Finding {
            severity: Severity::Error,
            subject: "gateway",
            message: failure.message,
            hint: failure.hint,
        }),
    }
    print(context, &report)
}

fn configuration(context: &Context, report: &mut Report) -> Option<Arc<Config>> {
    let channels = Channels::all();
    match load(&LoadRequest::new(&context.environment, &channels)) {
        Ok(loaded) => {
            match &loaded.config.file {
                Some(file) => report.add(
                    Severity::Ok,
                    "configuration",
                    format!("{} is valid", file.display()),
                ),
                None => report.add(Severity::Ok, "configuration", "no file, the defaults hold"),
            }
            for warning in &loaded.warnings {
                report.add(Severity::Warning, "configuration", warning.to_string());
            }
            for key in &loaded.config.inert_keys {
                report.add(
                    Severity::Warning,
                    "configuration",
                    format!("{key} is set and has no effect in this version"),
                );
            }
            Some(loaded.config)
        }
        Err(errors) => {
            for line in errors.to_string().lines() {
                report.add(Severity::Error, "configuration", line);
            }
            None
        }
    }
}

fn model(config: &Config, report: &mut Report) {
    for agent in &config.agents {
        match probe(config, &agent.id) {
            ModelProbe::Ready { model, fallbacks, .. } => {
                let then = if fallbacks.is_empty() {
                    String::new()
                } else {
                    format!(", then {}", fallbacks.join(", "))
                };
                report.add(Severity::Ok, "model", format!("agent {} asks {model}{then}", agent.id));
            }
            ModelProbe::Missing(missing) => report.findings.push(Finding {
                severity: Severity::Error,
                subject: "model",
                message: format!("agent {}: {}", agent.id, missing.message),
                hint: missing.hint,
            }),
        }
    }
}

/// What is in the state folder is the owner's alone.
fn state_folder(config: &Config, fix: bool, report: &mut Report) {
    let paths = StatePaths::new(&config.state_dir);
    let mut sound = true;
    for path in [
        paths.root().to_owned(),
        paths.database(),
        paths.gateway_token(),
        paths.gateway_id(),
        paths.config(),
        paths.login(),
        paths.root().join("tls"),
        paths.root().join("tls/key.pem"),
        paths.root().join("backups"),
    ] {
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 == 0 {
            continue;
        }
        sound = false;
        let wanted = if metadata.is_dir() { 0o700 } else { 0o600 };
        if !fix {
            report.add_with_hint(
                Severity::Warning,
                "state folder",
                format!("{} can be read by others (mode {mode:o})", path.display()),
                format!("`openclaw doctor --fix`, or chmod {wanted:o} {}", path.display()),
            );
            continue;
        }
        mend_mode(&path, wanted, report);
    }
    if sound {
        report.add(
            Severity::Ok,
            "state folder",
            format!("{} is private", config.state_dir.display()),
        );
    }
}

fn mend_mode(path: &Path, wanted: u32, report: &mut Report) {
    match std::fs::set_permissions(path, std::fs::Permissions::from_mode(wanted)) {
        Ok(()) => {
            report.add(Severity::Ok, "state folder", format!("{} is private again", path.display()))
        }
        Err(error) => report.add(
            Severity::Error,
            "state folder",
            format!("cannot change {}: {error}", path.display()),
        ),
    }
}

fn gateway(status: &GatewayStatus, report: &mut Report) {
    report.add(
        Severity::Ok,
        "gateway",
        format!("version {} runs as process {}", status.version, status.pid),
    );
    if let Some(problem) = &status.config_problem {
        for error in &problem.errors {
            report.add_with_hint(
                Severity::Error,
                "configuration",
                error.clone(),
                "the gateway goes on with the last good one until this is mended",
            );
        }
    }
    for key in &status.needs_restart {
        report.add_with_hint(
            Severity::Warning,
            "configuration",
            format!("{key} changed"),
            "it acts after a restart of the gateway",
        );
    }
    for channel in &status.channels {
        let detail = channel.last_error.as_deref().unwrap_or("no detail");
        match (channel.state, channel.probe_ok) {
            (openclaw_protocol::methods::ChannelState::Connected, Some(false))
            | (openclaw_protocol::methods::ChannelState::Failed, _) => {
                report.add_with_hint(
                    Severity::Error,
                    "channel",
                    format!("{}: {detail}", channel.channel_id),
                    "`openclaw channels status` says more",
                );
            }
            (openclaw_protocol::methods::ChannelState::Connected, _) => {
                report.add(Severity::Ok, "channel", format!("{} is connected", channel.channel_id))
            }
            (openclaw_protocol::methods::ChannelState::Stopped, _) => {
                report.add(Severity::Ok, "channel", format!("{} is stopped", channel.channel_id))
            }
            (
                openclaw_protocol::methods::ChannelState::Connecting
                | openclaw_protocol::methods::ChannelState::Backoff,
                _,
            ) => {
                report.add(
                    Severity::Warning,
                    "channel",
                    format!("{} is not connected: {detail}", channel.channel_id),
                );
            }
        }
    }
    if let Some(storage) = &status.storage {
        match &storage.error {
            None => report.add(
                Severity::Ok,
                "storage",
                format!("{} {}, schema {}", storage.engine, storage.version, storage.schema),
            ),
            Some(error) => report.add(Severity::Error, "storage", error.clone()),
        }
    }
    deliveries(status.backlog.unknown, status.backlog.failed, status.backlog.resent, report);
}

/// Without a gateway the store is looked at directly, under the folder's lock.
fn stored(context: &Context, config: &Config, fix: bool, report: &mut Report) {
    match &config.storage {
        StorageBackend::Sqlite { path } if !path.exists() => {
            report.add(Severity::Ok, "storage", "nothing is stored yet");
            return;
        }
        StorageBackend::Memory => return,
        StorageBackend::Sqlite { .. } | StorageBackend::Postgres { .. } => {}
    }
    let _lock = match StateLock::take(&config.state_dir, "openclaw doctor") {
        Ok(lock) => lock,
        Err(error @ LockError::Held { .. }) => {
            return report.add(Severity::Warning, "storage", format!("{error}; not looked at"));
        }
        Err(error) => {
            return report.add(Severity::Error, "storage", openclaw_errors::display_chain(&error));
        }
    };
    if fix && let StorageBackend::Sqlite { path } = &config.storage {
        mend(context, path, report);
    }
    let looked = client(context, async {
        let (clock, observer) = (Arc::new(SystemClock), Arc::new(NoObserver));
        let storage = open_storage(&config.storage, clock, observer).await?;
        let health = storage.health().await.map_err(openclaw_errors::OpenClawError::from)?;
        let damage = storage.integrity().await.map_err(openclaw_errors::OpenClawError::from)?;
        let backlog = storage.backlog().await.map_err(openclaw_errors::OpenClawError::from)?;
        storage.close().await;
        Ok((health, damage, backlog))
    });
    match looked {
        Ok((health, damage, backlog)) => {
            if damage.is_empty() {
                report.add(
                    Severity::Ok,
                    "storage",
                    format!(
                        "{} {}, schema {}, is sound",
                        health.engine, health.version, health.schema
                    ),
                );
            }
            for finding in damage {
                report.add_with_hint(
                    Severity::Error,
                    "storage",
                    finding,
                    "`openclaw doctor --fix` keeps what can be read; or restore a backup",
                );
            }
            waiting(&backlog, report);
        }
        Err(failure) => report.findings.push(Finding {
            severity: Severity::Error,
            subject: "storage",
            message: failure.message,
            hint: failure.hint,
        }),
    }
}

/// Copies what can be read of a damaged file into a new one.
fn mend(context: &Context, path: &Path, report: &mut Report) {
    let mended = client(context, async {
        match sqlite::verify(path).await {
            Err(
                RestoreError::Damaged { .. } | RestoreError::Storage(StorageError::Corrupt { .. }),
            ) => {}
            // Sound, or nothing that copying would mend.
            _ => return Ok(None),
        }
        let repaired = sqlite::repair(path).await;
        repaired.map(Some).map_err(|error| Failure::failed(openclaw_errors::display_chain(&error)))
    });
    match mended {
        Ok(None) => {}
        Ok(Some(repaired)) => {
            let missing = if repaired.incomplete.is_empty() {
                "nothing is missing".to_owned()
            } else {
                format!("something is missing from {}", repaired.incomplete.join(", "))
            };
            let skipped = match repaired.skipped {
                0 => String::new(),
                skipped => format!(", {skipped} could not be kept"),
            };
            let message = format!(
                "the database was damaged: {} rows were copied into a new one{skipped}, {missing}",
                repaired.kept
            );
            let hint = format!("the damaged file is {}", repaired.damaged.display());
            report.add_with_hint(Severity::Warning, "storage", message, hint);
        }
        Err(failure) => {
            let message =
                format!("the database is damaged and cannot be repaired: {}", failure.message);
            report.add_with_hint(Severity::Error, "storage", message, "restore a backup");
        }
    }
}

fn waiting(backlog: &Backlog, report: &mut Report) {
    if backlog.inputs + backlog.outbox > 0 {
        report.add_with_hint(
            Severity::Warning,
            "storage",
            format!("{} inputs and {} messages wait", backlog.inputs, backlog.outbox),
            "the gateway goes on with them when it runs",
        );
    }
    deliveries(backlog.unknown, backlog.failed, backlog.resent, report);
}

fn deliveries(unknown: u64, failed: u64, resent: u64, report: &mut Report) {
    (report.unknown, report.failed) = (unknown, failed);
    if unknown > 0 {
        report.add(
            Severity::Warning,
            "deliveries",
            format!("{unknown} messages of unknown outcome were not sent again"),
        );
    }
    if failed > 0 {
        report.add(
            Severity::Warning,
            "deliveries",
            format!("{failed} messages could not be delivered"),
        );
    }
    if resent > 0 {
        report.add(
            Severity::Warning,
            "deliveries",
            format!("{resent} messages were sent again unsure whether they had arrived"),
        );
    }
}

fn print(context: &Context, report: &Report) -> Result<(), Failure> {
    let value = json!({
        "findings": report.findings,
        "deliveries": { "unknown": report.unknown, "failed": report.failed },
    });
    context.output.result(&value, || {
        let mut lines = Vec::new();
        for finding in &report.findings {
            let (shade, mark) = match finding.severity {
                Severity::Ok => (Shade::Green, "ok     "),
                Severity::Warning => (Shade::Yellow, "warning"),
                Severity::Error => (Shade::Red, "error  "),
            };
            lines.push(format!(
                "{}  {}: {}",
                context.output.paint(shade, mark),
                finding.subject,
                finding.message
            ));
            if let Some(hint) = &finding.hint {
                lines.push(format!("         {}", context.output.paint(Shade::Dim, hint)));
            }
        }
        lines.join("\n")
    })?;
    let errors =
        report.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if errors > 0 {
        return Err(Failure::new(
            status::FAILED,
            "unsound",
            format!("{errors} thing(s) do not work"),
        ));
    }
    Ok(())
}
