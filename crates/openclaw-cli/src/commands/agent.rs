use std::path::PathBuf;

use base64::Engine as _;
use clap::{Args, Subcommand, ValueEnum};
use openclaw_client::{Connect, FollowedRun, RunUpdate};
use openclaw_core::{
    AgentId, IdGen as _, RunId, RunStatus, SessionId, SessionKey, SystemIds, ThinkingLevel,
    ToolPhase,
};
use openclaw_protocol::methods::{
    AgentRunParams, AgentRunRef, AgentStatus, AgentStatusParams, AgentStop, Attachment, RunInfo,
};
use serde_json::json;

use super::client;
use crate::compose::InProcess;
use crate::context::Context;
use crate::exit::{Failure, status};
use crate::output::{Shade, harmless, one_line, table};
use crate::reach::Reach;

#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// Say something to the assistant and see its answer as it is written.
    ///
    /// Without a running gateway the turn runs in this process.
    Run(RunArguments),
    /// Show runs: where they stand and what came out.
    Status(StatusArguments),
    /// Stop a run, or everything that runs in a session.
    Stop(StopArguments),
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// What to say; `-` reads it from standard input.
    #[arg(short, long)]
    message: String,
    /// The session key, such as `agent:main:main`, or an id.
    #[arg(short, long)]
    session: Option<String>,
    /// The agent.
    #[arg(long)]
    agent: Option<AgentId>,
    /// Another model for this run, `provider/model`.
    #[arg(long)]
    model: Option<String>,
    /// How much the model thinks.
    #[arg(long)]
    thinking: Option<Thinking>,
    /// The time limit of the run in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,
    /// A file to show to the assistant; may be given several times.
    #[arg(long, value_name = "FILE")]
    attach: Vec<PathBuf>,
    /// The same key never runs twice.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<RunId>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Thinking {
    Off,
    Minimal,
    Low,
    Medium,
    High,
}

impl From<Thinking> for ThinkingLevel {
    fn from(thinking: Thinking) -> Self {
        match thinking {
            Thinking::Off => Self::Off,
            Thinking::Minimal => Self::Minimal,
            Thinking::Low => Self::Low,
            Thinking::Medium => Self::Medium,
            Thinking::High => Self::High,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    /// Only this run.
    run: Option<RunId>,
    /// Only runs of this session.
    #[arg(long)]
    session: Option<SessionKey>,
    /// At most this many, 1 to 1,000.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct StopArguments {
    /// The run.
    run: Option<RunId>,
    /// Everything that runs in this session.
    #[arg(long)]
    session: Option<SessionKey>,
}

pub(crate) fn run(context: &Context, command: AgentCommand) -> Result<(), Failure> {
    match command {
        AgentCommand::Run(arguments) => say(context, arguments),
        AgentCommand::Status(arguments) => client(context, show_status(context, arguments)),
        AgentCommand::Stop(arguments) => client(context, stop(context, arguments)),
    }
}

fn say(context: &Context, arguments: RunArguments) -> Result<(), Failure> {
    let params = params(arguments)?;
    let reach = Reach::find(context)?;
    let outcome = client(context, say_to(context, &reach, params.clone()));
    match outcome {
        Err(failure) if failure.code == "not_reachable" => {
            context.output.note("no gateway is running; the turn runs in this process");
            InProcess::run(context, async |connect: &dyn Connect| {
                say_to(context, connect, params).await
            })
        }
        other => other,
    }
}

fn params(arguments: RunArguments) -> Result<AgentRunParams, Failure> {
    let message = if arguments.message == "-" {
        std::io::read_to_string(std::io::stdin())
            .map_err(|error| Failure::failed(format!("cannot read standard input: {error}")))?
    } else {
        arguments.message
    };
    let (session_key, session_id) = match arguments.session {
        None => (None, None),
        Some(text) if text.starts_with("agent:") => (
            Some(text.parse::<SessionKey>().map_err(|error| Failure::usage(error.to_string()))?),
            None,
        ),
        Some(text) => {
            (None, Some(SessionId::new(text).map_err(|error| Failure::usage(error.to_string()))?))
        }
    };
    let key = match arguments.idempotency_key {
        Some(key) => key,
        // A key of our own lets a lost connection be repaired without a second run.
        None => {
            RunId::new(SystemIds.new_id()).map_err(|error| Failure::failed(error.to_string()))?
        }
    };
    Ok(AgentRunParams {
        message,
        session_key,
        session_id,
        agent_id: arguments.agent,
        model: arguments.model,
        thinking: arguments.thinking.map(Into::into),
        attachments: arguments.attach.iter().map(attachment).collect::<Result<_, _>>()?,
        idempotency_key: Some(key),
        timeout_seconds: arguments.timeout,
        wait: false,
    })
}

fn attachment(file: &PathBuf) -> Result<Attachment, Failure> {
    let bytes = std::fs::read(file)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", file.display())))?;
    Ok(Attachment {
        media_id: None,
        mime_type: None,
        file_name: file.file_name().map(|name| name.to_string_lossy().into_owned()),
        content_base64: Some(base64::engine::general_purpose::STANDARD.encode(bytes)),
    })
}

/// Starts the run and shows it until it ends; Ctrl-C stops it.
async fn say_to(
    context: &Context,
    connect: &dyn Connect,
    params: AgentRunParams,
) -> Result<(), Failure> {
    let mut run = FollowedRun::start(connect, params).await?;
    let mut shown = Shown::default();
    loop {
        // Cancel-safe: the update that is waited for is read again with the next call.
        let update = tokio::select! {
            update = run.next() => update?,
            interrupted = tokio::signal::ctrl_c() => {
                interrupted.map_err(|error| Failure::failed(error.to_string()))?;
                let which = AgentRunRef { run_id: Some(run.run_id().clone()), session_key: None };
                run.client().call::<AgentStop>(&which).await?;
                shown.end_line(context)?;
                return Err(Failure::interrupted());
            }
        };
        match update {
            RunUpdate::Delta(delta) if !context.output.json => {
                shown.delta(context, &delta.text, delta.reset)?
            }
            RunUpdate::Tool(tool) if !context.output.json && tool.phase == ToolPhase::Started => {
                shown.end_line(context)?;
                let arguments =
                    tool.arguments.map(|arguments| arguments.to_string()).unwrap_or_default();
                let line = format!("[{}] {}", tool.name, one_line(&arguments, 120));
                context.output.note(&context.output.paint(Shade::Dim, line));
            }
            RunUpdate::Delta(_) | RunUpdate::Tool(_) => {}
            RunUpdate::Reconnected => {
                shown.end_line(context)?;
                context.output.note("the connection to the gateway was lost and is there again");
            }
            RunUpdate::Done(done) => {
                shown.finish(context, &done.reply)?;
                if context.output.json {
                    let result = json!({
                        "run_id": run.run_id(), "session_key": run.session_key(), "status": RunStatus::Done,
                        "reply": done.reply, "usage": done.usage, "stop_reason": done.stop_reason,
                    });
                    context.output.result(&result, String::new)?;
                }
                return Ok(());
            }
            RunUpdate::Failed(error) => {
                shown.end_line(context)?;
                let failure = Failure::failed(error.message);
                return Err(match error.hint {
                    Some(hint) => failure.with_hint(hint),
                    None => failure,
                });
            }
            RunUpdate::Ended(info) => {
                shown.end_line(context)?;
                return ended(context, &info);
            }
        }
    }
}

/// What stands on the terminal of an answer that is being written.
#[derive(Default)]
struct Shown {
    text: String,
}

impl Shown {
    fn delta(&mut self, context: &Context, text: &str, reset: bool) -> Result<(), Failure> {
        if reset && !self.text.is_empty() {
            self.end_line(context)?;
            context.output.note("the model begins anew");
        }
        self.text.push_str(text);
        context.output.raw(&harmless(text))
    }

    fn end_line(&mut self, context: &Context) -> Result<(), Failure> {
        let open = !self.text.is_empty() && !self.text.ends_with('\n');
        self.text.clear();
        if open { context.output.raw("\n") } else { Ok(()) }
    }

    /// What is final wins over what was streamed.
    fn finish(&mut self, context: &Context, reply: &str) -> Result<(), Failure> {
        if context.output.json {
            return Ok(());
        }
        if self.text.is_empty() || !reply.ends_with(self.text.trim()) {
            self.end_line(context)?;
            return context.output.line(&harmless(reply));
        }
        self.end_line(context)
    }
}

fn ended(context: &Context, info: &RunInfo) -> Result<(), Failure> {
    match info.status {
        RunStatus::Done => {
            context.output.result(info, || harmless(info.reply.as_deref().unwrap_or_default()))
        }
        RunStatus::Merged => context.output.result(info, || match &info.merged_into {
            Some(run) => format!("the message joined run {run}, which answers it"),
            None => "the message joined another run".to_owned(),
        }),
        RunStatus::Timeout => {
            Err(Failure::new(status::TIMED_OUT, "timeout", "the run reached its time limit"))
        }
        RunStatus::Stopped => Err(Failure::failed("the run was stopped")),
        RunStatus::Error | RunStatus::Accepted | RunStatus::Running => {
            let error = info.error.as_ref();
            let failure =
                Failure::failed(error.map_or("the run failed", |error| error.message.as_str()));
            Err(match error.and_then(|error| error.hint.clone()) {
                Some(hint) => failure.with_hint(hint),
                None => failure,
            })
        }
    }
}

async fn show_status(context: &Context, arguments: StatusArguments) -> Result<(), Failure> {
    let client = Reach::find(context)?.client().await?;
    let params = AgentStatusParams {
        run_id: arguments.run,
        session_key: arguments.session,
        limit: Some(arguments.limit),
    };
    let result = client.call::<AgentStatus>(&params).await?;
    context.output.result(&result, || {
        if result.runs.is_empty() {
            return "no runs yet".to_owned();
        }
        let rows: Vec<Vec<String>> = result
            .runs
            .iter()
            .map(|run| {
                let came_out = run
                    .error
                    .as_ref()
                    .map(|error| error.message.clone())
                    .or_else(|| run.reply.clone());
                vec![
                    run.run_id.to_string(),
                    run.status.as_str().to_owned(),
                    run.session_key.to_string(),
                    run.created_at.to_string(),
                    one_line(&came_out.unwrap_or_default(), 60),
                ]
            })
            .collect();
        table(&["RUN", "STATUS", "SESSION", "ACCEPTED", "RESULT"], &rows)
    })
}

async fn stop(context: &Context, arguments: StopArguments) -> Result<(), Failure> {
    let client = Reach::find(context)?.client().await?;
    let which = AgentRunRef { run_id: arguments.run, session_key: arguments.session };
    let result = client.call::<AgentStop>(&which).await?;
    context.output.result(&result, || {
        if result.stopped { "stopped".to_owned() } else { "nothing was running".to_owned() }
    })
}
