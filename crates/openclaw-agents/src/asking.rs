//! For whom a run works.

use std::collections::BTreeSet;
use std::sync::Arc;

use openclaw_config::Config;
use openclaw_core::{AskedBy, ChatKind, MessageId, RunId, Session, SessionKey};
use openclaw_sessions::is_configured_owner;
use openclaw_storage::rows::{InboxRow, TranscriptKind};
use openclaw_storage::{Storage, StorageError};
use openclaw_tools::{ToolContext, ToolError};

use crate::input::askers;
use crate::transcript::AskerEntry;

/// The inputs that are looked at for those that joined a run.
const MOST_INPUTS: u32 = 64;

/// A run, and for whom it works.
#[derive(Debug, Clone)]
pub struct Asking {
    /// The input whose run it is.
    pub lead: InboxRow,
    /// Its session.
    pub session: Session,
    /// Everyone whose words it works on.
    pub askers: Vec<AskedBy>,
    /// Whether each of them is the owner, in a chat where nobody else is.
    pub by_owner: bool,
}

impl Asking {
    /// Of the run that a tool was called in.
    ///
    /// # Errors
    /// For the model, where the call belongs to no run or the store fails.
    pub async fn of(
        storage: &Arc<dyn Storage>,
        config: &Config,
        context: &ToolContext,
    ) -> Result<Self, ToolError> {
        let found = match &context.run_id {
            None => None,
            Some(run) => Self::read(storage.as_ref(), config, run, &context.session_key)
                .await
                .map_err(|error| unreadable(&error))?,
        };
        found.ok_or_else(|| ToolError::RespondToModel("this works only within a run".to_owned()))
    }

    async fn read(
        storage: &dyn Storage,
        config: &Config,
        run: &RunId,
        key: &SessionKey,
    ) -> Result<Option<Self>, StorageError> {
        let Some(lead) = storage.input_by_run(run).await? else { return Ok(None) };
        let Some(session) = storage.session(&lead.session_id).await? else { return Ok(None) };
        let joined = joined(storage, &session, run, key).await?;
        let inputs: Vec<&InboxRow> = [&lead].into_iter().chain(&joined).collect();
        let by_owner = are_owners(storage, config, &inputs).await?;
        let mut asked: Vec<AskerEntry> = Vec::new();
        for asker in inputs.iter().flat_map(|row| askers(row)) {
            if !asked.contains(&asker) {
                asked.push(asker);
            }
        }
        let askers = asked
            .into_iter()
            .map(|asker| AskedBy { channel: asker.channel, sender: asker.sender })
            .collect();
        Ok(Some(Self { by_owner, askers, session, lead }))
    }

    /// How often sessions have written to each other on the way to this run.
    pub fn exchanges(&self) -> u32 {
        self.lead.options.origin.as_ref().map_or(0, |origin| origin.exchanges)
    }
}

/// What a model is told when the store fails.
pub(crate) fn unreadable(error: &StorageError) -> ToolError {
    tracing::warn!(%error, "a tool cannot read the store");
    ToolError::RespondToModel("the store cannot be read at present; try again later".to_owned())
}

/// The inputs that a run took besides its own.
async fn joined(
    storage: &dyn Storage,
    session: &Session,
    run: &RunId,
    key: &SessionKey,
) -> Result<Vec<InboxRow>, StorageError> {
    let entries = storage.transcript_of_run(&session.id, run).await?;
    let shown: BTreeSet<MessageId> = entries
        .into_iter()
        .filter(|entry| entry.kind == TranscriptKind::User)
        .filter_map(|entry| entry.message_id)
        .collect();
    let recent = storage.recent_inputs(Some(key), MOST_INPUTS).await?;
    let took = |row: &InboxRow| {
        row.run_id != *run
            && (row.merged_into.as_ref() == Some(run) || shown.contains(&row.message_id))
    };
    Ok(recent.into_iter().filter(took).collect())
}

/// Whether the owner alone speaks in all of these inputs.
pub(crate) async fn are_owners(
    storage: &dyn Storage,
    config: &Config,
    inputs: &[&InboxRow],
) -> Result<bool, StorageError> {
    for input in inputs {
        if !is_owner(storage, config, input).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn is_owner(
    storage: &dyn Storage,
    config: &Config,
    input: &InboxRow,
) -> Result<bool, StorageError> {
    if let Some(origin) = &input.options.origin {
        return Ok(origin.by_owner);
    }
    if input.is_of_own_program() {
        return Ok(input.options.by_owner);
    }
    let conversation = &input.inbound.conversation;
    // In a group others read along, and their words stand beside the owner's.
    if conversation.kind != ChatKind::Direct || input.principal == openclaw_storage::rows::HOOKS {
        return Ok(false);
    }
    if is_configured_owner(&config.session, &input.inbound) {
        return Ok(true);
    }
    let pairing = storage.pairing(&conversation.channel_id, &input.inbound.sender.id).await?;
    Ok(pairing.is_some_and(|row| row.is_owner))
}

/// Whether the owner alone speaks in a run, with what joined it.
pub(crate) async fn is_owners_run(
    storage: &dyn Storage,
    config: &Config,
    session: &Session,
    run: &RunId,
    inputs: &[InboxRow],
) -> Result<bool, StorageError> {
    let joined = joined(storage, session, run, &session.session_key).await?;
    let all: Vec<&InboxRow> = inputs.iter().chain(&joined).collect();
    are_owners(storage, config, &all).await
}
