use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::background::{Ended, Input, NotTaken, Process};
use super::bash::last_line;
use super::{Commands, keys};
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
    /// For write, submit (then Enter), paste
    data: Option<String>,
    /// For send-keys: such as Enter, C-c, Up
    keys: Option<Vec<String>>,
    /// Close the input after data
    eof: Option<bool>,
    /// For poll: wait for news
    wait_seconds: Option<u64>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Action {
    List,
    #[serde(alias = "log")]
    Poll,
    Write,
    Submit,
    Paste,
    #[serde(alias = "send_keys")]
    SendKeys,
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
            action @ (Action::Write | Action::Submit | Action::Paste | Action::SendKeys) => {
                let inputs =
                    inputs(action, &args, process.has_terminal).map_err(|why| invalid(&why))?;
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

/// What an action writes.
fn inputs(action: Action, args: &ProcessArgs, has_terminal: bool) -> Result<Vec<Input>, String> {
    let data = args.data.clone().unwrap_or_default();
    let eof = args.eof.unwrap_or_default();
    let bytes = match action {
        Action::SendKeys => {
            let keys = args.keys.as_deref().unwrap_or_default();
            let typed = keys.iter().map(|key| {
                keys::bytes(key)
                    .ok_or_else(|| format!("{key:?} is not a key; such as Enter, C-c, Up, F5, a"))
            });
            let mut all = data.into_bytes();
            all.extend(typed.collect::<Result<Vec<_>, _>>()?.concat());
            if all.is_empty() {
                return Err("keys is missing".to_owned());
            }
            all
        }
        // Programs without a terminal read lines.
        Action::Submit => format!("{data}{}", if has_terminal { "\r" } else { "\n" }).into_bytes(),
        Action::Paste if has_terminal && !data.is_empty() => {
            // An end of the paste inside it would let the rest be typed.
            let data = data.replace(PASTE_END, "");
            format!("{PASTE_BEGIN}{data}{PASTE_END}").into_bytes()
        }
        _ if data.is_empty() && !eof => return Err("data is missing".to_owned()),
        _ => data.into_bytes(),
    };
    let written = (!bytes.is_empty()).then_some(Input::Bytes(bytes));
    Ok(written.into_iter().chain(eof.then_some(Input::End)).collect())
}

/// What surrounds a pasted piece, for programs that tell it from typing.
const PASTE_BEGIN: &str = "\u{1b}[200~";
const PASTE_END: &str = "\u{1b}[201~";

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
