//! Inputs that nobody sends: what a job or a heartbeat says.

use openclaw_core::{
    ChannelId, ChatId, ChatKind, Conversation, ExternalId, Inbound, InboundKind, MessageContent,
    RunId, Sender, SessionKey, UserId,
};
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_sessions::Wake;
use openclaw_storage::rows::RunOptions;
use openclaw_storage::{ApplyError, Batch, Conflict, LogEntry, Write};

use super::GatewayIngress;
use super::scrub::scrub;
use super::store::{Arrival, RunStart, is_race, unusable_id};

const TRIES: u32 = 16;

/// An input of the gateway's own.
#[derive(Debug, Clone)]
pub(crate) struct Scheduled {
    /// The run, which is also the event's id: the same one is stored once.
    pub(crate) run_id: RunId,
    /// Whose run it is.
    pub(crate) principal: String,
    /// The session; made when it does not live.
    pub(crate) session_key: SessionKey,
    /// The channel of whoever asked for it: what the run may use follows from it.
    pub(crate) channel_id: ChannelId,
    /// The person who asked for it.
    pub(crate) sender: UserId,
    /// The chat that the answer is sent to by the run itself.
    pub(crate) reply_to: Option<Conversation>,
    /// What is said.
    pub(crate) text: String,
    /// What the run is asked for besides.
    pub(crate) options: RunOptions,
    /// What is written with it, first.
    pub(crate) with: Vec<Write>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScheduledFate {
    /// It waits for its turn.
    Accepted,
    /// Another gateway was first, or the job is another by now; nothing was written.
    Taken,
}

impl GatewayIngress {
    /// Stores an input of the gateway's own with what goes along, and wakes its lane.
    ///
    /// # Errors
    /// `Overloaded` when the session keeps changing, `Database` when the store fails.
    pub(crate) async fn accept_scheduled(
        &self,
        scheduled: &Scheduled,
    ) -> Result<ScheduledFate, OpenClawError> {
        let arrival = Arrival {
            inbound: self.scheduled_inbound(scheduled)?,
            session_key: scheduled.session_key.clone(),
            starts_turn: true,
            begins_anew: false,
            stops_others: false,
            approves: None,
            begins: None,
        };
        let start = RunStart {
            run_id: scheduled.run_id.clone(),
            principal: scheduled.principal.clone(),
            options: scheduled.options.clone(),
            history: Vec::new(),
        };
        for _ in 0..TRIES {
            let mut prepared = self.input_batch(&arrival, &start).await?;
            for write in &mut prepared.batch.writes {
                if let Write::AcceptInput(input) = write {
                    input.reply_back = scheduled.reply_to.is_some();
                }
            }
            let mut batch = Batch { fences: Vec::new(), writes: scheduled.with.clone() };
            batch.writes.append(&mut prepared.batch.writes);
            match self.deps.storage.apply(batch).await {
                Ok(_) => {
                    self.backlog.stored();
                    self.deps.lanes.wake(&arrival.session_key, Wake::Input);
                    return Ok(ScheduledFate::Accepted);
                }
                Err(ApplyError::Conflict(conflict)) if is_taken(&conflict) => {
                    self.deps.lanes.wake(&arrival.session_key, Wake::Input);
                    return Ok(ScheduledFate::Taken);
                }
                Err(ApplyError::Conflict(conflict)) if is_race(&conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(changing())
    }

    /// Notes in a session what the model reads with its next turn; with what goes along.
    ///
    /// # Errors
    /// As [`Self::accept_scheduled`].
    pub(crate) async fn note_event(
        &self,
        scheduled: &Scheduled,
    ) -> Result<ScheduledFate, OpenClawError> {
        let arrival = Arrival {
            inbound: self.scheduled_inbound(scheduled)?,
            session_key: scheduled.session_key.clone(),
            starts_turn: false,
            begins_anew: false,
            stops_others: false,
            approves: None,
            begins: None,
        };
        for _ in 0..TRIES {
            let mut batch = Batch { fences: Vec::new(), writes: scheduled.with.clone() };
            let session = self.session_for(&arrival, &mut batch).await?;
            batch.push(Write::Append(Box::new(LogEntry {
                session_id: session.id,
                session_key: scheduled.session_key.clone(),
                run_id: None,
                message: None,
                transcript: Some(openclaw_agents::noted_event(&scheduled.text)),
                event: None,
                at: self.deps.clock.now(),
            })));
            match self.deps.storage.apply(batch).await {
                Ok(_) => return Ok(ScheduledFate::Accepted),
                Err(ApplyError::Conflict(conflict)) if is_taken(&conflict) => {
                    return Ok(ScheduledFate::Taken);
                }
                Err(ApplyError::Conflict(conflict)) if is_race(&conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(changing())
    }

    fn scheduled_inbound(&self, scheduled: &Scheduled) -> Result<Inbound, OpenClawError> {
        let own = Conversation {
            channel_id: scheduled.channel_id.clone(),
            chat_id: ChatId::new(scheduled.session_key.rest()).map_err(unusable_id)?,
            kind: ChatKind::Direct,
            thread_id: None,
            title: None,
        };
        let mut inbound = Inbound {
            conversation: scheduled.reply_to.clone().unwrap_or(own),
            external_id: ExternalId::new(scheduled.run_id.as_str()).map_err(unusable_id)?,
            kind: InboundKind::Message,
            sender: Sender {
                id: scheduled.sender.clone(),
                display_name: None,
                username: None,
                roles: Vec::new(),
                is_bot: false,
            },
            content: MessageContent::text(scheduled.text.clone()),
            reply_to: None,
            mentions_self: true,
            sent_at: self.deps.clock.now(),
        };
        scrub(&mut inbound);
        Ok(inbound)
    }
}

fn changing() -> OpenClawError {
    let message = "the session kept changing while a scheduled message was stored";
    OpenClawError::new(ErrorKind::Overloaded, message)
}

/// Whether somebody else did what was to be done.
fn is_taken(conflict: &Conflict) -> bool {
    match conflict {
        Conflict::RunIdTaken { .. } | Conflict::DuplicateInput { .. } => true,
        Conflict::StateChanged { what, .. } | Conflict::Missing { what, .. } => {
            *what == "job" || *what == "job run"
        }
        _ => false,
    }
}
