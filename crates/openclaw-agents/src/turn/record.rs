use std::sync::Arc;

use openclaw_core::{Clock, RunId, SessionId, SessionKey};
use openclaw_errors::display_chain;
use openclaw_sessions::{Turn, TurnStream};
use openclaw_storage::{Batch, EventDraft, Fence, LogEntry, Storage, TranscriptDraft, Write};

/// Commits a turn's steps under its lane's fence.
pub(crate) struct Recorder {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    stream: Arc<dyn TurnStream>,
    fence: Fence,
    session_id: SessionId,
    session_key: SessionKey,
    run_id: RunId,
}

/// The store refused a step: the turn is left as it is.
#[derive(Debug)]
pub(crate) struct NotCommitted(pub(crate) String);

/// One step: what the model saw, and what clients are told.
pub(crate) type Step = (Option<TranscriptDraft>, Option<EventDraft>);

impl Recorder {
    pub(crate) fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>, turn: &Turn) -> Self {
        Self {
            storage,
            clock,
            stream: turn.stream.clone(),
            fence: turn.fence.clone(),
            session_id: turn.session.id.clone(),
            session_key: turn.session.session_key.clone(),
            run_id: turn.run_id.clone(),
        }
    }

    pub(crate) async fn commit(&self, steps: Vec<Step>) -> Result<(), NotCommitted> {
        let at = self.clock.now();
        let mut batch = Batch::new().fenced(self.fence.clone());
        for (transcript, event) in steps {
            batch.push(Write::Append(Box::new(LogEntry {
                session_id: self.session_id.clone(),
                session_key: self.session_key.clone(),
                run_id: Some(self.run_id.clone()),
                message: None,
                transcript,
                event,
                at,
            })));
        }
        match self.storage.apply(batch).await {
            Ok(applied) => {
                if let Some(last) = applied.seqs.last() {
                    self.stream.committed(*last);
                }
                Ok(())
            }
            Err(error) => Err(NotCommitted(display_chain(&error))),
        }
    }
}
