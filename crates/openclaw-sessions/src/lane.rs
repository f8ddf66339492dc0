use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use openclaw_core::{RunId, SessionKey, Timestamp};
use openclaw_storage::rows::{InboxRow, InputState};
use openclaw_storage::{
    ApplyError, Batch, Conflict, Fence, InputChange, Storage, StorageError, Write,
};

use crate::lanes::{Shared, open_states};
use crate::lease;
use crate::limits::{Backoff, GROUP_LIMIT};
use crate::mailbox::Mailbox;
use crate::queue;
use crate::queue_rules::{Excess, QueueRules};
use crate::work::Work;

/// One lane: works on the inputs of one session key, one turn at a time.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) shared: Arc<Shared>,
    pub(crate) key: SessionKey,
    pub(crate) mailbox: Arc<Mailbox>,
    /// Runs to stop that no turn works on yet.
    pub(crate) stops: BTreeSet<RunId>,
    lease: Option<Fence>,
    /// Whether more inputs may wait than those of the last turn.
    pub(crate) more: bool,
    backoff: Backoff,
}

/// What there is to do.
enum Found {
    Work(Box<Work>),
    /// What waits is to wait this long still.
    Later(Duration),
    Nothing,
}

/// What a lane does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Looks for work.
    Next,
    /// Looks for work after a pause.
    Pause(Duration),
    /// Looks for work after a pause, or when mail comes.
    Settle(Duration),
    /// Waits for mail.
    Rest,
    /// Ends.
    Leave,
}

impl Lane {
    pub(crate) fn new(shared: Arc<Shared>, key: SessionKey, mailbox: Arc<Mailbox>) -> Self {
        Self {
            shared,
            key,
            mailbox,
            stops: BTreeSet::new(),
            lease: None,
            more: true,
            backoff: Backoff::new(),
        }
    }

    /// Lives until the lane is idle or the gateway stops.
    pub(crate) async fn live(mut self) {
        loop {
            let goes_on = match self.step().await {
                Step::Next => {
                    self.backoff = Backoff::new();
                    true
                }
                Step::Pause(pause) => self.pause(pause).await,
                Step::Settle(pause) => self.settle(pause).await,
                Step::Rest => self.rest().await,
                Step::Leave => false,
            };
            if !goes_on {
                return;
            }
        }
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        self.shared.deps.storage.as_ref()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.deps.clock.now()
    }

    async fn step(&mut self) -> Step {
        if self.shared.closing.is_cancelled() {
            return Step::Leave;
        }
        let mut mail = self.mailbox.take();
        self.stops.append(&mut mail.stops);
        let shared = Arc::clone(&self.shared);
        // Cancel-safe: a permit that is not taken up goes back.
        let permit = tokio::select! {
            biased;
            () = shared.closing.cancelled() => return Step::Leave,
            permit = shared.permits.acquire() => permit,
        };
        let Ok(_permit) = permit else { return Step::Leave };
        let fence = match self.hold_lease().await {
            Ok(fence) => fence,
            Err(step) => return step,
        };
        match self.next_work(&fence).await {
            Ok(Found::Work(work)) => match self.take_turn(*work, fence).await {
                // Whatever was stored meanwhile has left a wake-up.
                Step::Next if !self.more && self.mailbox.is_empty() => {
                    self.backoff = Backoff::new();
                    Step::Rest
                }
                step => step,
            },
            Ok(Found::Later(rest)) => Step::Settle(rest),
            Ok(Found::Nothing) => Step::Rest,
            Err(error) => self.after(&error),
        }
    }

    /// The lease, taken where it is not held.
    async fn hold_lease(&mut self) -> Result<Fence, Step> {
        if let Some(fence) = &self.lease {
            return Ok(fence.clone());
        }
        let take = Write::TakeLease {
            resource: lease::resource(&self.key),
            owner: self.shared.deps.owner.clone(),
            ttl: self.shared.deps.limits.lease_ttl,
        };
        match self.storage().apply(Batch::new().with(take)).await {
            Ok(applied) => match applied.leases.first() {
                Some(lease) => {
                    let fence = Fence::from(lease);
                    self.lease = Some(fence.clone());
                    Ok(fence)
                }
                None => Err(Step::Pause(self.backoff.next())),
            },
            Err(ApplyError::Conflict(Conflict::LeaseHeld { owner, until, .. })) => {
                tracing::info!(%owner, %until, "another gateway works on this session");
                // The database's clock decides, so ours is not trusted to the millisecond.
                let rest = until.since(self.now()) + self.backoff.next();
                Err(Step::Pause(rest.min(self.shared.deps.limits.lease_ttl * 2)))
            }
            Err(error) => Err(self.after(&error)),
        }
    }

    /// Reads what the next turn works on.
    async fn next_work(&mut self, fence: &Fence) -> Result<Found, ApplyError> {
        let storage = Arc::clone(&self.shared.deps.storage);
        let mut waiting = storage.open_inputs(&self.key, 2).await?;
        self.more = waiting.len() > 1;
        if waiting.is_empty() {
            return Ok(Found::Nothing);
        }
        let first = waiting.swap_remove(0);
        let config = self.shared.deps.config.borrow().clone();
        let Some(session) = storage.session(&first.session_id).await? else {
            self.abandon(&first, fence).await?;
            return Ok(Found::Nothing);
        };
        let rules = QueueRules::of(&config, &session);
        let mut open = if self.more && rules.looks_further() {
            storage.open_inputs(&self.key, rules.reach(GROUP_LIMIT)).await?
        } else {
            vec![first]
        };
        let runner = Arc::clone(&self.shared.deps.runner);
        let stands_alone = |row: &InboxRow| runner.stands_alone(&row.inbound);
        if let Some(rest) = rules.rest(&open, self.now(), stands_alone) {
            return Ok(Found::Later(rest));
        }
        let listed = match rules.excess(&mut open, stands_alone) {
            Excess::None => Vec::new(),
            Excess::Listed(rows) => rows,
            Excess::Refused(group) => {
                // What is left waits for the next look.
                self.mailbox.post(crate::Wake::Input);
                let refused = rules.refusal(group.earlier.len() + 1);
                let mut work =
                    Work::new(storage.as_ref(), config, session, rules.mode, *group).await?;
                work.refused = Some(refused);
                return Ok(Found::Work(Box::new(work)));
            }
        };
        let Some(mut group) = queue::group(rules.mode, open, stands_alone) else {
            return Ok(Found::Nothing);
        };
        // A turn that was interrupted took its inputs when it began, and a command takes none.
        let takes_more = group.lead.state == InputState::Waiting && !stands_alone(&group.lead);
        let listed = if takes_more { listed } else { Vec::new() };
        let count = listed.len();
        group.earlier.splice(0..0, listed);
        // In interrupt mode the newest input may be of a newer session than the first.
        let session = if group.lead.session_id == session.id {
            session
        } else {
            match storage.session(&group.lead.session_id).await? {
                Some(session) => session,
                None => {
                    self.abandon(&group.lead, fence).await?;
                    return Ok(Found::Nothing);
                }
            }
        };
        let mut work = Work::new(storage.as_ref(), config, session, rules.mode, group).await?;
        work.listed = count;
        Ok(Found::Work(Box::new(work)))
    }

    /// Ends an input whose session is gone, which no write of ours brings about.
    async fn abandon(&mut self, row: &InboxRow, fence: &Fence) -> Result<(), ApplyError> {
        tracing::error!(run_id = %row.run_id, session_id = %row.session_id, "the session of an input is gone");
        let change = InputChange::new(
            row.id.clone(),
            open_states(),
            InputState::Failed,
            openclaw_core::RunStatus::Error,
            self.now(),
        );
        let batch = Batch::new().fenced(fence.clone()).with(Write::ChangeInput(Box::new(change)));
        self.storage().apply(batch).await?;
        self.mailbox.post(crate::Wake::Input);
        Ok(())
    }

    /// What to do after a write or read failed outside the end of a turn.
    pub(crate) fn after(&mut self, error: &ApplyError) -> Step {
        match error {
            ApplyError::Conflict(Conflict::FenceLost { .. }) => self.lost(),
            ApplyError::Conflict(conflict) => {
                tracing::debug!(%conflict, "the inputs changed meanwhile");
                Step::Pause(self.backoff.next())
            }
            ApplyError::Storage(StorageError::Closed) => Step::Leave,
            ApplyError::Storage(error) => {
                tracing::warn!(%error, "the store failed; the lane tries again");
                Step::Pause(self.backoff.next())
            }
        }
    }

    /// Another gateway took the session over. The lane stands by until that one's lease is over,
    /// for inputs that are left then.
    pub(crate) fn lost(&mut self) -> Step {
        tracing::warn!("another gateway took this session over");
        self.lease = None;
        Step::Pause(self.backoff.next())
    }

    pub(crate) fn pause_longer(&mut self) -> Step {
        Step::Pause(self.backoff.next())
    }

    /// Answers whether to go on.
    async fn pause(&self, pause: Duration) -> bool {
        // Both arms are cancel-safe: neither holds anything.
        tokio::select! {
            biased;
            () = self.shared.closing.cancelled() => false,
            () = tokio::time::sleep(pause) => true,
        }
    }

    /// Waits, but no longer than until mail comes. Answers whether to go on.
    async fn settle(&self, pause: Duration) -> bool {
        // All arms are cancel-safe: `rung` keeps a ring that nobody heard.
        tokio::select! {
            biased;
            () = self.shared.closing.cancelled() => false,
            () = self.mailbox.rung() => true,
            () = tokio::time::sleep(pause) => true,
        }
    }

    /// Waits for mail; ends the lane when none comes. Answers whether to go on.
    async fn rest(&mut self) -> bool {
        self.stops.clear();
        let idle = tokio::time::sleep(self.shared.deps.limits.idle);
        tokio::pin!(idle);
        while self.mailbox.is_empty() {
            // All arms are cancel-safe: `rung` keeps a ring that nobody heard.
            tokio::select! {
                biased;
                () = self.shared.closing.cancelled() => return false,
                () = self.mailbox.rung() => {}
                () = &mut idle => {
                    self.release_lease().await;
                    return !self.shared.retire(&self.key, &self.mailbox);
                }
            }
        }
        true
    }

    async fn release_lease(&mut self) {
        let Some(fence) = self.lease.take() else { return };
        if let Err(error) =
            self.storage().apply(Batch::new().with(Write::ReleaseLease(fence))).await
        {
            // It runs out by itself.
            tracing::debug!(%error, "the lease was not given back");
        }
    }
}
