//! A turn at work, and what may end it before it ends itself.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use openclaw_core::{QueueMode, RunId, Usage};
use openclaw_errors::ErrorKind;
use openclaw_storage::rows::{InputState, StoredError};
use tracing::Instrument as _;

use crate::lane::Lane;
use crate::limits::{CANCEL_GRACE, GROUP_LIMIT, TIMEOUT_GRACE};
use crate::ports::{Turn, TurnOutcome, TurnResult};
use crate::work::Work;

/// Why a turn was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Somebody stopped it.
    Stop,
    /// A newer input takes its place.
    Superseded,
    /// Its session was reset.
    Reset,
    /// It went on beyond its time limit.
    TimeLimit,
    /// The gateway stops: it is left as it is.
    Park,
}

/// What became of a turn.
#[derive(Debug)]
pub(crate) struct Driven {
    pub(crate) outcome: TurnOutcome,
    pub(crate) cause: Option<Cause>,
}

impl Lane {
    pub(crate) async fn drive(&mut self, work: &Work, turn: Turn) -> Driven {
        let cancel = turn.cancel.clone();
        let run_id = turn.run_id.clone();
        let time_limit = tokio::time::sleep(turn.timeout + TIMEOUT_GRACE);
        let runner = Arc::clone(&self.shared.deps.runner);
        let shared = Arc::clone(&self.shared);
        let request_id = work.lead().options.request_id.as_deref().unwrap_or_default();
        let span = tracing::info_span!("turn", %run_id, request_id);
        let running = async move { runner.run(turn).await }.instrument(span);
        let running = AssertUnwindSafe(running).catch_unwind();
        tokio::pin!(running, time_limit);
        let mut cause = None;
        // Inputs may have come between the reading of this one and now.
        if work.mode == QueueMode::Interrupt && self.has_waiting().await {
            cause = Some(Cause::Superseded);
        }
        while cause.is_none() {
            // `running` is polled in place and never dropped half-way here; the others hold nothing
            // (`rung` keeps a ring that nobody heard), so all arms are cancel-safe.
            tokio::select! {
                biased;
                ended = &mut running => return Driven { outcome: ended_turn(&run_id, ended), cause },
                () = shared.parking.cancelled() => cause = Some(Cause::Park),
                () = &mut time_limit => cause = Some(Cause::TimeLimit),
                () = self.mailbox.rung() => cause = self.read_mail(work, &run_id).await,
            }
        }
        tracing::debug!(%run_id, ?cause, "the turn is cancelled");
        cancel.cancel();
        let outcome = match tokio::time::timeout(CANCEL_GRACE, running).await {
            Ok(ended) => ended_turn(&run_id, ended),
            Err(_) => {
                tracing::error!(%run_id, "a cancelled turn did not end; it is dropped");
                TurnOutcome {
                    result: TurnResult::Cancelled { partial: String::new(), entry: None },
                    usage: Usage::default(),
                }
            }
        };
        Driven { outcome, cause }
    }

    /// Whether the mail asks for the end of the turn.
    async fn read_mail(&mut self, work: &Work, run_id: &RunId) -> Option<Cause> {
        let mut mail = self.mailbox.take();
        self.more |= mail.input || mail.reset;
        let is_stopped = mail.stops.remove(run_id);
        self.stops.append(&mut mail.stops);
        if is_stopped {
            return Some(Cause::Stop);
        }
        if mail.reset && self.is_session_over(work).await {
            return Some(Cause::Reset);
        }
        if mail.input && work.mode == QueueMode::Interrupt && self.has_waiting().await {
            return Some(Cause::Superseded);
        }
        None
    }

    async fn is_session_over(&self, work: &Work) -> bool {
        match self.storage().session(&work.session.id).await {
            Ok(session) => session.is_none_or(|session| session.ended_at.is_some()),
            Err(error) => {
                tracing::warn!(%error, "the session of a running turn cannot be read");
                false
            }
        }
    }

    /// Whether an input waits that may interrupt a turn.
    async fn has_waiting(&self) -> bool {
        let runner = &self.shared.deps.runner;
        match self.storage().open_inputs(&self.key, GROUP_LIMIT).await {
            Ok(rows) => rows
                .iter()
                .any(|row| row.state == InputState::Waiting && !runner.stands_alone(&row.inbound)),
            Err(error) => {
                tracing::warn!(%error, "inputs that may interrupt the turn cannot be read");
                false
            }
        }
    }
}

/// What the runner answered; a panic fails the turn, not the lane.
fn ended_turn(
    run_id: &RunId,
    ended: Result<TurnOutcome, Box<dyn std::any::Any + Send>>,
) -> TurnOutcome {
    ended.unwrap_or_else(|panic| {
        let what = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        tracing::error!(%run_id, what, "a turn panicked");
        TurnOutcome {
            result: TurnResult::Failed(StoredError {
                code: ErrorKind::Internal.as_str().to_owned(),
                message: "a fault of the gateway broke the turn".to_owned(),
                hint: Some("see the gateway's log".to_owned()),
            }),
            usage: Usage::default(),
        }
    })
}
