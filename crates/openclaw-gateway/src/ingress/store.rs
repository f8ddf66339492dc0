use openclaw_agents::NewSession;
use openclaw_core::{
    Direction, ExternalId, Inbound, InboundKind, InboxId, Message, MessageId, RunId, Session,
    SessionId, SessionKey,
};
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_sessions::{Wake, renewed, replies_back_to, reset_due};
use openclaw_storage::rows::{InputState, RunOptions, StoredError};
use openclaw_storage::{
    ApplyError, Batch, Conflict, EventDraft, Fence, LogEntry, NewInput, NewMessage, SessionPatch,
    TranscriptDraft, Write,
};

use super::GatewayIngress;
use crate::commands::Answer;

/// How often a batch is built anew because another event changed the session meanwhile.
const TRIES: u32 = 16;

/// An event that may come in, and where it goes.
pub(super) struct Arrival {
    pub(super) inbound: Inbound,
    pub(super) session_key: SessionKey,
    /// Whether it starts a turn: a group message that does not address the assistant does not.
    pub(super) starts_turn: bool,
    /// Whether it ends the session and begins another.
    pub(super) begins_anew: bool,
    /// Whether it ends the runs of the session that are older.
    pub(super) stops_others: bool,
    /// The answer to a command that asks, if it is one by an owner.
    pub(super) approves: Option<Answer>,
    /// What a session is like that begins with it, where another session's run begins it.
    pub(super) begins: Option<Box<NewSession>>,
}

/// What became of it.
pub(super) enum Stored {
    /// It waits for a turn.
    Started {
        /// The run.
        run_id: RunId,
    },
    /// It is kept and starts nothing.
    Noted,
    /// It was there before.
    Duplicate,
}

/// How an event that starts no turn ends.
pub(super) enum Fate {
    /// Kept for the record.
    Noted,
    /// It changed this message, whose run it belongs to.
    Edited {
        /// The changed message.
        message: Box<Message>,
    },
}

/// What a run is started with besides its event.
pub(super) struct RunStart {
    pub(super) run_id: RunId,
    pub(super) principal: String,
    pub(super) options: RunOptions,
    /// What was said before a session that begins with this run.
    pub(super) history: Vec<TranscriptDraft>,
}

/// A batch ready to commit.
pub(super) struct InputBatch {
    pub(super) batch: Batch,
    pub(super) session: Session,
}

impl GatewayIngress {
    pub(super) async fn store_input(&self, arrival: &Arrival) -> Result<Stored, OpenClawError> {
        if !arrival.starts_turn {
            return self.store_without_turn(arrival, Fate::Noted).await;
        }
        let start = RunStart {
            run_id: RunId::new(self.deps.ids.new_id()).map_err(unusable_id)?,
            principal: format!("channel:{}", arrival.inbound.conversation.channel_id),
            options: RunOptions::default(),
            history: Vec::new(),
        };
        for _ in 0..TRIES {
            let mut prepared = self.input_batch(arrival, &start).await?;
            prepared.batch.fences.extend(self.account_fence(arrival));
            match self.deps.storage.apply(prepared.batch).await {
                Ok(_) => {
                    self.backlog.stored();
                    self.after_command(arrival, &start.run_id).await;
                    self.deps.lanes.wake(&arrival.session_key, Wake::Input);
                    return Ok(Stored::Started { run_id: start.run_id });
                }
                Err(ApplyError::Conflict(Conflict::DuplicateInput { .. })) => {
                    // The first time its commit may have gone through and only the answer been
                    // lost; then nobody has told the lane.
                    self.answer_approval(arrival);
                    if arrival.begins_anew || arrival.stops_others {
                        self.again_after_duplicate(arrival).await?;
                    }
                    self.deps.lanes.wake(&arrival.session_key, Wake::Input);
                    return Ok(Stored::Duplicate);
                }
                Err(ApplyError::Conflict(conflict)) if is_race(&conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(OpenClawError::new(
            ErrorKind::Overloaded,
            "the session kept changing while a message was stored",
        ))
    }

    async fn again_after_duplicate(&self, arrival: &Arrival) -> Result<(), OpenClawError> {
        let Inbound { conversation, external_id, .. } = &arrival.inbound;
        let (channel, chat) = (&conversation.channel_id, &conversation.chat_id);
        let found = self.deps.storage.input_by_external_id(channel, chat, external_id).await?;
        if let Some(row) = found {
            self.again_after_command(&row).await;
        }
        Ok(())
    }

    /// Keeps a gateway that lost the account from accepting for it. Where no other gateway can take
    /// it, nothing is to be fenced.
    fn account_fence(&self, arrival: &Arrival) -> Option<Fence> {
        if !self.deps.storage.is_shared() {
            return None;
        }
        self.deps.channels.fence(&arrival.inbound.conversation.channel_id)
    }

    pub(super) async fn store_without_turn(
        &self,
        arrival: &Arrival,
        fate: Fate,
    ) -> Result<Stored, OpenClawError> {
        for _ in 0..TRIES {
            let mut batch = self.noted_batch(arrival, &fate).await?;
            batch.fences.extend(self.account_fence(arrival));
            match self.deps.storage.apply(batch).await {
                Ok(_) => return Ok(Stored::Noted),
                Err(ApplyError::Conflict(Conflict::DuplicateInput { .. })) => {
                    return Ok(Stored::Duplicate);
                }
                Err(ApplyError::Conflict(conflict)) if is_race(&conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(OpenClawError::new(
            ErrorKind::Overloaded,
            "the session kept changing while an event was stored",
        ))
    }

    /// The one batch that makes an input accepted: session, message, event, inbox row.
    pub(super) async fn input_batch(
        &self,
        arrival: &Arrival,
        start: &RunStart,
    ) -> Result<InputBatch, OpenClawError> {
        let now = self.deps.clock.now();
        let mut batch = Batch::new();
        let session = self.session_for(arrival, &mut batch).await?;
        let begins = batch.writes.iter().any(|write| matches!(write, Write::CreateSession(_)));
        for entry in start.history.iter().filter(|_| begins) {
            batch.push(Write::Append(Box::new(LogEntry {
                session_id: session.id.clone(),
                session_key: arrival.session_key.clone(),
                run_id: None,
                message: None,
                transcript: Some(entry.clone()),
                event: None,
                at: now,
            })));
        }
        let message_id = MessageId::new(self.deps.ids.new_id()).map_err(unusable_id)?;
        batch.push(self.message_entry(arrival, &session, &message_id, Some(&start.run_id)));
        let config = self.config();
        batch.push(Write::AcceptInput(Box::new(NewInput {
            id: InboxId::new(self.deps.ids.new_id()).map_err(unusable_id)?,
            run_id: start.run_id.clone(),
            principal: start.principal.clone(),
            session_id: session.id.clone(),
            session_key: arrival.session_key.clone(),
            message_id,
            inbound: arrival.inbound.clone(),
            options: start.options.clone(),
            reply_back: replies_back_to(&config, &session, &arrival.inbound),
            state: InputState::Waiting,
            error: None,
            merged_into: None,
            at: now,
        })));
        Ok(InputBatch { batch, session })
    }

    async fn noted_batch(&self, arrival: &Arrival, fate: &Fate) -> Result<Batch, OpenClawError> {
        let now = self.deps.clock.now();
        let mut batch = Batch::new();
        let session = self.session_for(arrival, &mut batch).await?;
        let (message_id, state, error, merged_into) = match fate {
            Fate::Noted => {
                let id = MessageId::new(self.deps.ids.new_id()).map_err(unusable_id)?;
                batch.push(self.message_entry(arrival, &session, &id, None));
                (id, InputState::Refused, Some(not_addressed(&arrival.inbound.kind)), None)
            }
            Fate::Edited { message } => {
                batch.push(Write::EditMessage {
                    id: message.id.clone(),
                    content: arrival.inbound.content.clone(),
                    edited_at: arrival.inbound.sent_at,
                });
                (message.id.clone(), InputState::Merged, None, message.run_id.clone())
            }
        };
        batch.push(Write::AcceptInput(Box::new(NewInput {
            id: InboxId::new(self.deps.ids.new_id()).map_err(unusable_id)?,
            run_id: RunId::new(self.deps.ids.new_id()).map_err(unusable_id)?,
            principal: format!("channel:{}", arrival.inbound.conversation.channel_id),
            session_id: session.id,
            session_key: arrival.session_key.clone(),
            message_id,
            inbound: arrival.inbound.clone(),
            options: RunOptions::default(),
            reply_back: false,
            state,
            error,
            merged_into,
            at: now,
        })));
        Ok(batch)
    }

    /// The live session of the key, or a new one whose creation joins the batch; a session that is due
    /// for a reset is ended first.
    pub(super) async fn session_for(
        &self,
        arrival: &Arrival,
        batch: &mut Batch,
    ) -> Result<Session, OpenClawError> {
        let now = self.deps.clock.now();
        let config = self.config();
        let found = self.deps.storage.session_by_key(&arrival.session_key).await?;
        let fresh = match found {
            Some(session) => {
                let due = if arrival.begins_anew {
                    Some("asked for".to_owned())
                } else {
                    reset_due(&session, &config.session.reset, now, &self.deps.time_zone)
                        .map(|reason| format!("{reason:?}"))
                };
                match due {
                    None => {
                        batch.push(Write::UpdateSession {
                            id: session.id.clone(),
                            patch: SessionPatch {
                                last_activity_at: Some(now),
                                ..SessionPatch::default()
                            },
                        });
                        return Ok(session);
                    }
                    Some(reason) => {
                        tracing::info!(session = %arrival.session_key, reason, "the session is reset");
                        let id = SessionId::new(self.deps.ids.new_id()).map_err(unusable_id)?;
                        batch.push(Write::EndSession { id: session.id.clone(), at: now });
                        renewed(&session, id, now)
                    }
                }
            }
            None => self.new_session(arrival)?,
        };
        batch.push(Write::CreateSession(Box::new(fresh.clone())));
        Ok(fresh)
    }

    fn new_session(&self, arrival: &Arrival) -> Result<Session, OpenClawError> {
        let (now, inbound) = (self.deps.clock.now(), &arrival.inbound);
        let mut session = Session::begin(
            SessionId::new(self.deps.ids.new_id()).map_err(unusable_id)?,
            arrival.session_key.clone(),
            inbound.conversation.channel_id.clone(),
            inbound.sender.id.clone(),
            inbound.conversation.chat_id.clone(),
            now,
        );
        if let Some(begins) = &arrival.begins {
            session.label.clone_from(&begins.label);
            session.config = begins.config.clone();
            session.context.spawned = Some(Box::new(begins.spawned.clone()));
        }
        Ok(session)
    }

    fn message_entry(
        &self,
        arrival: &Arrival,
        session: &Session,
        id: &MessageId,
        run: Option<&RunId>,
    ) -> Write {
        let inbound = &arrival.inbound;
        Write::Append(Box::new(LogEntry {
            session_id: session.id.clone(),
            session_key: arrival.session_key.clone(),
            run_id: run.cloned(),
            message: Some(NewMessage {
                id: id.clone(),
                channel_id: inbound.conversation.channel_id.clone(),
                direction: Direction::Inbound,
                sender: Some(inbound.sender.clone()),
                chat: inbound.conversation.address(),
                content: inbound.content.clone(),
                reply_to: inbound.reply_to.as_ref().map(|reply| reply.external_id.clone()),
                external_id: Some(inbound.external_id.clone()),
            }),
            transcript: None,
            event: Some(EventDraft {
                topic: "message.received",
                message_id: Some(id.clone()),
                data: None,
            }),
            at: self.deps.clock.now(),
        }))
    }

    /// The stored message that an external id stands for.
    pub(super) async fn message_of(
        &self,
        arrival: &Arrival,
        target: &ExternalId,
    ) -> Result<Option<Message>, OpenClawError> {
        let conversation = &arrival.inbound.conversation;
        let found = self
            .deps
            .storage
            .message_by_external_id(&conversation.channel_id, &conversation.chat_id, target)
            .await?;
        Ok(found)
    }
}

/// Whether building the batch anew can succeed.
pub(super) fn is_race(conflict: &Conflict) -> bool {
    matches!(
        conflict,
        Conflict::SessionKeyTaken { .. } | Conflict::Missing { .. } | Conflict::StateChanged { .. }
    )
}

pub(super) fn unusable_id(error: openclaw_core::InvalidId) -> OpenClawError {
    OpenClawError::internal("the id source gave an unusable id").with_source(error)
}

fn not_addressed(kind: &InboundKind) -> StoredError {
    let message = match kind {
        InboundKind::Reaction { .. } => "a reaction starts no turn",
        InboundKind::Message | InboundKind::Edit { .. } => {
            "the message does not address the assistant"
        }
    };
    StoredError { code: "not_addressed".to_owned(), message: message.to_owned(), hint: None }
}
