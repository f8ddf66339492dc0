use std::sync::Arc;
use std::time::Duration;

use openclaw_config::Config;
use openclaw_core::{QueueMode, Session};
use openclaw_storage::rows::{InboxRow, InputState, StoredError, TranscriptKind};
use openclaw_storage::{ApplyError, Storage};

use crate::limits::{GROUP_LIMIT, LONGEST_TURN};
use crate::queue::Group;
use crate::queue_rules::listed;

/// What one turn works on, as it was read when the turn was about to begin.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) config: Arc<Config>,
    pub(crate) session: Session,
    pub(crate) mode: QueueMode,
    pub(crate) group: Group,
    /// Whether the answer is sent back to the chat.
    pub(crate) reply_back: bool,
    /// Whether the inputs' transcript entry is stored already.
    pub(crate) has_entry: bool,
    /// Inputs that the interrupted turn had taken.
    pub(crate) merged: Vec<InboxRow>,
    /// Why no turn is to run.
    pub(crate) refused: Option<StoredError>,
    /// How many of the first inputs are only listed, because too many waited.
    pub(crate) listed: usize,
}

impl Work {
    /// Reads what an interrupted turn left behind, where there was one.
    pub(crate) async fn new(
        storage: &dyn Storage,
        config: Arc<Config>,
        session: Session,
        mode: QueueMode,
        group: Group,
    ) -> Result<Self, ApplyError> {
        let mut reply_back =
            group.lead.reply_back || group.earlier.iter().any(|row| row.reply_back);
        let mut has_entry = false;
        let mut merged = Vec::new();
        if group.lead.state == InputState::Running {
            let run = &group.lead.run_id;
            let entries = storage.transcript_of_run(&session.id, run).await?;
            has_entry = entries.iter().any(|entry| entry.kind == TranscriptKind::User);
            let recent = storage.recent_inputs(Some(&session.session_key), GROUP_LIMIT).await?;
            for row in recent.into_iter().filter(|row| row.merged_into.as_ref() == Some(run)) {
                reply_back |= row.reply_back;
                merged.push(row);
            }
        }
        Ok(Self {
            config,
            session,
            mode,
            group,
            reply_back,
            has_entry,
            merged,
            refused: None,
            listed: 0,
        })
    }

    pub(crate) fn lead(&self) -> &InboxRow {
        &self.group.lead
    }

    /// 1 for a fresh turn.
    pub(crate) fn attempt(&self) -> u32 {
        self.lead().attempts + 1
    }

    /// The inputs as the runner is given them: those that were too many are shortened.
    pub(crate) fn inputs(&self) -> Vec<InboxRow> {
        let mut inputs = self.group.inputs();
        inputs.iter_mut().take(self.listed).for_each(|row| *row = listed(row));
        inputs
    }

    /// The model that is asked first, as far as settings say.
    pub(crate) fn model(&self) -> Option<&str> {
        let agent = self.config.agent(&self.session.agent_id);
        let agent = agent.unwrap_or_else(|| self.config.default_agent());
        self.lead()
            .options
            .model
            .as_deref()
            .or(self.session.config.model.as_deref())
            .or(agent.model.as_deref())
    }

    /// The total time limit; 0 asks for none.
    pub(crate) fn timeout(&self) -> Duration {
        let agent = self.config.agent(&self.session.agent_id);
        let asked = self
            .lead()
            .options
            .timeout_seconds
            .or(self.session.config.timeout_seconds)
            .map(Duration::from_secs)
            .unwrap_or_else(|| agent.unwrap_or_else(|| self.config.default_agent()).turn_timeout);
        if asked.is_zero() { LONGEST_TURN } else { asked.min(LONGEST_TURN) }
    }
}
