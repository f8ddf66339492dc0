use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use openclaw_config::Config;
use openclaw_core::{MessageId, QueueMode, RunId, RunStatus, Session, Timestamp};
use openclaw_storage::rows::{InboxRow, InputState, TranscriptKind, TranscriptRow};
use openclaw_storage::{
    ApplyError, Batch, Conflict, Fence, InputChange, LogEntry, StorageError, TranscriptDraft, Write,
};

use crate::lanes::Shared;
use crate::limits::GROUP_LIMIT;
use crate::ports::{Steering, TurnStream};
use crate::queue::is_same_chat;
use crate::work::Work;

/// Inputs may be edited or stopped while they are taken; this often they are looked at again.
const MOST_LOOKS: usize = 3;

/// What inputs that join a turn change in how it ends.
#[derive(Debug)]
pub(crate) struct Joined {
    /// Whether the answer is sent back: once one of the inputs asks for it.
    reply_back: AtomicBool,
    /// Those of them that another session began.
    rows: Mutex<Vec<InboxRow>>,
}

impl Joined {
    pub(crate) fn new(reply_back: bool, rows: Vec<InboxRow>) -> Self {
        let reply_back = AtomicBool::new(reply_back);
        let joined = Self { reply_back, rows: Mutex::default() };
        joined.add(&rows);
        joined
    }

    fn add(&self, rows: &[InboxRow]) {
        if rows.iter().any(|row| row.reply_back) {
            self.reply_back.store(true, Ordering::Relaxed);
        }
        let begun_elsewhere = rows.iter().filter(|row| row.options.origin.is_some()).cloned();
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).extend(begun_elsewhere);
    }

    pub(crate) fn reply_back(&self) -> bool {
        self.reply_back.load(Ordering::Relaxed)
    }

    pub(crate) fn rows(&self) -> Vec<InboxRow> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Lets inputs of the same chat join a running turn.
pub(crate) struct LaneSteering {
    shared: Arc<Shared>,
    config: Arc<Config>,
    session: Session,
    mode: QueueMode,
    lead: InboxRow,
    fence: Fence,
    stream: Arc<dyn TurnStream>,
    joined: Arc<Joined>,
    /// The messages that the turn was shown, where each keeps a turn of its own.
    shown: Mutex<BTreeSet<MessageId>>,
    /// The last entry of this run that the runner knows.
    known_seq: AtomicI64,
}

impl LaneSteering {
    pub(crate) fn new(
        shared: Arc<Shared>,
        work: &Work,
        fence: Fence,
        stream: Arc<dyn TurnStream>,
        joined: Arc<Joined>,
        known_seq: i64,
    ) -> Self {
        Self {
            shared,
            config: Arc::clone(&work.config),
            session: work.session.clone(),
            mode: work.mode,
            lead: work.lead().clone(),
            fence,
            stream,
            joined,
            shown: Mutex::default(),
            known_seq: AtomicI64::new(known_seq),
        }
    }

    /// An input of another chat waits for its own turn: its answer would go to the wrong place.
    fn joins(&self, row: &InboxRow) -> bool {
        row.state == InputState::Waiting
            && row.session_id == self.session.id
            && is_same_chat(&row.inbound.conversation, &self.lead.inbound.conversation)
    }

    async fn waiting(&self) -> Result<Vec<InboxRow>, StorageError> {
        let key = &self.session.session_key;
        let mut rows = self.shared.deps.storage.open_inputs(key, GROUP_LIMIT).await?;
        rows.retain(|row| self.joins(row));
        let runner = &self.shared.deps.runner;
        if let Some(first) = rows.iter().position(|row| runner.stands_alone(&row.inbound)) {
            // What was said after it must not be answered before it.
            rows.truncate(first);
        }
        Ok(rows)
    }

    async fn merge_all(&self, rows: &[InboxRow]) -> Result<Vec<TranscriptRow>, ApplyError> {
        let at = self.shared.deps.clock.now();
        let runner = &self.shared.deps.runner;
        let entries: Vec<TranscriptDraft> = rows
            .iter()
            .map(|row| runner.user_entry(&self.config, &self.session, std::slice::from_ref(row)))
            .collect();
        let mut batch = Batch::new().fenced(self.fence.clone());
        for (row, entry) in rows.iter().zip(&entries) {
            if self.mode == QueueMode::Immediate {
                batch.push(merge(row, &self.lead.run_id, at));
            }
            batch.push(Write::Append(Box::new(LogEntry {
                session_id: self.session.id.clone(),
                session_key: self.session.session_key.clone(),
                run_id: Some(self.lead.run_id.clone()),
                message: None,
                transcript: Some(entry.clone()),
                event: None,
                at,
            })));
        }
        let applied = self.shared.deps.storage.apply(batch).await?;
        let taken = entries.into_iter().zip(applied.seqs).map(|(entry, seq)| TranscriptRow {
            session_id: self.session.id.clone(),
            seq,
            run_id: Some(self.lead.run_id.clone()),
            kind: entry.kind,
            message_id: entry.message_id,
            data: entry.data,
        });
        Ok(taken.collect())
    }

    /// The entries of this run that people said and that were not handed out yet.
    async fn unheard(&self) -> Result<Vec<TranscriptRow>, StorageError> {
        let known = self.known_seq.load(Ordering::Relaxed);
        let storage = &self.shared.deps.storage;
        let mut entries = storage.transcript_of_run(&self.session.id, &self.lead.run_id).await?;
        entries.retain(|entry| entry.kind == TranscriptKind::User && entry.seq > known);
        Ok(entries)
    }

    /// Leaves out what the turn was shown already, perhaps before it was interrupted.
    async fn keep_unshown(&self, rows: &mut Vec<InboxRow>) -> Result<(), StorageError> {
        let storage = &self.shared.deps.storage;
        let entries = storage.transcript_of_run(&self.session.id, &self.lead.run_id).await?;
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.extend(entries.into_iter().filter_map(|entry| entry.message_id));
        rows.retain(|row| shown.insert(row.message_id.clone()));
        Ok(())
    }

    fn took(&self, rows: &[InboxRow], taken: &[TranscriptRow]) {
        if self.mode == QueueMode::Immediate {
            for row in rows {
                self.shared.runs.merged(&row.run_id, &self.lead.run_id);
            }
            self.joined.add(rows);
        }
        if let Some(last) = taken.last() {
            self.known_seq.store(last.seq, Ordering::Relaxed);
            self.stream.committed(last.seq);
        }
    }

    async fn try_take(&self) -> Result<Vec<TranscriptRow>, ApplyError> {
        let mut rows = self.waiting().await?;
        if self.mode == QueueMode::ImmediateBacklog && !rows.is_empty() {
            self.keep_unshown(&mut rows).await?;
        }
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let taken = match self.merge_all(&rows).await {
            Ok(taken) => taken,
            // Perhaps they joined all the same; then the model must see them in this turn.
            Err(ApplyError::Storage(StorageError::Lost(_))) => self.unheard().await?,
            Err(error) => return Err(error),
        };
        if !taken.is_empty() {
            self.took(&rows, &taken);
        }
        Ok(taken)
    }
}

#[async_trait]
impl Steering for LaneSteering {
    async fn take(&self) -> Vec<TranscriptRow> {
        if !matches!(self.mode, QueueMode::Immediate | QueueMode::ImmediateBacklog) {
            return Vec::new();
        }
        for _ in 0..MOST_LOOKS {
            match self.try_take().await {
                Ok(taken) => return taken,
                Err(ApplyError::Conflict(Conflict::FenceLost { .. })) => break,
                Err(ApplyError::Conflict(conflict)) => {
                    tracing::debug!(%conflict, "the inputs changed meanwhile");
                }
                Err(ApplyError::Storage(error)) => {
                    // They still wait: the next boundary, or a turn of their own, takes them.
                    tracing::warn!(%error, "inputs could not join the running turn");
                    break;
                }
            }
        }
        Vec::new()
    }
}

/// Ends a waiting input as taken by a run.
pub(crate) fn merge(row: &InboxRow, into: &RunId, at: Timestamp) -> Write {
    Write::ChangeInput(Box::new(InputChange {
        merged_into: Some(into.clone()),
        ..InputChange::new(
            row.id.clone(),
            vec![InputState::Waiting],
            InputState::Merged,
            RunStatus::Merged,
            at,
        )
    }))
}
