use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use super::Commands;
use super::output::{Captured, Decoder};
use crate::sandbox::{Ending, Running, Streams};
use crate::{Tool, ToolContext, ToolError, ToolOutput};

/// The most output that clients are shown while a command runs.
const MOST_SHOWN: usize = 256 * 1024;

/// How long what a command printed last is waited for.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

/// `bash`: runs a command.
#[derive(Debug)]
pub struct BashTool {
    commands: Arc<Commands>,
}

/// Arguments of `bash`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BashArgs {
    command: String,
    /// Relative to the workspace
    workdir: Option<String>,
    timeout_seconds: Option<u64>,
    /// Return at once; see process
    background: Option<bool>,
    /// With a terminal
    pty: Option<bool>,
}

impl BashTool {
    /// A tool that shares its processes with `process`.
    pub fn new(commands: Arc<Commands>) -> Self {
        Self { commands }
    }
}

#[async_trait]
impl Tool for BashTool {
    type Args = BashArgs;

    const NAME: &'static str = "bash";
    const DESCRIPTION: &'static str =
        "Run a command in the workspace. Its processes end with it; for a server use background.";
    const ALIASES: &'static [(&'static str, &'static str)] =
        &[("cmd", "command"), ("timeout", "timeout_seconds"), ("cwd", "workdir")];

    async fn call(&self, context: &ToolContext, args: BashArgs) -> Result<ToolOutput, ToolError> {
        let BashArgs { command, workdir, timeout_seconds, background, pty } = args;
        let is_background = background.unwrap_or_default();
        let streams = match (pty.unwrap_or_default(), is_background) {
            (true, _) => Streams::Terminal,
            (false, true) => Streams::Piped,
            (false, false) => Streams::OutputOnly,
        };
        let most = context.commands.timeout;
        let asked = timeout_seconds.map(|seconds| Duration::from_secs(seconds.max(1)));
        let shown = command.clone();
        let processes = &self.commands.processes;
        let slot = is_background.then(|| processes.reserve(&context.session_key)).transpose()?;
        let running = self.commands.start(context, command, workdir, streams).await?;
        if let Some(slot) = slot {
            // Only what was asked for: a server may run for longer than a command.
            let id = processes.add(slot, (shown, streams), running, asked);
            return Ok(ToolOutput::text(format!("runs in the background as process {id}")));
        }
        foreground(context, running, asked.unwrap_or(most).min(most)).await
    }
}

async fn foreground(
    context: &ToolContext,
    running: Running,
    limit: Duration,
) -> Result<ToolOutput, ToolError> {
    let Running { mut output, input: _input, mut ending, .. } = running;
    let (mut captured, mut shown) = (Captured::default(), Shown::default());
    let mut buffer = vec![0; 16 * 1024];
    let until = Instant::now() + limit;
    let mut is_open = true;
    let ended = loop {
        tokio::select! {
            biased;
            () = context.cancel.cancelled() => return Err(ToolError::Cancelled),
            () = tokio::time::sleep_until(until) => break None,
            ending = &mut ending => break Some(ending),
            read = output.read(&mut buffer), if is_open => match read {
                Ok(0) => is_open = false,
                Ok(read) => {
                    captured.push(&buffer[..read]);
                    shown.push(context, &buffer[..read]);
                }
                Err(error) => {
                    tracing::warn!(%error, "the output of a command cannot be read");
                    is_open = false;
                }
            },
        }
    };
    // Without it nothing of the command goes on.
    drop(ending);
    let rest = async {
        while is_open {
            match output.read(&mut buffer).await {
                Ok(0) | Err(_) => is_open = false,
                Ok(read) => captured.push(&buffer[..read]),
            }
        }
    };
    if tokio::time::timeout(DRAIN_LIMIT, rest).await.is_err() {
        tracing::debug!("a command's output was still held open after its end");
    }
    let line = match ended {
        None => "[timed out]".to_owned(),
        Some(ending) => last_line(&ending)?,
    };
    Ok(ToolOutput::text(captured.result(&line)))
}

/// How a command ended, as the model is told.
pub(super) fn last_line(ending: &Ending) -> Result<String, ToolError> {
    Ok(match ending {
        Ending::Code(code) => format!("[exit {code}]"),
        // As a shell would say it.
        Ending::Signal(signal) => format!("[exit {}]", 128 + signal),
        Ending::OutOfMemory => "[killed: memory]".to_owned(),
        Ending::TooManyProcesses => "[killed: processes]".to_owned(),
        Ending::Broken(reason) => {
            let message =
                format!("the command was lost: {reason}; it may or may not have taken effect");
            return Err(ToolError::RespondToModel(message));
        }
    })
}

/// Shows output to whoever watches, up to a limit.
#[derive(Debug, Default)]
struct Shown {
    decoder: Decoder,
    bytes: usize,
}

impl Shown {
    fn push(&mut self, context: &ToolContext, bytes: &[u8]) {
        if self.bytes >= MOST_SHOWN {
            return;
        }
        self.bytes += bytes.len();
        let text = self.decoder.push(bytes);
        if !text.is_empty() {
            (context.output)(&text);
        }
        if self.bytes >= MOST_SHOWN {
            (context.output)("\n[… more is not shown while it runs …]\n");
        }
    }
}
