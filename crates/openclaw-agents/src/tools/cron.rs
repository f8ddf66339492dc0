use std::sync::Arc;

use async_trait::async_trait;
use openclaw_core::{ChatKind, JobId};
use openclaw_sessions::is_configured_owner;
use openclaw_storage::rows::{HOOKS, InboxRow};
use openclaw_tools::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::schedule::{
    JobOrigin, JobPatch, Jobs, PayloadPatch, RunAsked, Schedule, ScheduleError, WakeAt,
    typescript_job,
};

const MOST_RUNS: u32 = 20;

/// `cron`: makes and keeps the jobs that run at some time.
#[derive(Debug)]
pub struct CronTool {
    jobs: Arc<Jobs>,
}

impl CronTool {
    /// Over these jobs.
    pub fn new(jobs: Arc<Jobs>) -> Self {
        Self { jobs }
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum CronAction {
    Status,
    List,
    Add,
    Update,
    Remove,
    Run,
    Runs,
    Wake,
}

/// Arguments of `cron`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CronArgs {
    action: CronAction,
    /// for add: {name, schedule: {kind: "at", at} | {kind: "every", everyMs} | {kind: "cron", expr, tz}, payload: {kind: "agentTurn", message} | {kind: "systemEvent", text}, delivery?: {mode: "announce" | "webhook" | "none", channel, to}, deleteAfterRun?, catchUp?: "skip" | "once" | "all"}
    job: Option<Map<String, Value>>,
    /// for update, remove, run, runs
    job_id: Option<String>,
    /// for update: what changes, in the form of job
    patch: Option<Map<String, Value>>,
    /// for wake: what the main session is told
    text: Option<String>,
    /// for wake: now or next-heartbeat
    mode: Option<String>,
    /// for run: force or due
    run_mode: Option<String>,
}

/// In whose name a call is made.
struct Asker {
    /// Whose rights the jobs made have; the owner's programs' where `None`.
    origin: Option<JobOrigin>,
    is_owner: bool,
}

impl Asker {
    /// What may be seen and changed: by the owner everything, by others what they made.
    fn sees(&self) -> Option<&JobOrigin> {
        self.origin.as_ref().filter(|_| !self.is_owner)
    }
}

#[async_trait]
impl Tool for CronTool {
    type Args = CronArgs;

    const NAME: &'static str = "cron";

    const DESCRIPTION: &'static str = "Reminders and recurring jobs. add makes one that runs once (at: ISO 8601 or such as \"20m\"), every so often, or by a cron expression; an agentTurn runs you with the message in a session of its own and its answer is sent to the chat, a systemEvent is told to the main session. Write messages that need no other context.";

    const ALIASES: &'static [(&'static str, &'static str)] =
        &[("jobId", "job_id"), ("id", "job_id"), ("runMode", "run_mode")];

    async fn call(&self, context: &ToolContext, args: CronArgs) -> Result<ToolOutput, ToolError> {
        let asker = self.asker(context).await?;
        let told = match args.action {
            CronAction::Status => self.status().await?,
            CronAction::List => {
                let jobs = self.jobs.list(asker.sees()).await.map_err(told)?;
                json!({ "jobs": jobs.iter().map(typescript_job).collect::<Vec<_>>() })
            }
            CronAction::Add => self.add(context, &asker, args.job).await?,
            CronAction::Update => {
                let id = job_id(args.job_id.as_deref())?;
                let patch = args.patch.or(args.job).ok_or_else(|| missing("patch"))?;
                let patch = JobPatch::read(&patch, self.jobs.now(), self.jobs.zone());
                let patch = patch.map_err(told)?;
                self.same_agent(context, &patch)?;
                let job = match asker.sees() {
                    // What the owner changes keeps the rights it has.
                    None => self.jobs.update(&id, &patch, None).await,
                    Some(by) => self.jobs.update(&id, &patch, Some(by)).await,
                };
                typescript_job(&job.map_err(told)?)
            }
            CronAction::Remove => {
                let id = job_id(args.job_id.as_deref())?;
                self.jobs.remove(&id, asker.sees()).await.map_err(told)?;
                json!({ "removed": id })
            }
            CronAction::Run => {
                let id = job_id(args.job_id.as_deref())?;
                let only_if_due = args.run_mode.as_deref() == Some("due");
                let asked =
                    self.jobs.ask_run(&id, only_if_due, asker.sees()).await.map_err(told)?;
                match asked {
                    RunAsked::Begins { .. } => json!({ "ran": true }),
                    RunAsked::AlreadyRunning => {
                        json!({ "ran": false, "reason": "already running" })
                    }
                    RunAsked::NotDue => json!({ "ran": false, "reason": "not due" }),
                }
            }
            CronAction::Runs => {
                let id = job_id(args.job_id.as_deref())?;
                self.jobs.find(&id, asker.sees()).await.map_err(told)?;
                let runs = self.jobs.runs(&id, MOST_RUNS).await.map_err(told)?;
                let runs: Vec<Value> = runs
                    .iter()
                    .map(|run| {
                        json!({ "due": run.slot, "status": run.status.as_str(), "details": run.data })
                    })
                    .collect();
                json!({ "runs": runs })
            }
            CronAction::Wake => self.wake(context, &asker, args.text, args.mode.as_deref()).await?,
        };
        Ok(ToolOutput::text(told.to_string()))
    }
}

impl CronTool {
    async fn status(&self) -> Result<Value, ToolError> {
        let status = self.jobs.status().await.map_err(told)?;
        let is_on = self.jobs.config().is_none_or(|config| config.cron.enabled);
        Ok(json!({
            "enabled": is_on,
            "jobs": status.jobs,
            "failing": status.failing,
            "next": status.next_due_at,
            "now": self.jobs.now(),
        }))
    }

    async fn add(
        &self,
        context: &ToolContext,
        asker: &Asker,
        job: Option<Map<String, Value>>,
    ) -> Result<Value, ToolError> {
        let job = job.ok_or_else(|| missing("job"))?;
        let mut new = JobPatch::read(&job, self.jobs.now(), self.jobs.zone()).map_err(told)?;
        self.same_agent(context, &new)?;
        new.agent_id = Some(Some(context.agent_id.clone()));
        let job = self.jobs.add(new, asker.origin.clone()).await.map_err(told)?;
        Ok(typescript_job(&job))
    }

    /// Tells the main session, by a job that is due at once.
    async fn wake(
        &self,
        context: &ToolContext,
        asker: &Asker,
        text: Option<String>,
        mode: Option<&str>,
    ) -> Result<Value, ToolError> {
        let text = text.filter(|text| !text.trim().is_empty()).ok_or_else(|| missing("text"))?;
        let wake = match mode {
            None | Some("next-heartbeat" | "next_heartbeat") => WakeAt::NextHeartbeat,
            Some("now") => WakeAt::Now,
            Some(_) => {
                let message = "mode must be now or next-heartbeat";
                return Err(ToolError::RespondToModel(message.to_owned()));
            }
        };
        let new = JobPatch {
            agent_id: Some(Some(context.agent_id.clone())),
            schedule: Some(Schedule::At { at: self.jobs.now() }),
            wake: Some(wake),
            payload: Some(PayloadPatch {
                is_event: Some(true),
                text: Some(text),
                ..PayloadPatch::default()
            }),
            ..JobPatch::default()
        };
        self.jobs.add(new, asker.origin.clone()).await.map_err(told)?;
        Ok(json!({ "ok": true }))
    }

    /// A session's jobs are its own agent's.
    fn same_agent(&self, context: &ToolContext, patch: &JobPatch) -> Result<(), ToolError> {
        match &patch.agent_id {
            Some(Some(agent)) if *agent != context.agent_id => {
                let message = format!("jobs made here belong to the agent {}", context.agent_id);
                Err(ToolError::RespondToModel(message))
            }
            _ => Ok(()),
        }
    }

    /// Who asks: in a group only the owner may, and what a webhook says asks for nothing.
    async fn asker(&self, context: &ToolContext) -> Result<Asker, ToolError> {
        let Some(run_id) = &context.run_id else {
            return Ok(Asker { origin: None, is_owner: true });
        };
        let row = self.jobs.storage().input_by_run(run_id).await;
        let row = row.map_err(|error| ToolError::Fatal(error.to_string()))?;
        let Some(row) = row else {
            return Err(ToolError::RespondToModel("the run that asks is gone".to_owned()));
        };
        if row.principal == HOOKS {
            let message = "a webhook's message makes no jobs; ask the owner";
            return Err(ToolError::RespondToModel(message.to_owned()));
        }
        if row.is_of_own_program() {
            return Ok(Asker { origin: None, is_owner: true });
        }
        let is_owner = self.is_owner(&row).await?;
        if row.inbound.conversation.kind != ChatKind::Direct && !is_owner {
            let message = "in a group only the owner can use cron";
            return Err(ToolError::RespondToModel(message.to_owned()));
        }
        let origin = JobOrigin {
            session_key: context.session_key.clone(),
            channel_id: row.inbound.conversation.channel_id.clone(),
            sender: Some(row.inbound.sender.id.clone()),
        };
        Ok(Asker { origin: Some(origin), is_owner })
    }

    async fn is_owner(&self, row: &InboxRow) -> Result<bool, ToolError> {
        let inbound = &row.inbound;
        let config = self.jobs.config();
        if config.is_some_and(|config| is_configured_owner(&config.session, inbound)) {
            return Ok(true);
        }
        let channel = &inbound.conversation.channel_id;
        let pairing = self.jobs.storage().pairing(channel, &inbound.sender.id).await;
        let pairing = pairing.map_err(|error| ToolError::Fatal(error.to_string()))?;
        Ok(pairing.is_some_and(|pairing| pairing.is_owner))
    }
}

fn job_id(id: Option<&str>) -> Result<JobId, ToolError> {
    let id = id.ok_or_else(|| missing("job_id"))?;
    JobId::new(id).map_err(|error| ToolError::RespondToModel(error.to_string()))
}

fn missing(name: &str) -> ToolError {
    ToolError::RespondToModel(format!("{name} is missing"))
}

fn told(error: ScheduleError) -> ToolError {
    match error {
        ScheduleError::Storage(source) => ToolError::Fatal(source.to_string()),
        other => ToolError::RespondToModel(other.to_string()),
    }
}
