use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crate::{ToolContext, ToolError};

/// How long work may go on after it was told to stop, to hand over what it has.
const GRACE: Duration = Duration::from_secs(2);

/// Why work must stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The call was cancelled.
    Cancelled,
    /// Its time limit ran out.
    TimeLimit,
}

/// The work was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", match .0 { StopReason::Cancelled => "cancelled", StopReason::TimeLimit => "the time limit ran out" })]
pub struct Stopped(pub StopReason);

/// Tells work on a blocking thread to stop; looked at between pieces of work.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicU8>);

impl Stop {
    /// Whether to stop.
    ///
    /// # Errors
    /// When the work must stop, with the reason.
    pub fn check(&self) -> Result<(), Stopped> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            1 => Err(Stopped(StopReason::Cancelled)),
            _ => Err(Stopped(StopReason::TimeLimit)),
        }
    }

    /// One that was set.
    #[cfg(test)]
    pub(crate) fn told() -> Self {
        let stop = Self::default();
        stop.set(StopReason::Cancelled);
        stop
    }

    fn set(&self, reason: StopReason) {
        let value = match reason {
            StopReason::Cancelled => 1,
            StopReason::TimeLimit => 2,
        };
        self.0.store(value, Ordering::Relaxed);
    }
}

/// Sets the flag when the future that waits is dropped, so that nobody's work goes on unwatched.
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.set(StopReason::Cancelled);
    }
}

/// Runs work that blocks on a thread of its own, within `limit` and until the call is cancelled.
/// What it hands over within two seconds of being told to stop still counts.
///
/// # Errors
/// The work's own, [`ToolError::Cancelled`], [`ToolError::RespondToModel`] when time ran out, and
/// [`ToolError::Fatal`] when it panicked.
pub async fn run_blocking<T: Send + 'static>(
    context: &ToolContext,
    limit: Duration,
    work: impl FnOnce(&Stop) -> Result<T, ToolError> + Send + 'static,
) -> Result<T, ToolError> {
    let stop = Stop::default();
    let guard = StopOnDrop(stop.clone());
    let mut job = tokio::task::spawn_blocking(move || work(&stop));
    let reason = tokio::select! {
        biased;
        ended = &mut job => return joined(ended),
        () = context.cancel.cancelled() => StopReason::Cancelled,
        () = tokio::time::sleep(limit) => StopReason::TimeLimit,
    };
    guard.0.set(reason);
    match (tokio::time::timeout(GRACE, job).await, reason) {
        (Ok(ended), _) => joined(ended),
        (Err(_), StopReason::Cancelled) => Err(ToolError::Cancelled),
        (Err(_), StopReason::TimeLimit) => Err(out_of_time()),
    }
}

fn joined<T>(ended: Result<Result<T, ToolError>, tokio::task::JoinError>) -> Result<T, ToolError> {
    ended.unwrap_or_else(|failed| Err(ToolError::Fatal(format!("a tool's work failed: {failed}"))))
}

fn out_of_time() -> ToolError {
    ToolError::RespondToModel("the time limit ran out; ask for less at once".to_owned())
}

impl From<Stopped> for ToolError {
    fn from(stopped: Stopped) -> Self {
        match stopped.0 {
            StopReason::Cancelled => Self::Cancelled,
            StopReason::TimeLimit => out_of_time(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Stop, StopReason, Stopped, run_blocking};
    use crate::{ToolContext, ToolError};
    use openclaw_core::{AgentId, SessionKey};
    use std::sync::Arc;
    use std::time::Duration;
    use tokio_util::sync::CancellationToken;

    const LONG: Duration = Duration::from_secs(600);

    fn context(cancel: CancellationToken) -> ToolContext {
        ToolContext {
            agent_id: AgentId::main(),
            session_key: SessionKey::main(&AgentId::main()),
            run_id: None,
            workspace: "/nowhere".into(),
            commands: Arc::default(),
            cancel,
            output: Arc::new(|_| {}),
        }
    }

    fn until_stopped(stop: &Stop) -> Stopped {
        loop {
            if let Err(stopped) = stop.check() {
                return stopped;
            }
            std::thread::yield_now();
        }
    }

    #[tokio::test]
    async fn work_that_is_out_of_time_hands_over_what_it_has() {
        let context = context(CancellationToken::new());
        let limit = Duration::from_millis(1);
        let kept = run_blocking(&context, limit, |stop| Ok(until_stopped(stop))).await;
        assert_eq!(kept.expect("handed over"), Stopped(StopReason::TimeLimit));
        let lost: Result<(), ToolError> =
            run_blocking(&context, limit, |stop| Err(until_stopped(stop).into())).await;
        assert_eq!(
            lost.expect_err("lost").to_string(),
            "the time limit ran out; ask for less at once"
        );
    }

    #[tokio::test]
    async fn cancelling_stops_the_work() {
        let cancel = CancellationToken::new();
        let context = context(cancel.clone());
        let work = run_blocking(&context, LONG, |stop| Err::<(), _>(until_stopped(stop).into()));
        let (outcome, ()) = tokio::join!(work, async { cancel.cancel() });
        assert!(matches!(outcome, Err(ToolError::Cancelled)));
    }

    #[tokio::test]
    async fn dropping_the_wait_stops_the_work() {
        let context = context(CancellationToken::new());
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let (began, has_begun) = tokio::sync::oneshot::channel();
        let work = run_blocking(&context, LONG, move |stop| {
            began.send(()).expect("waited for");
            sender.send(until_stopped(stop)).expect("waited for");
            Ok(())
        });
        tokio::select! {
            biased;
            _ = work => panic!("it ended by itself"),
            begun = has_begun => begun.expect("it began"),
        }
        assert_eq!(receiver.await.expect("told"), Stopped(StopReason::Cancelled));
    }

    #[tokio::test]
    async fn a_panic_in_the_work_is_fatal() {
        let context = context(CancellationToken::new());
        let outcome: Result<(), ToolError> =
            run_blocking(&context, LONG, |_| panic!("as told")).await;
        assert!(matches!(outcome, Err(ToolError::Fatal(_))), "{outcome:?}");
    }
}
