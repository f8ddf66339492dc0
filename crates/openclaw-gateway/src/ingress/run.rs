use openclaw_agents::{NewSession, SessionRun};
use openclaw_core::{
    ChannelId, ChatId, ChatKind, Conversation, ExternalId, Inbound, InboundKind, MediaRef,
    MessageContent, RunId, Sender, SessionKey, UserId,
};
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_sessions::Wake;
use openclaw_storage::rows::{InboxRow, InputState, RunOptions, StoredError};
use openclaw_storage::{ApplyError, Conflict, TranscriptDraft};

use super::GatewayIngress;
use super::scrub::scrub;
use super::store::{RunStart, is_race, unusable_id};
use crate::observe::request_id;

const TRIES: u32 = 16;

/// A run asked for by a client.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// The credential's name.
    pub principal: String,
    /// The session; made when it does not live.
    pub session_key: SessionKey,
    /// The text.
    pub message: String,
    /// Files, stored already.
    pub media: Vec<MediaRef>,
    /// What the run is asked for besides.
    pub options: RunOptions,
    /// The chat that the answer is sent to; without one it stays in the session, for clients.
    pub conversation: Option<Conversation>,
    /// What was said before, where this begins a session; else the session's own transcript counts.
    pub history: Vec<TranscriptDraft>,
    /// The caller's idempotency key; a fresh id otherwise.
    pub run_id: Option<RunId>,
}

/// Who began a run.
enum Begun {
    /// A client or a program.
    FromOutside,
    /// Another session's run; what a session is like that begins with this one.
    ByASession(Option<Box<NewSession>>),
}

/// A run that is stored.
#[derive(Debug, Clone)]
pub struct AcceptedRun {
    /// The run.
    pub run_id: RunId,
    /// Its session.
    pub session_key: SessionKey,
    /// The row of an earlier call with the same key; nothing was started by this one.
    pub existing: Option<Box<InboxRow>>,
    /// Why its turn cannot run; the input is stored and ends refused.
    pub refusal: Option<StoredError>,
}

impl GatewayIngress {
    /// Stores a client's message as an input of the `web` channel and wakes its lane.
    ///
    /// A message without an answer of its commit may be stored all the same: the same key asks for it
    /// again, and starts nothing new.
    ///
    /// # Errors
    /// `Conflict` when another principal used the key, `Overloaded` when too many inputs wait or the
    /// session keeps changing, `Database` when the store fails.
    pub async fn accept_run(&self, request: RunRequest) -> Result<AcceptedRun, OpenClawError> {
        self.accept_as(request, Begun::FromOutside).await
    }

    /// Stores what another session's run begins, as an input of the `web` channel that is no chat
    /// command whatever it says.
    ///
    /// # Errors
    /// As [`Self::accept_run`].
    pub async fn accept_session_run(&self, run: SessionRun) -> Result<AcceptedRun, OpenClawError> {
        let request = RunRequest {
            principal: run.principal,
            session_key: run.session_key,
            message: run.text,
            media: Vec::new(),
            options: run.options,
            conversation: None,
            history: Vec::new(),
            run_id: Some(run.run_id),
        };
        self.accept_as(request, Begun::ByASession(run.begins)).await
    }

    async fn accept_as(
        &self,
        request: RunRequest,
        begun: Begun,
    ) -> Result<AcceptedRun, OpenClawError> {
        // A run that exists is found by the store's refusal of a second one.
        let run_id = match &request.run_id {
            Some(run_id) => run_id.clone(),
            None => RunId::new(self.deps.ids.new_id()).map_err(unusable_id)?,
        };
        let config = self.config();
        if !self
            .backlog
            .has_room(
                self.deps.storage.as_ref(),
                self.deps.clock.as_ref(),
                config.gateway.max_backlog,
            )
            .await
        {
            if let Some(existing) = self.existing_run(&run_id, &request.principal).await? {
                return Ok(existing);
            }
            return Err(OpenClawError::new(
                ErrorKind::Overloaded,
                "too many messages wait to be answered",
            )
            .with_hint("try again later, or raise gateway.max_backlog")
            .with_retry_after(std::time::Duration::from_secs(1)));
        }
        if let Some(request_id) = request_id() {
            tracing::debug!(%run_id, request_id, session_key = %request.session_key, "a run is asked for");
        }
        let start = RunStart {
            run_id: run_id.clone(),
            principal: request.principal.clone(),
            options: RunOptions {
                request_id: request.options.request_id.clone().or_else(request_id),
                ..request.options.clone()
            },
            history: request.history.clone(),
        };
        let mut inbound = self.inbound_of(&request, &run_id)?;
        if let Begun::ByASession(_) = begun {
            inbound.content = MessageContent::System { text: request.message.clone() };
            scrub(&mut inbound);
        }
        let mut arrival = self.arrival(inbound, request.session_key.clone(), true).await;
        if let Begun::ByASession(begins) = begun {
            arrival.begins = begins;
        }
        for _ in 0..TRIES {
            let prepared = self.input_batch(&arrival, &start).await?;
            match self.deps.storage.apply(prepared.batch).await {
                Ok(_) => {
                    self.backlog.stored();
                    self.after_command(&arrival, &run_id).await;
                    self.deps.lanes.wake(&arrival.session_key, Wake::Input);
                    let runner = &self.deps.runner;
                    let refusal = (!runner.stands_alone(&arrival.inbound))
                        .then(|| runner.refusal(&config, &prepared.session, &start.options))
                        .flatten();
                    return Ok(AcceptedRun {
                        run_id,
                        session_key: arrival.session_key,
                        existing: None,
                        refusal,
                    });
                }
                Err(ApplyError::Conflict(
                    Conflict::RunIdTaken { .. } | Conflict::DuplicateInput { .. },
                )) => {
                    if let Some(existing) = self.existing_run(&run_id, &request.principal).await? {
                        return Ok(existing);
                    }
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

    async fn existing_run(
        &self,
        run_id: &RunId,
        principal: &str,
    ) -> Result<Option<AcceptedRun>, OpenClawError> {
        let Some(row) = self.deps.storage.input_by_run(run_id).await? else { return Ok(None) };
        if row.principal != principal {
            return Err(OpenClawError::conflict("the idempotency key is in use by another caller")
                .with_field("idempotency_key")
                .with_hint("use a fresh key"));
        }
        if !row.state.is_final() {
            // The answer of its commit may have been lost, and then nobody has told the lane.
            self.again_after_command(&row).await;
            self.deps.lanes.wake(&row.session_key, Wake::Input);
        }
        let refusal = self.refusal_of_waiting(&row).await?;
        Ok(Some(AcceptedRun {
            run_id: row.run_id.clone(),
            session_key: row.session_key.clone(),
            refusal,
            existing: Some(Box::new(row)),
        }))
    }

    /// Why a stored input whose turn has not begun will be refused: its lane is about to.
    async fn refusal_of_waiting(
        &self,
        row: &InboxRow,
    ) -> Result<Option<StoredError>, OpenClawError> {
        if row.state != InputState::Waiting || self.deps.runner.stands_alone(&row.inbound) {
            return Ok(None);
        }
        let session = self.deps.storage.session(&row.session_id).await?;
        Ok(session
            .and_then(|session| self.deps.runner.refusal(&self.config(), &session, &row.options)))
    }

    fn inbound_of(&self, request: &RunRequest, run_id: &RunId) -> Result<Inbound, OpenClawError> {
        let content = if request.media.is_empty() {
            MessageContent::text(request.message.clone())
        } else {
            MessageContent::Media {
                media: request.media.clone(),
                caption: Some(request.message.clone()).filter(|text| !text.is_empty()),
            }
        };
        let mut inbound = Inbound {
            conversation: match &request.conversation {
                Some(conversation) => conversation.clone(),
                None => Conversation {
                    channel_id: ChannelId::web(),
                    chat_id: ChatId::new(request.session_key.rest()).map_err(unusable_id)?,
                    kind: ChatKind::Direct,
                    thread_id: None,
                    title: None,
                },
            },
            external_id: ExternalId::new(run_id.as_str()).map_err(unusable_id)?,
            kind: InboundKind::Message,
            sender: Sender {
                id: UserId::new(request.principal.clone()).map_err(unusable_id)?,
                display_name: None,
                username: None,
                roles: Vec::new(),
                is_bot: false,
            },
            content,
            reply_to: None,
            mentions_self: true,
            sent_at: self.deps.clock.now(),
        };
        scrub(&mut inbound);
        Ok(inbound)
    }
}
