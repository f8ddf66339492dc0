use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Commands;
use super::background::{Ended, Input, NotTaken, Process};
use super::bash::last_line;
use crate::{Tool, ToolContext, ToolError, ToolOutput};

/// The longest a look waits for news.
const LONGEST_WAIT: u64 = 60;

/// `process`: looks after what `bash` started in the background.
#[derive(Debug)]
pub struct ProcessTool {
    commands: Arc<Commands>,
}

/// Arguments of `process`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessArgs {
    action: Action,
    id: Option<u32>,
    /// For write
    data: Option<String>,
    /// Close the input after data
    eof: Option<bool>,
    /// For poll: wait for news
    wait_seconds: Option<u64>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    List,
    #[serde(alias = "log")]
    Poll,
    #[serde(alias = "submit", alias = "paste")]
    Write,
    Kill,
    #[serde(alias = "clear")]
    Remove,
}

impl ProcessTool {
    /// A tool that shares its processes with `bash`.
    pub fn new(commands: Arc<Commands>) -> Self {
        Self { commands }
    }
}

#[async_trait]
impl Tool for ProcessTool {
    type Args = ProcessArgs;

    const NAME: &'static str = "process";
    const DESCRIPTION: &'static str =
        "See new output of background commands, write to them, end them.";
    const ALIASES: &'static [(&'static str, &'static str)] = &[
        ("sessionId", "id"),
        ("session_id", "id"),
        ("timeout", "wait_seconds"),
        ("input", "data"),
    ];

    async fn call(
        &self,
        context: &ToolContext,
        args: ProcessArgs,
    ) -> Result<ToolOutput, ToolError> {
        let processes = &self.commands.processes;
        if matches!(args.action, Action::List) {
            let all = processes.of(&context.session_key);
            let lines: Vec<String> = all.iter().map(|process| line(process)).collect();
            let text = if lines.is_empty() { "no processes".to_owned() } else { lines.join("\n") };
            return Ok(ToolOutput::text(text));
        }
        let invalid = |message: &str| ToolError::InvalidArguments {
            tool: Self::NAME.to_owned(),
            message: message.to_owned(),
        };
        let id = args.id.ok_or_else(|| invalid("id is missing"))?;
        let process = processes.find(&context.session_key, id).ok_or_else(|| {
            ToolError::RespondToModel(format!(
                "there is no process {id}; list shows those there are"
            ))
        })?;
        match args.action {
            Action::List | Action::Poll => {
                let wait = args.wait_seconds.unwrap_or_default().min(LONGEST_WAIT);
                poll(context, &process, Duration::from_secs(wait)).await
            }
            Action::Write => {
                let data = args.data.unwrap_or_default();
                let eof = args.eof.unwrap_or_default();
                if data.is_empty() && !eof {
                    return Err(invalid("data is missing"));
                }
                let mut inputs = Vec::new();
                if !data.is_empty() {
                    inputs.push(Input::Bytes(data.into_bytes()));
                }
                if eof {
                    inputs.push(Input::End);
                }
                let message = match process.write(inputs) {
                    Ok(()) => return Ok(ToolOutput::text("written")),
                    Err(NotTaken::Closed) => format!("process {id} takes no input any more"),
                    Err(NotTaken::Full) => format!(
                        "not written: process {id} has not read what it was sent before; try again later"
                    ),
                };
                Err(ToolError::RespondToModel(message))
            }
            Action::Kill => {
                process.kill();
                poll(context, &process, Duration::from_secs(5)).await
            }
            Action::Remove => {
                process.kill();
                let last = poll(context, &process, Duration::from_secs(5)).await;
                processes.forget(&context.session_key, &process);
                last
            }
        }
    }
}

async fn poll(
    context: &ToolContext,
    process: &Process,
    wait: Duration,
) -> Result<ToolOutput, ToolError> {
    let changed = async {
        loop {
            let notified = process.changed.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if process.has_news() {
                break;
            }
            notified.await;
        }
    };
    tokio::select! {
        biased;
        () = context.cancel.cancelled() => return Err(ToolError::Cancelled),
        () = changed => {}
        () = tokio::time::sleep(wait) => {}
    }
    let mut text = process.news();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&standing(process));
    Ok(ToolOutput::text(text))
}

fn standing(process: &Process) -> String {
    match process.ended() {
        None => "[running]".to_owned(),
        Some(Ended::Killed) => "[killed]".to_owned(),
        Some(Ended::TimedOut) => "[timed out]".to_owned(),
        Some(Ended::ByItself(ending)) => {
            last_line(&ending).unwrap_or_else(|error| error.to_string())
        }
    }
}

fn line(process: &Process) -> String {
    let command: String = process.command.chars().take(80).collect();
    let seconds = process.began.elapsed().as_secs();
    format!("{} {} {seconds}s {}", process.id, standing(process), command.replace('\n', " "))
}
