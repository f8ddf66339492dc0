use clap::{Args, Subcommand};
use openclaw_core::{JobId, parse_duration, write_duration};
use openclaw_protocol::methods::{
    CronAdd, CronJob, CronJobParams, CronList, CronListParams, CronRemove, CronRun, CronRunParams,
    CronRunReceipt, CronRuns, CronRunsParams, CronSchedule, CronStatus, CronUpdate,
    CronUpdateParams, NoParams,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::exit::Failure;
use crate::output::{harmless, one_line, table};
use crate::reach::Reach;

#[derive(Debug, Subcommand)]
pub(crate) enum CronCommand {
    /// Show whether jobs run, how many fail, and when the next is due.
    Status,
    /// List the jobs.
    List,
    /// Make a job.
    #[command(alias = "create")]
    Add(Box<AddArguments>),
    /// Change a job; what is not given stays.
    Edit(Box<EditArguments>),
    /// Remove a job.
    #[command(alias = "remove")]
    Rm(JobArguments),
    /// Let a job run by itself.
    Enable(JobArguments),
    /// Keep a job from running by itself.
    Disable(JobArguments),
    /// Show what became of a job's runs, the newest first.
    Runs(RunsArguments),
    /// Run a job at once.
    Run(RunArguments),
}

#[derive(Debug, Args)]
pub(crate) struct JobArguments {
    /// The id that `cron list` shows.
    id: JobId,
}

#[derive(Debug, Args)]
pub(crate) struct RunsArguments {
    /// The id that `cron list` shows.
    #[arg(long)]
    id: JobId,
    /// At most this many.
    #[arg(long, default_value_t = 50)]
    limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// The id that `cron list` shows.
    id: JobId,
    /// Only if it is due.
    #[arg(long)]
    due: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AddArguments {
    #[command(flatten)]
    what: What,
    /// Make it without letting it run by itself.
    #[arg(long)]
    disabled: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EditArguments {
    /// The id that `cron list` shows.
    id: JobId,
    #[command(flatten)]
    what: What,
    /// Let it run by itself.
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Keep it from running by itself.
    #[arg(long)]
    disable: bool,
    /// Give it to the default agent.
    #[arg(long, conflicts_with = "agent")]
    clear_agent: bool,
    /// Count a run as failed when its answer could not be sent.
    #[arg(long, conflicts_with = "best_effort_deliver")]
    no_best_effort_deliver: bool,
}

#[derive(Debug, Args)]
struct What {
    /// A name for people.
    #[arg(long)]
    name: Option<String>,
    /// More for people.
    #[arg(long)]
    description: Option<String>,
    /// The agent.
    #[arg(long)]
    agent: Option<String>,
    /// Once, at this moment: 2026-03-01T08:00, with or without a zone, or from now: 20m.
    #[arg(long, value_name = "WHEN", group = "schedule")]
    at: Option<String>,
    /// Again and again, so far apart: 30m, 1d.
    #[arg(long, value_name = "DURATION", group = "schedule")]
    every: Option<String>,
    /// As a cron expression says: 5 fields, or 6 with seconds first.
    #[arg(long, value_name = "EXPRESSION", group = "schedule")]
    cron: Option<String>,
    /// The IANA time zone of the cron expression, such as Europe/Berlin.
    #[arg(long, requires = "cron")]
    tz: Option<String>,
    /// Run up to so much later, always by the same.
    #[arg(long, requires = "cron", value_name = "DURATION")]
    stagger: Option<String>,
    /// Run exactly at the time of the expression.
    #[arg(long, conflicts_with = "stagger")]
    exact: bool,
    /// The message to the agent, in a session of its own.
    #[arg(long, group = "payload")]
    message: Option<String>,
    /// An event for the agent's main session.
    #[arg(long, value_name = "TEXT", group = "payload")]
    system_event: Option<String>,
    /// main or isolated; follows from what is said.
    #[arg(long, value_name = "TARGET")]
    session: Option<String>,
    /// When the main session heeds an event: now or next-heartbeat.
    #[arg(long, value_name = "MODE")]
    wake: Option<String>,
    /// provider/model.
    #[arg(long)]
    model: Option<String>,
    /// off, minimal, low, medium or high.
    #[arg(long)]
    thinking: Option<String>,
    /// The time limit of a run.
    #[arg(long, value_name = "N")]
    timeout_seconds: Option<u64>,
    /// Send the answer to a chat.
    #[arg(long, alias = "deliver", group = "delivery")]
    announce: bool,
    /// Keep the answer in its session.
    #[arg(long, group = "delivery")]
    no_deliver: bool,
    /// Post the answer to this URL.
    #[arg(long, value_name = "URL", group = "delivery", conflicts_with = "to")]
    webhook: Option<String>,
    /// The channel to send through; last is where you were last.
    #[arg(long)]
    channel: Option<String>,
    /// The chat to send to.
    #[arg(long, value_name = "CHAT")]
    to: Option<String>,
    /// Count a run as ended well although its answer could not be sent.
    #[arg(long)]
    best_effort_deliver: bool,
    /// Remove the job once it has ended well; usual for --at.
    #[arg(long, conflicts_with = "keep_after_run")]
    delete_after_run: bool,
    /// Keep the job once it has ended.
    #[arg(long)]
    keep_after_run: bool,
    /// What to do about moments that were missed: skip, once or all.
    #[arg(long, value_name = "POLICY")]
    catch_up: Option<String>,
}

pub(crate) async fn run(context: &Context, command: CronCommand) -> Result<(), Failure> {
    let client = Reach::find(context)?.client().await?;
    let output = &context.output;
    match command {
        CronCommand::Status => {
            let status = client.call::<CronStatus>(&NoParams {}).await?;
            output.result(&status, || {
                let word = if status.enabled {
                    "jobs run"
                } else {
                    "jobs do not run: cron.enabled is false"
                };
                let next =
                    status.next_due_at.map_or_else(|| "none".to_owned(), |at| at.to_string());
                format!(
                    "{word}\njobs      {}\nfailing   {}\nnext due  {next}\n",
                    status.jobs, status.failing
                )
            })
        }
        CronCommand::List => {
            let result = client.call::<CronList>(&CronListParams::default()).await?;
            output.result(&result, || listed(&result.jobs))
        }
        CronCommand::Add(arguments) => {
            let mut asked = arguments.what.asked()?;
            if arguments.disabled {
                asked.insert("enabled".to_owned(), json!(false));
            }
            for key in ["schedule", "payload"] {
                if !asked.contains_key(key) {
                    return Err(Failure::usage(match key {
                        "schedule" => "say when: --at, --every or --cron",
                        _ => "say what: --message or --system-event",
                    }));
                }
            }
            let job = client.call::<CronAdd>(&typed(asked)?).await?;
            output.result(&job, || format!("made {}\n{}", job.id, one(&job)))
        }
        CronCommand::Edit(arguments) => {
            let mut patch = arguments.what.asked()?;
            if arguments.enable || arguments.disable {
                patch.insert("enabled".to_owned(), json!(arguments.enable));
            }
            if arguments.clear_agent {
                patch.insert("agent_id".to_owned(), json!(""));
            }
            if arguments.no_best_effort_deliver {
                let delivery = patch.entry("delivery").or_insert_with(|| json!({}));
                delivery["best_effort"] = json!(false);
            }
            let params = CronUpdateParams { job_id: arguments.id, patch: typed(patch)? };
            let job = client.call::<CronUpdate>(&params).await?;
            output.result(&job, || format!("changed {}\n{}", job.id, one(&job)))
        }
        CronCommand::Rm(arguments) => {
            let params = CronJobParams { job_id: arguments.id };
            let result = client.call::<CronRemove>(&params).await?;
            output.result(&result, || format!("removed {}", params.job_id))
        }
        CronCommand::Enable(arguments) => switch(context, &client, arguments.id, true).await,
        CronCommand::Disable(arguments) => switch(context, &client, arguments.id, false).await,
        CronCommand::Runs(arguments) => {
            let params = CronRunsParams { job_id: arguments.id, limit: Some(arguments.limit) };
            let result = client.call::<CronRuns>(&params).await?;
            output.result(&result, || receipts(&result.runs))
        }
        CronCommand::Run(arguments) => {
            let only_if_due = Some(arguments.due);
            let params = CronRunParams { job_id: arguments.id, only_if_due };
            let result = client.call::<CronRun>(&params).await?;
            output.result(&result, || match (&result.run_id, &result.reason) {
                (Some(run), _) => format!("run {run}"),
                (None, Some(reason)) => format!("not run: {}", reason.replace('_', " ")),
                (None, None) => "it is run".to_owned(),
            })
        }
    }
}

async fn switch(
    context: &Context,
    client: &openclaw_client::Client,
    job_id: JobId,
    on: bool,
) -> Result<(), Failure> {
    let mut patch = Map::new();
    patch.insert("enabled".to_owned(), json!(on));
    let params = CronUpdateParams { job_id, patch: typed(patch)? };
    let job = client.call::<CronUpdate>(&params).await?;
    let word = if on { "runs by itself" } else { "does not run by itself" };
    context.output.result(&job, || format!("{} {word}\n{}", job.id, one(&job)))
}

fn typed<T: DeserializeOwned>(asked: Map<String, Value>) -> Result<T, Failure> {
    serde_json::from_value(Value::Object(asked))
        .map_err(|error| Failure::usage(format!("the job cannot be asked for so: {error}")))
}

impl What {
    fn asked(self) -> Result<Map<String, Value>, Failure> {
        let mut asked = Map::new();
        let mut set = |name: &str, value: Value| {
            if !value.is_null() {
                asked.insert(name.to_owned(), value);
            }
        };
        let schedule = self.schedule()?;
        set("schedule", json!(schedule));
        set("name", json!(self.name));
        set("description", json!(self.description));
        set("agent_id", json!(self.agent));
        set("session_target", json!(self.session));
        set("wake_mode", json!(self.wake.map(|mode| mode.replace('-', "_"))));
        set("catch_up", json!(self.catch_up));
        if self.delete_after_run || self.keep_after_run {
            set("delete_after_run", json!(self.delete_after_run));
        }
        let mut payload = Map::new();
        let mut say = |name: &str, value: Value| {
            if !value.is_null() {
                payload.insert(name.to_owned(), value);
            }
        };
        if self.message.is_some() {
            say("kind", json!("agent_turn"));
        } else if self.system_event.is_some() {
            say("kind", json!("system_event"));
        }
        say("message", json!(self.message));
        say("text", json!(self.system_event));
        say("model", json!(self.model));
        say("thinking", json!(self.thinking));
        say("timeout_seconds", json!(self.timeout_seconds));
        if !payload.is_empty() {
            set("payload", Value::Object(payload));
        }
        let mode = match (&self.webhook, self.no_deliver) {
            (Some(_), _) => Some("webhook"),
            (None, true) => Some("none"),
            (None, false) => {
                let sends = self.announce || self.channel.is_some() || self.to.is_some();
                sends.then_some("announce")
            }
        };
        let mut delivery = Map::new();
        let mut send = |name: &str, value: Value| {
            if !value.is_null() {
                delivery.insert(name.to_owned(), value);
            }
        };
        send("mode", json!(mode));
        send("channel", json!(self.channel));
        send("to", json!(self.webhook.or(self.to)));
        send("best_effort", json!(self.best_effort_deliver.then_some(true)));
        if !delivery.is_empty() {
            set("delivery", Value::Object(delivery));
        }
        Ok(asked)
    }

    fn schedule(&self) -> Result<Option<CronSchedule>, Failure> {
        let duration = |name: &str, text: &str| {
            parse_duration(text).ok_or_else(|| {
                Failure::usage(format!(
                    "--{name}: {text:?} is no duration; write such as 30m or 1d"
                ))
            })
        };
        if let Some(at) = &self.at {
            let now = openclaw_core::Clock::now(&openclaw_core::SystemClock);
            let zone = jiff::tz::TimeZone::system();
            let at = openclaw_agents::schedule::parse_moment(at, now, &zone).ok_or_else(|| {
                Failure::usage(format!(
                    "--at: {at:?} is no moment; write such as 2026-03-01T08:00 or 20m"
                ))
            })?;
            return Ok(Some(CronSchedule::At { at }));
        }
        if let Some(every) = &self.every {
            let every_ms = duration("every", every)?;
            return Ok(Some(CronSchedule::Every { every_ms, anchor: None }));
        }
        let Some(expr) = self.cron.clone() else { return Ok(None) };
        let stagger_ms =
            self.stagger.as_deref().map(|text| duration("stagger", text)).transpose()?;
        let stagger_ms = if self.exact { Some(0) } else { stagger_ms };
        Ok(Some(CronSchedule::Cron { expr, tz: self.tz.clone(), stagger_ms }))
    }
}

fn when(schedule: &CronSchedule) -> String {
    match schedule {
        CronSchedule::At { at } => format!("at {at}"),
        CronSchedule::Every { every_ms, .. } => format!("every {}", write_duration(*every_ms)),
        CronSchedule::Cron { expr, tz: Some(tz), .. } => format!("{expr} ({tz})"),
        CronSchedule::Cron { expr, tz: None, .. } => expr.clone(),
    }
}

fn standing(job: &CronJob) -> String {
    let state = &job.state;
    match (&state.disabled_reason, job.enabled) {
        _ if state.is_running => "running".to_owned(),
        (Some(reason), false) => format!("off: {reason}"),
        (None, false) => "off".to_owned(),
        _ => state.last_status.clone().unwrap_or_else(|| "new".to_owned()),
    }
}

fn listed(jobs: &[CronJob]) -> String {
    if jobs.is_empty() {
        return "no jobs; `openclaw cron add` makes one\n".to_owned();
    }
    let rows: Vec<Vec<String>> = jobs
        .iter()
        .map(|job| {
            vec![
                job.id.to_string(),
                one_line(&job.name, 30),
                one_line(&when(&job.schedule), 40),
                job.state.next_run_at.map_or_else(|| "-".to_owned(), |at| at.to_string()),
                one_line(&standing(job), 40),
            ]
        })
        .collect();
    table(&["ID", "NAME", "WHEN", "NEXT", "LAST"], &rows)
}

fn one(job: &CronJob) -> String {
    let next = job.state.next_run_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    format!(
        "    {}\n    {}, next {next}\n",
        one_line(&job.name, 60),
        harmless(&when(&job.schedule))
    )
}

fn receipts(runs: &[CronRunReceipt]) -> String {
    if runs.is_empty() {
        return "it has not run yet\n".to_owned();
    }
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|run| {
            let told = run.error.as_ref().or(run.summary.as_ref()).cloned().unwrap_or_default();
            let missed =
                if run.missed > 0 { format!(" ({} missed)", run.missed) } else { String::new() };
            vec![
                run.slot.to_string(),
                format!("{}{missed}", run.status),
                run.trigger.clone(),
                one_line(run.delivery.as_deref().unwrap_or("-"), 30),
                one_line(&told, 60),
            ]
        })
        .collect();
    table(&["DUE", "STATUS", "WHY", "DELIVERY", "RESULT"], &rows)
}
