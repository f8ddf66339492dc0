//! One turn of a lane, from its first batch to its last.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use openclaw_core::{AgentEvent, RunStatus, SessionState};
use openclaw_storage::rows::InputState;
use openclaw_storage::{
    ApplyError, Batch, Conflict, EventDraft, Fence, InputChange, LogEntry, SessionPatch,
    StorageError, Write,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::drive::{Cause, Driven};
use crate::ending::{EndBatch, EndParts, Ending, stop_waiting};
use crate::lane::{Lane, Step};
use crate::lanes::open_states;
use crate::lease;
use crate::limits::{Backoff, MOST_ATTEMPTS, STREAM_PATIENCE};
use crate::mailbox::Wake;
use crate::ports::{Turn, TurnInfo, TurnResult, TurnStream};
use crate::runs::{ActiveRun, RunEnd};
use crate::steering::{Joined, LaneSteering, merge};
use crate::work::Work;

/// How often the sessions that are told of an end are looked for again.
const MOST_LOOKS: u32 = 8;

impl Lane {
    pub(crate) async fn take_turn(&mut self, work: Work, fence: Fence) -> Step {
        let lead = work.lead();
        if self.stops.remove(&lead.run_id) {
            return self.end_without_turn(&work, &fence, &Ending::stopped()).await;
        }
        if let Some(error) = &work.refused {
            let ending = Ending::refused(error.clone());
            return self.end_without_turn(&work, &fence, &ending).await;
        }
        if lead.state == InputState::Running && lead.attempts >= MOST_ATTEMPTS {
            tracing::error!(run_id = %lead.run_id, attempts = lead.attempts, "the run is given up");
            return self.end_without_turn(&work, &fence, &Ending::gave_up(lead.attempts)).await;
        }
        let runner = &self.shared.deps.runner;
        if !runner.stands_alone(&lead.inbound)
            && let Some(error) = runner.refusal(&work.config, &work.session, &lead.options)
        {
            return self.end_without_turn(&work, &fence, &Ending::refused(error)).await;
        }
        match self.begin(&work, &fence).await {
            Ok(after_seq) => self.run(work, fence, after_seq).await,
            Err(error) => self.after(&error),
        }
    }

    /// Commits that the turn begins; answers the session's last `seq`.
    async fn begin(&mut self, work: &Work, fence: &Fence) -> Result<i64, ApplyError> {
        let at = self.now();
        let (lead, session) = (work.lead(), &work.session);
        let mut batch = Batch::new().fenced(fence.clone());
        batch.writes.extend(work.group.superseded.iter().flat_map(|row| stop_waiting(row, at)));
        for row in &work.group.earlier {
            batch.push(merge(row, &lead.run_id, at));
        }
        batch.push(Write::ChangeInput(Box::new(InputChange {
            owner: Some((fence.owner.clone(), fence.fence)),
            ..InputChange::new(
                lead.id.clone(),
                open_states(),
                InputState::Running,
                RunStatus::Running,
                at,
            )
        })));
        if session.ended_at.is_none() {
            let patch = SessionPatch {
                state: Some(SessionState::Running),
                updated_at: Some(at),
                ..SessionPatch::default()
            };
            batch.push(Write::UpdateSession { id: session.id.clone(), patch });
        }
        if !work.has_entry {
            let inputs = work.inputs();
            let entry = self.shared.deps.runner.user_entry(&work.config, session, &inputs);
            batch.push(Write::Append(Box::new(LogEntry {
                session_id: session.id.clone(),
                session_key: session.session_key.clone(),
                run_id: Some(lead.run_id.clone()),
                message: None,
                transcript: Some(entry),
                event: Some(EventDraft {
                    topic: "agent.started",
                    message_id: None,
                    data: Some(json!({ "model": work.model() })),
                }),
                at,
            })));
        }
        let applied = self.storage().apply(batch).await?;
        for row in &work.group.superseded {
            let end = RunEnd { status: RunStatus::Stopped, ..RunEnd::of(row) };
            self.shared.runs.ended(&end);
        }
        for run in work
            .group
            .earlier
            .iter()
            .map(|row| &row.run_id)
            .chain(work.merged.iter().map(|row| &row.run_id))
        {
            self.shared.runs.merged(run, &lead.run_id);
        }
        self.shared.runs.began(ActiveRun {
            run_id: lead.run_id.clone(),
            session_key: self.key.clone(),
            session_id: session.id.clone(),
            started_at: at,
            attempt: work.attempt(),
        });
        // Only the entry of this turn is in this session's own order at the end of the batch.
        let last = applied.seqs.last().copied().filter(|_| !work.has_entry);
        Ok(last.unwrap_or(session.last_seq))
    }

    async fn run(&mut self, work: Work, fence: Fence, after_seq: i64) -> Step {
        let lead = work.lead();
        let info = TurnInfo {
            run_id: lead.run_id.clone(),
            session: work.session.clone(),
            after_seq,
            conversation: lead.inbound.conversation.clone(),
            reply_to: lead.answers().clone(),
            reply_back: work.reply_back,
            attempt: work.attempt(),
            fence: fence.clone(),
        };
        let begun =
            tokio::time::timeout(STREAM_PATIENCE, self.shared.deps.delivery.begin(info)).await;
        let stream = begun.unwrap_or_else(|_| {
            tracing::warn!(run_id = %lead.run_id, "delivery did not begin in time; nothing is streamed");
            Arc::new(NoStream)
        });
        let joined = Arc::new(Joined::new(work.reply_back, work.merged.clone()));
        let steering = LaneSteering::new(
            Arc::clone(&self.shared),
            &work,
            fence.clone(),
            Arc::clone(&stream),
            Arc::clone(&joined),
            after_seq,
        );
        let mut session = work.session.clone();
        session.state = SessionState::Running;
        session.last_seq = after_seq;
        let turn = Turn {
            run_id: lead.run_id.clone(),
            session,
            inputs: work.inputs(),
            config: Arc::clone(&work.config),
            fence: fence.clone(),
            attempt: work.attempt(),
            timeout: work.timeout(),
            stream: Arc::clone(&stream),
            steering: Arc::new(steering),
            cancel: CancellationToken::new(),
        };
        let driven = self.drive(&work, turn).await;
        if tokio::time::timeout(STREAM_PATIENCE, stream.finish()).await.is_err() {
            tracing::warn!(run_id = %lead.run_id, "the stream of a turn did not finish in time");
        }
        self.shared.runs.left(&self.key);
        self.end_turn(&work, &fence, driven, &joined).await
    }

    async fn end_turn(
        &mut self,
        work: &Work,
        fence: &Fence,
        driven: Driven,
        joined: &Joined,
    ) -> Step {
        let run_id = &work.lead().run_id;
        match (&driven.outcome.result, driven.cause) {
            (TurnResult::Cancelled { .. }, Some(Cause::Park)) => {
                tracing::info!(%run_id, "the turn is left to the next start");
                return Step::Leave;
            }
            (TurnResult::Parked(why), _) => {
                tracing::warn!(%run_id, %why, "the turn is parked");
                return self.after_parked(fence).await;
            }
            _ => {}
        }
        let usage = driven.outcome.usage;
        let result = match (driven.outcome.result, driven.cause) {
            (TurnResult::Cancelled { partial, entry }, Some(Cause::TimeLimit)) => {
                TurnResult::TimedOut { partial, entry }
            }
            (result, _) => result,
        };
        match Ending::of(result, usage, work.timeout()) {
            Some(ending) => {
                let end = self.parts(work, fence, joined.reply_back());
                let end = end.end(&ending, &[], &joined.rows());
                self.commit_end(work, end).await
            }
            None => self.pause_longer(),
        }
    }

    /// Ends the inputs without a turn: they were stopped, are refused or given up.
    async fn end_without_turn(&mut self, work: &Work, fence: &Fence, ending: &Ending) -> Step {
        let mut others = work.group.earlier.clone();
        others.extend(work.group.superseded.iter().cloned());
        let end = self.parts(work, fence, work.reply_back).end(ending, &others, &[]);
        self.commit_end(work, end).await
    }

    fn parts<'w>(&'w self, work: &'w Work, fence: &'w Fence, reply_back: bool) -> EndParts<'w> {
        EndParts {
            work,
            fence,
            reply_back,
            delivery: self.shared.deps.delivery.as_ref(),
            ids: self.shared.deps.ids.as_ref(),
            at: self.now(),
        }
    }

    /// Commits the end, and goes on trying while the store fails.
    async fn commit_end(&mut self, work: &Work, mut end: EndBatch) -> Step {
        let lead = work.lead();
        let until = tokio::time::Instant::now() + self.shared.deps.limits.storage_patience;
        let (mut backoff, mut looks) = (Backoff::new(), 0);
        loop {
            match self.apply_end(work, &end).await {
                Ok(()) => break,
                Err(ApplyError::Conflict(Conflict::Missing { what: "session", .. }))
                    if looks < MOST_LOOKS
                        && !end.reports.is_empty()
                        && !self.is_over(work).await =>
                {
                    // The session that is told was reset meanwhile; its key may hold another.
                    looks += 1;
                }
                Err(ApplyError::Conflict(Conflict::Missing { what: "session", .. }))
                    if end.without_session() =>
                {
                    // It was reset meanwhile; what was said in it stays.
                }
                Err(ApplyError::Conflict(Conflict::StateChanged { .. })) => {
                    match self.storage().input(&lead.id).await {
                        // An earlier try was committed and its answer lost.
                        Ok(Some(row)) if row.state.is_final() => break,
                        Ok(_) => return self.pause_longer(),
                        Err(error) => tracing::warn!(%error, "the run cannot be read"),
                    }
                }
                Err(ApplyError::Conflict(Conflict::FenceLost { .. })) => return self.lost(),
                Err(ApplyError::Conflict(conflict)) => {
                    tracing::error!(run_id = %lead.run_id, %conflict, "the end of a turn conflicts");
                    return self.pause_longer();
                }
                Err(ApplyError::Storage(StorageError::Closed)) => return Step::Leave,
                Err(ApplyError::Storage(error)) => {
                    tracing::warn!(run_id = %lead.run_id, %error, "the end of a turn is not stored yet");
                    let pause = backoff.next();
                    let gives_up = tokio::time::Instant::now() + pause > until;
                    if gives_up || !self.may_wait(pause).await {
                        tracing::error!(run_id = %lead.run_id, "the turn is left to the next start");
                        return Step::Leave;
                    }
                }
            }
        }
        for end in &end.ends {
            tracing::debug!(run_id = %end.run_id, status = end.status.as_str(), "run ended");
            self.shared.runs.ended(end);
        }
        for report in &end.reports {
            self.shared.wake(report.session_key(), Wake::Input);
        }
        Step::Next
    }

    /// Commits the end with what other sessions are told of it.
    async fn apply_end(&self, work: &Work, end: &EndBatch) -> Result<(), ApplyError> {
        let (storage, ids) = (self.storage(), self.shared.deps.ids.as_ref());
        let mut batch = end.batch();
        for report in &end.reports {
            report.add(&mut batch, storage, ids, self.now()).await?;
        }
        if let Some(id) = &end.last_run_of
            && storage.open_inputs(&work.session.session_key, 2).await?.len() < 2
        {
            batch.push(Write::EndSession { id: id.clone(), at: self.now() });
        }
        storage.apply(batch).await.map(|_| ())
    }

    async fn is_over(&self, work: &Work) -> bool {
        let session = self.storage().session(&work.session.id).await;
        session.is_ok_and(|session| session.is_none_or(|session| session.ended_at.is_some()))
    }

    /// Waits; answers `false` when turns are to be left as they are.
    async fn may_wait(&self, pause: Duration) -> bool {
        // Both arms are cancel-safe: neither holds anything.
        tokio::select! {
            biased;
            () = self.shared.parking.cancelled() => false,
            () = tokio::time::sleep(pause) => true,
        }
    }

    /// The runner could not write: because the store fails, or another gateway took over.
    async fn after_parked(&mut self, fence: &Fence) -> Step {
        match self.storage().lease(&lease::resource(&self.key)).await {
            Ok(Some(held)) if Fence::from(&held) == *fence => self.pause_longer(),
            Ok(_) => self.lost(),
            Err(StorageError::Closed) => Step::Leave,
            Err(error) => {
                tracing::warn!(%error, "the lease cannot be read");
                self.pause_longer()
            }
        }
    }
}

/// A stream that nobody follows.
struct NoStream;

#[async_trait]
impl TurnStream for NoStream {
    fn emit(&self, _: AgentEvent) {}

    fn committed(&self, _: i64) {}

    async fn finish(&self) {}
}
