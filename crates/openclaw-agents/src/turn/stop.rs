use openclaw_sessions::Turn;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What ends a turn from outside.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    cancel: CancellationToken,
    deadline: Instant,
}

/// Which of them did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    Cancelled,
    TimedOut,
}

impl Stop {
    pub(crate) fn new(turn: &Turn) -> Self {
        Self { cancel: turn.cancel.clone(), deadline: Instant::now() + turn.timeout }
    }

    /// Ends when the turn has to.
    pub(crate) async fn wait(&self) -> Stopped {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Stopped::Cancelled,
            () = tokio::time::sleep_until(self.deadline) => Stopped::TimedOut,
        }
    }

    /// Whether it has to already.
    pub(crate) fn now(&self) -> Option<Stopped> {
        match () {
            () if self.cancel.is_cancelled() => Some(Stopped::Cancelled),
            () if Instant::now() >= self.deadline => Some(Stopped::TimedOut),
            () => None,
        }
    }

    /// A token that is cancelled with the turn, for what must also end by its deadline.
    pub(crate) fn child(&self) -> CancellationToken {
        self.cancel.child_token()
    }
}
