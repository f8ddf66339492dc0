use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openclaw_core::SessionKey;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::output::Ring;
use crate::ToolError;
use crate::sandbox::{Ending, Running, Streams};

/// The most processes of a session that run at a time.
const MOST_RUNNING: usize = 16;

/// How long what a process printed is kept after its end.
const KEPT: Duration = Duration::from_secs(30 * 60);

/// The most processes of a session that are kept after their end; the oldest go.
const MOST_ENDED: usize = 32;

/// Inputs that wait to be written; more are refused until the process reads.
const INPUTS: usize = 16;

/// The longest time limit: what is asked for may be any number.
const LONGEST_LIMIT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[derive(Debug, Default)]
struct All {
    processes: BTreeMap<(SessionKey, u32), Arc<Process>>,
    /// How many of a session are being started.
    starting: BTreeMap<SessionKey, usize>,
}

impl All {
    fn of(&self, key: &SessionKey) -> impl DoubleEndedIterator<Item = (u32, &Arc<Process>)> {
        let range = (key.clone(), 0)..=(key.clone(), u32::MAX);
        self.processes.range(range).map(|((_, id), process)| (*id, process))
    }

    fn drop_oldest_ended(&mut self, key: &SessionKey) {
        let ended: Vec<u32> = self
            .of(key)
            .filter(|(_, process)| process.ended().is_some())
            .map(|(id, _)| id)
            .collect();
        for id in ended.iter().take(ended.len().saturating_sub(MOST_ENDED)) {
            self.processes.remove(&(key.clone(), *id));
        }
    }

    /// Removes this very process; its number may be another's by now.
    fn remove(&mut self, key: &SessionKey, process: &Arc<Process>) {
        let place = (key.clone(), process.id);
        if self.processes.get(&place).is_some_and(|found| Arc::ptr_eq(found, process)) {
            self.processes.remove(&place);
        }
    }
}

/// The right to start one more process; given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    all: Arc<Mutex<All>>,
    key: SessionKey,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.starting.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                all.starting.remove(&self.key);
            }
        }
    }
}

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
    /// Whether what it reads is a terminal.
    pub(super) has_terminal: bool,
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

/// Why input was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// What was sent before has not been read yet.
    Full,
    /// The process reads no more.
    Closed,
}

impl Processes {
    pub(super) fn new(tasks: TaskTracker, stop: CancellationToken) -> Self {
        Self { tasks, stop, all: Arc::default() }
    }

    /// Asks for the right to start one more process of this session.
    pub(super) fn reserve(&self, key: &SessionKey) -> Result<Slot, ToolError> {
        let mut all = self.lock();
        let running = all.of(key).filter(|(_, process)| process.ended().is_none()).count();
        let starting = all.starting.get(key).copied().unwrap_or_default();
        if running + starting >= MOST_RUNNING {
            return Err(ToolError::RespondToModel(format!(
                "{MOST_RUNNING} processes run already; end one with process kill"
            )));
        }
        all.starting.insert(key.clone(), starting + 1);
        Ok(Slot { all: self.all.clone(), key: key.clone() })
    }

    /// Lets a command run on; gives its number within the session.
    pub(super) fn add(
        &self,
        slot: Slot,
        (command, streams): (String, Streams),
        running: Running,
        limit: Option<Duration>,
    ) -> u32 {
        let (input, inputs) = mpsc::channel(INPUTS);
        let key = slot.key.clone();
        let process = {
            let mut all = self.lock();
            let id = all.of(&key).next_back().map_or(1, |(id, _)| id.saturating_add(1));
            let process = Arc::new(Process {
                id,
                command,
                began: Instant::now(),
                has_terminal: streams == Streams::Terminal,
                kill: self.stop.child_token(),
                input,
                state: Mutex::default(),
                changed: Notify::new(),
            });
            all.processes.insert((key.clone(), id), process.clone());
            process
        };
        drop(slot);
        let (all, id) = (self.all.clone(), process.id);
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            process.run(running, inputs, limit).await;
            all.lock().unwrap_or_else(PoisonError::into_inner).drop_oldest_ended(&key);
            // What it printed is not kept for longer than its place in the list.
            let place = Arc::downgrade(&process);
            drop(process);
            tokio::select! {
                () = tokio::time::sleep(KEPT) => {}
                () = stop.cancelled() => {}
            }
            if let Some(process) = place.upgrade() {
                all.lock().unwrap_or_else(PoisonError::into_inner).remove(&key, &process);
            }
        });
        id
    }

    /// The session's processes, in the order they were started.
    pub(super) fn of(&self, key: &SessionKey) -> Vec<Arc<Process>> {
        self.lock().of(key).map(|(_, process)| process.clone()).collect()
    }

    pub(super) fn find(&self, key: &SessionKey, id: u32) -> Option<Arc<Process>> {
        self.lock().processes.get(&(key.clone(), id)).cloned()
    }

    /// Takes a process out of the list.
    pub(super) fn forget(&self, key: &SessionKey, process: &Arc<Process>) {
        self.lock().remove(key, process);
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
        let Running { mut output, mut input, mut ending, .. } = running;
        let mut buffer = vec![0; 16 * 1024];
        let until = limit.map(|limit| self.began + limit.min(LONGEST_LIMIT));
        let mut is_open = true;
        // What is being written: a process that does not read must not keep its output from being
        // read, so nothing waits for all of it.
        let mut pending: Option<(Vec<u8>, usize)> = None;
        // All arms are cancel-safe: a write that was given up has written nothing.
        let ended = loop {
            tokio::select! {
                biased;
                () = self.kill.cancelled() => break Ended::Killed,
                () = sleep_until(until) => break Ended::TimedOut,
                ending = &mut ending => break Ended::ByItself(ending),
                written = write_some(&mut input, &pending), if pending.is_some() => {
                    let left = pending.take().and_then(|(bytes, at)| match written {
                        Ok(0) | Err(_) => None,
                        Ok(written) => Some((bytes, at + written)),
                    });
                    match left {
                        Some((bytes, at)) if at < bytes.len() => pending = Some((bytes, at)),
                        Some(_) => {}
                        None => {
                            tracing::debug!("a process does not take its input");
                            input = None;
                            inputs.close();
                        }
                    }
                }
                asked = inputs.recv(), if input.is_some() && pending.is_none() => match asked {
                    Some(Input::Bytes(bytes)) => {
                        pending = Some((bytes, 0)).filter(|(bytes, _)| !bytes.is_empty());
                    }
                    Some(Input::End) | None => {
                        input = None;
                        inputs.close();
                    }
                },
                read = output.read(&mut buffer), if is_open => match read {
                    Ok(0) | Err(_) => is_open = false,
                    Ok(read) => self.print(&buffer[..read]),
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

    /// Hands over input, all or nothing of it.
    pub(super) fn write(&self, inputs: Vec<Input>) -> Result<(), NotTaken> {
        if self.ended().is_some() {
            return Err(NotTaken::Closed);
        }
        let permits = self.input.try_reserve_many(inputs.len()).map_err(|error| match error {
            mpsc::error::TrySendError::Full(()) => NotTaken::Full,
            mpsc::error::TrySendError::Closed(()) => NotTaken::Closed,
        })?;
        for (permit, input) in permits.zip(inputs) {
            permit.send(input);
        }
        Ok(())
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

async fn write_some(
    input: &mut Option<Pin<Box<dyn AsyncWrite + Send>>>,
    pending: &Option<(Vec<u8>, usize)>,
) -> std::io::Result<usize> {
    match (input, pending) {
        (Some(input), Some((bytes, at))) => input.write(&bytes[*at..]).await,
        (None, _) | (_, None) => std::future::pending().await,
    }
}

async fn sleep_until(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}
