use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openclaw_core::SessionKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::output::Ring;
use crate::sandbox::{Ending, Running};
use crate::{ToolContext, ToolError};

/// The most processes of a session that run at a time.
const MOST_RUNNING: usize = 16;

/// How long what a process printed is kept after its end.
const KEPT: Duration = Duration::from_secs(30 * 60);

/// Inputs that wait to be written; more are refused until the process reads.
const INPUTS: usize = 16;

type All = BTreeMap<(SessionKey, u32), Arc<Process>>;

/// What runs in the background, by session: none sees another's.
#[derive(Debug)]
pub struct Processes {
    tasks: TaskTracker,
    stop: CancellationToken,
    all: Arc<Mutex<All>>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) id: u32,
    pub(super) command: String,
    pub(super) began: Instant,
    kill: CancellationToken,
    input: mpsc::Sender<Input>,
    state: Mutex<State>,
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    ring: Ring,
    ended: Option<Ended>,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    ByItself(Ending),
    TimedOut,
    Killed,
}

#[derive(Debug)]
pub(super) enum Input {
    Bytes(Vec<u8>),
    End,
}

impl Processes {
    pub(super) fn new(tasks: TaskTracker, stop: CancellationToken) -> Self {
        Self { tasks, stop, all: Arc::default() }
    }

    /// Lets a command run on; gives its number within the session.
    pub(super) fn add(
        &self,
        context: &ToolContext,
        command: String,
        running: Running,
        limit: Option<Duration>,
    ) -> Result<u32, ToolError> {
        let (input, inputs) = mpsc::channel(INPUTS);
        let key = &context.session_key;
        let process = {
            let mut all = self.lock();
            let own = || all.range((key.clone(), 0)..=(key.clone(), u32::MAX));
            if own().filter(|(_, process)| process.ended().is_none()).count() >= MOST_RUNNING {
                return Err(ToolError::RespondToModel(format!(
                    "{MOST_RUNNING} processes run already; end one with process kill"
                )));
            }
            let id = own().next_back().map_or(1, |((_, id), _)| id.saturating_add(1));
            let process = Arc::new(Process {
                id,
                command,
                began: Instant::now(),
                kill: self.stop.child_token(),
                input,
                state: Mutex::default(),
                changed: Notify::new(),
            });
            all.insert((key.clone(), id), process.clone());
            process
        };
        let (all, place, id) = (self.all.clone(), (key.clone(), process.id), process.id);
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            process.run(running, inputs, limit).await;
            tokio::select! {
                () = tokio::time::sleep(KEPT) => {}
                () = stop.cancelled() => {}
            }
            all.lock().unwrap_or_else(PoisonError::into_inner).remove(&place);
        });
        Ok(id)
    }

    /// The session's processes, in the order they were started.
    pub(super) fn of(&self, key: &SessionKey) -> Vec<Arc<Process>> {
        let all = self.lock();
        all.range((key.clone(), 0)..=(key.clone(), u32::MAX)).map(|(_, one)| one.clone()).collect()
    }

    pub(super) fn find(&self, key: &SessionKey, id: u32) -> Option<Arc<Process>> {
        self.lock().get(&(key.clone(), id)).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Process {
    async fn run(
        &self,
        running: Running,
        mut inputs: mpsc::Receiver<Input>,
        limit: Option<Duration>,
    ) {
        let Running { mut output, mut input, mut ending } = running;
        let mut buffer = vec![0; 16 * 1024];
        let until = limit.map(|limit| self.began + limit);
        let mut is_open = true;
        let ended = loop {
            tokio::select! {
                biased;
                () = self.kill.cancelled() => break Ended::Killed,
                () = sleep_until(until) => break Ended::TimedOut,
                ending = &mut ending => break Ended::ByItself(ending),
                read = output.read(&mut buffer), if is_open => match read {
                    Ok(0) | Err(_) => is_open = false,
                    Ok(read) => self.print(&buffer[..read]),
                },
                asked = inputs.recv() => match (asked, input.as_mut()) {
                    (Some(Input::Bytes(bytes)), Some(open)) => {
                        // A process that does not read must not keep its output from being read.
                        let written = tokio::time::timeout(Duration::from_secs(5), open.write_all(&bytes)).await;
                        if !matches!(written, Ok(Ok(()))) {
                            tracing::debug!("a process does not take its input");
                            input = None;
                        }
                    }
                    (Some(Input::End), _) | (None, _) => input = None,
                    (Some(Input::Bytes(_)), None) => {}
                },
            }
        };
        drop((ending, input));
        while is_open {
            match tokio::time::timeout(Duration::from_secs(2), output.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) | Err(_) => is_open = false,
                Ok(Ok(read)) => self.print(&buffer[..read]),
            }
        }
        self.state().ended = Some(ended);
        self.changed.notify_waiters();
    }

    pub(super) fn ended(&self) -> Option<Ended> {
        self.state().ended.clone()
    }

    pub(super) fn has_news(&self) -> bool {
        let state = self.state();
        state.ring.has_news() || state.ended.is_some()
    }

    pub(super) fn news(&self) -> String {
        self.state().ring.news()
    }

    /// Hands over input; `false` when the process takes no more.
    pub(super) fn write(&self, input: Input) -> bool {
        self.ended().is_none() && self.input.try_send(input).is_ok()
    }

    pub(super) fn kill(&self) {
        self.kill.cancel();
    }

    fn print(&self, bytes: &[u8]) {
        self.state().ring.push(bytes);
        self.changed.notify_waiters();
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sleep_until(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}
