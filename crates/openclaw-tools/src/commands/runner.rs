use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{CommandPlan, Processes};
use crate::approvals::Approvals;
use crate::sandbox::{Job, Room, Running, Sandbox, SandboxError, Streams};
use crate::{ToolContext, ToolError};

/// What commands need.
#[derive(Debug, Clone)]
pub struct CommandDeps {
    /// Runs what is to be sandboxed.
    pub sandbox: Arc<dyn Sandbox>,
    /// Runs what the owner let out of the sandbox.
    pub host: Arc<dyn Sandbox>,
    /// Who is asked.
    pub approvals: Arc<Approvals>,
    /// Owns what runs in the background.
    pub tasks: TaskTracker,
    /// Ends what runs in the background.
    pub stop: CancellationToken,
}

/// Starts commands, for `bash` and `process`.
#[derive(Debug)]
pub struct Commands {
    deps: CommandDeps,
    pub(super) processes: Processes,
}

impl Commands {
    /// With these parts.
    pub fn new(deps: CommandDeps) -> Self {
        Self { processes: Processes::new(deps.tasks.clone(), deps.stop.clone()), deps }
    }

    /// Who is asked.
    pub fn approvals(&self) -> &Arc<Approvals> {
        &self.deps.approvals
    }

    /// Reads a command, has it approved where it must be, and starts it.
    pub(super) async fn start(
        &self,
        context: &ToolContext,
        command: String,
        workdir: Option<String>,
        streams: Streams,
    ) -> Result<Running, ToolError> {
        let (workspace, rules) = (context.workspace.clone(), context.commands.clone());
        let plan = tokio::task::spawn_blocking(move || {
            CommandPlan::read(&command, workdir.as_deref(), &workspace, &rules)
        });
        let plan = plan.await.map_err(|error| broken(&error))??;
        let plan = self.deps.approvals.clear(context, plan).await?;
        if !plan.files.is_empty() {
            let (checked, workspace) = (plan.clone(), context.workspace.clone());
            let verified = tokio::task::spawn_blocking(move || checked.verify(&workspace));
            verified.await.map_err(|error| broken(&error))??;
        }
        let engine = if plan.sandboxed { &self.deps.sandbox } else { &self.deps.host };
        let rules = &context.commands;
        let room = Room {
            workspace: context.workspace.clone(),
            hidden: rules.hidden.clone(),
            paths: rules.paths.clone(),
            hosts: rules.hosts.clone(),
            credentials: rules.credentials.clone(),
            engine: rules.engine,
            docker: rules.docker.clone(),
            limits: rules.limits,
        };
        let CommandPlan { argv, cwd, env, .. } = plan;
        let started = tokio::select! {
            biased;
            () = context.cancel.cancelled() => return Err(ToolError::Cancelled),
            started = engine.start(&room, Job { argv, cwd, env, streams }) => started,
        };
        started.map_err(|error| {
            let hint = match &error {
                SandboxError::Unavailable(_) => "; the owner can run `openclaw doctor`",
                SandboxError::NotRun(_) | SandboxError::Refused(_) => "",
            };
            ToolError::RespondToModel(format!("{error}{hint}"))
        })
    }
}

fn broken(error: &tokio::task::JoinError) -> ToolError {
    ToolError::Fatal(format!("reading a command failed: {error}"))
}
