use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openclaw_config::{Config, McpProgram};
use openclaw_core::{SandboxMode, Secret, SessionKey};
use openclaw_tools::commands::CommandRules;
use openclaw_tools::sandbox::{Job, Room, Running, Sandbox, Streams, WORKSPACE};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::McpError;
use super::foreign::clean;

/// How long a program may take to end once its input is closed.
const END_LIMIT: Duration = Duration::from_secs(3);

/// The longest line of errors that is kept, in bytes.
const LONGEST_LINE: usize = 500;

/// The most lines of errors that are logged in a minute.
const MOST_LINES: usize = 100;

/// The last lines of errors, for the message when it fails.
const LAST_LINES: usize = 5;

/// What runs programs: as the owner's, or in the sandbox.
#[derive(Debug, Clone)]
pub struct Programs {
    /// Without walls.
    pub host: Arc<dyn Sandbox>,
    /// Behind walls.
    pub sandbox: Arc<dyn Sandbox>,
}

/// Where programs run, by the configuration in force.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    workspace: PathBuf,
    rules: CommandRules,
}

impl Place {
    pub(super) fn of(config: &Config) -> Self {
        let agent = config.default_agent();
        let main = SessionKey::main(&agent.id);
        let rules = CommandRules::new(config, agent, Some(SandboxMode::Always), &main);
        Self { workspace: agent.workspace.clone(), rules }
    }
}

/// A program that runs.
pub(super) struct Program {
    pub(super) output: Pin<Box<dyn AsyncRead + Send>>,
    pub(super) input: Pin<Box<dyn AsyncWrite + Send>>,
    pub(super) handle: ProgramHandle,
    /// Ends the program when it is dropped.
    pub(super) guard: DropGuard,
}

/// What is known of a program, and the way to end it.
#[derive(Debug, Clone)]
pub(super) struct ProgramHandle {
    closing: CancellationToken,
    ended: CancellationToken,
    errors: Arc<Mutex<Vec<String>>>,
}

impl ProgramHandle {
    /// Ends it: its input must have been closed. What does not end by itself is ended.
    pub(super) async fn end(&self) {
        self.closing.cancel();
        self.ended.cancelled().await;
    }

    /// What it wrote of errors last.
    pub(super) fn last_errors(&self) -> String {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).join(" | ")
    }
}

impl Programs {
    pub(super) async fn start(
        &self,
        server: &str,
        program: &McpProgram,
        place: &Place,
        tasks: &TaskTracker,
    ) -> Result<Program, McpError> {
        let folder = program.cwd.clone().unwrap_or_else(|| place.workspace.clone());
        if program.cwd.is_none() {
            tokio::fs::create_dir_all(&folder).await.map_err(|error| {
                McpError::Start(format!("the folder {}: {error}", folder.display()))
            })?;
        }
        let (engine, cwd) = match (program.sandbox, &program.cwd) {
            (false, _) => (&self.host, folder.display().to_string()),
            (true, None) => (&self.sandbox, WORKSPACE.to_owned()),
            (true, Some(cwd)) => (&self.sandbox, cwd.display().to_string()),
        };
        let room = Room {
            hidden: place.rules.hidden.clone(),
            paths: place.rules.paths.clone(),
            hosts: place.rules.hosts.clone(),
            limits: place.rules.limits,
            ..Room::new(&place.workspace)
        };
        let argv = std::iter::once(&program.command).chain(&program.args).cloned().collect();
        let env = program.env.iter().map(|(name, value)| (name.clone(), value.expose().to_owned()));
        let job = Job { argv, cwd, env: env.collect(), streams: Streams::Apart };
        let started = engine.start(&room, job).await;
        let running = started.map_err(|error| McpError::Start(error.to_string()))?;
        let Running { output, errors, input, ending } = running;
        let (Some(errors), Some(input)) = (errors, input) else {
            return Err(McpError::Start("its streams are missing".to_owned()));
        };
        let handle = ProgramHandle {
            closing: CancellationToken::new(),
            ended: CancellationToken::new(),
            errors: Arc::default(),
        };
        let secrets = program.env.values().filter(|value| value.expose().len() >= 6).cloned();
        let listening =
            Errors::new(server, secrets.collect(), handle.errors.clone()).listen(errors);
        let (server, watched) = (server.to_owned(), handle.clone());
        tasks.spawn(async move {
            let _ended = watched.ended.clone().drop_guard();
            tokio::pin!(listening);
            let mut ending = ending;
            let mut is_listening = true;
            loop {
                tokio::select! {
                    how = &mut ending => {
                        tracing::info!(server, ?how, "an MCP server ended");
                        break;
                    }
                    () = &mut listening, if is_listening => is_listening = false,
                    () = watched.closing.cancelled() => {
                        if tokio::time::timeout(END_LIMIT, &mut ending).await.is_err() {
                            tracing::info!(server, "an MCP server did not end by itself and is ended");
                        }
                        break;
                    }
                }
            }
            // What it wrote last is still in the pipe.
            if is_listening
                && tokio::time::timeout(Duration::from_millis(200), &mut listening).await.is_err()
            {
                tracing::debug!(server, "an MCP server's errors were still open after its end");
            }
        });
        let guard = handle.closing.clone().drop_guard();
        Ok(Program { output, input, handle, guard })
    }
}

/// What a program writes of errors, on its way to the log.
struct Errors {
    server: String,
    secrets: Vec<Secret>,
    last: Arc<Mutex<Vec<String>>>,
    since: Instant,
    logged: usize,
}

impl Errors {
    fn new(server: &str, secrets: Vec<Secret>, last: Arc<Mutex<Vec<String>>>) -> Self {
        Self { server: server.to_owned(), secrets, last, since: Instant::now(), logged: 0 }
    }

    async fn listen(mut self, mut errors: Pin<Box<dyn AsyncRead + Send>>) {
        let mut buffer = vec![0; 8 * 1024];
        let mut line = Vec::with_capacity(LONGEST_LINE);
        loop {
            match errors.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(read) => {
                    for byte in &buffer[..read] {
                        match byte {
                            b'\n' => {
                                self.take(&line);
                                line.clear();
                            }
                            byte if line.len() < LONGEST_LINE => line.push(*byte),
                            _ => {}
                        }
                    }
                }
            }
        }
        self.take(&line);
    }

    fn take(&mut self, line: &[u8]) {
        let mut text = clean(&String::from_utf8_lossy(line)).trim_end().to_owned();
        if text.is_empty() {
            return;
        }
        for secret in &self.secrets {
            text = text.replace(secret.expose(), "***");
        }
        if self.since.elapsed() > Duration::from_secs(60) {
            (self.since, self.logged) = (Instant::now(), 0);
        }
        self.logged += 1;
        match self.logged {
            count if count < MOST_LINES => {
                tracing::info!(server = self.server, "MCP server: {text}");
            }
            MOST_LINES => tracing::warn!(
                server = self.server,
                "an MCP server writes more errors than are logged"
            ),
            _ => {}
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == LAST_LINES {
            last.remove(0);
        }
        last.push(text);
    }
}
