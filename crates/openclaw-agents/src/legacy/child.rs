//! One child process that speaks Pi's RPC mode.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, BytesMut};
use openclaw_core::Secret;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_util::task::TaskTracker;

use super::error::PiError;
use super::home::KEY_VARIABLE;
use super::wire::PiEvent;

/// The longest line that is read: Pi repeats what was said so far with every part of it.
const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// What is kept of its standard error.
const LONGEST_COMPLAINT: usize = 4 * 1024;

/// How a child is started; one with another start is started anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) command: Vec<String>,
    pub(super) home: PathBuf,
    pub(super) workspace: PathBuf,
    pub(super) search_path: Option<String>,
    pub(super) key: Option<Secret>,
}

/// A running child. Ends with all its processes when it is dropped.
#[derive(Debug)]
pub(super) struct PiChild {
    pub(super) start: Start,
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    /// What was read and is no whole line yet.
    read: BytesMut,
    /// How much of it holds no end of a line.
    looked_at: usize,
    complaints: Arc<Mutex<Vec<u8>>>,
}

impl PiChild {
    /// Starts it, with an environment of what it needs and nothing else.
    pub(super) fn start(start: Start, tasks: &TaskTracker) -> Result<Self, PiError> {
        let program = start.command.first().cloned().unwrap_or_default();
        let mut command = Command::new(&program);
        command
            .args(&start.command[1.min(start.command.len())..])
            .current_dir(&start.workspace)
            .env_clear()
            .env("HOME", &start.home)
            .env("PI_CODING_AGENT_DIR", &start.home)
            .env("PI_OFFLINE", "1")
            .env("PI_SKIP_VERSION_CHECK", "1")
            .env("PI_TELEMETRY", "0")
            .env("LANG", "C.UTF-8")
            .env("TERM", "dumb")
            .env(KEY_VARIABLE, start.key.as_ref().map_or("none", |key| key.expose()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(path) = &start.search_path {
            command.env("PATH", path);
        }
        #[cfg(unix)]
        command.process_group(0);
        let cannot = |source| PiError::Start { program: program.clone(), source };
        let mut child = command.spawn().map_err(cannot)?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(PiError::Ended);
        };
        let complaints = Arc::new(Mutex::new(Vec::new()));
        tasks.spawn(listen(stderr, complaints.clone()));
        Ok(Self { start, child, stdin, stdout, read: BytesMut::new(), looked_at: 0, complaints })
    }

    /// Says something to it.
    pub(super) async fn say(&mut self, command: &Value) -> Result<(), PiError> {
        let mut line = command.to_string();
        line.push('\n');
        let said = async {
            self.stdin.write_all(line.as_bytes()).await?;
            self.stdin.flush().await
        };
        said.await.map_err(|error: std::io::Error| {
            tracing::debug!(%error, "pi does not listen");
            PiError::Ended
        })
    }

    /// What it says next. Cancel-safe: what was read stays.
    pub(super) async fn next(&mut self) -> Result<PiEvent, PiError> {
        loop {
            if let Some(line) = self.take_line() {
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return serde_json::from_slice(&line).map_err(|error| {
                    tracing::warn!(%error, bytes = line.len(), "a line of pi is not readable");
                    PiError::Unreadable
                });
            }
            if self.read.len() > LONGEST_LINE {
                tracing::warn!(limit = LONGEST_LINE, "a line of pi is too long");
                return Err(PiError::Unreadable);
            }
            match self.stdout.read_buf(&mut self.read).await {
                Ok(0) => return Err(self.ended()),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "pi cannot be read");
                    return Err(self.ended());
                }
            }
        }
    }

    fn take_line(&mut self) -> Option<BytesMut> {
        match self.read[self.looked_at..].iter().position(|byte| *byte == b'\n') {
            Some(found) => {
                let line = self.read.split_to(self.looked_at + found);
                self.read.advance(1);
                self.looked_at = 0;
                Some(line)
            }
            None => {
                self.looked_at = self.read.len();
                None
            }
        }
    }

    /// Whether it still runs.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn ended(&self) -> PiError {
        let complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        let complaints = String::from_utf8_lossy(&complaints);
        tracing::warn!(complaints = complaints.trim(), "pi has ended");
        PiError::Ended
    }
}

impl Drop for PiChild {
    fn drop(&mut self) {
        #[cfg(unix)]
        {
            // Its tools are of its group; they must not outlive it.
            let group = self
                .child
                .id()
                .and_then(|id| i32::try_from(id).ok())
                .and_then(rustix::process::Pid::from_raw);
            if let Some(group) = group
                && let Err(error) =
                    rustix::process::kill_process_group(group, rustix::process::Signal::KILL)
            {
                tracing::debug!(%error, "the processes of pi are gone already");
            }
        }
    }
}

/// Keeps the end of what it complains about.
async fn listen(mut stderr: impl AsyncRead + Unpin, complaints: Arc<Mutex<Vec<u8>>>) {
    let mut chunk = [0; 1024];
    loop {
        match stderr.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(count) => {
                let mut kept = complaints.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(&chunk[..count]);
                let excess = kept.len().saturating_sub(LONGEST_COMPLAINT);
                kept.drain(..excess);
            }
        }
    }
}
