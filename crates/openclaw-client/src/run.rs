use std::time::Duration;

use async_trait::async_trait;
use openclaw_core::{RunId, RunStatus, SessionKey};
use openclaw_protocol::EventParams;
use openclaw_protocol::event::{
    AgentDeltaEvent, AgentDoneEvent, AgentErrorEvent, AgentToolEvent, topic,
};
use openclaw_protocol::methods::{
    AgentRun, AgentRunParams, AgentStatus, AgentStatusParams, RunInfo, Subscribe, SubscribeParams,
};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use crate::{Client, ClientError, Events};

/// How long a lost gateway is looked for while a run is followed.
const RECONNECT_LIMIT: Duration = Duration::from_secs(30);
const RECONNECT_PAUSE: Duration = Duration::from_millis(300);

/// Connects to the gateway, again where the connection was lost.
#[async_trait]
pub trait Connect: Send + Sync {
    /// Connects.
    async fn connect(&self) -> Result<(Client, Events), ClientError>;
}

/// What a followed run reports.
#[derive(Debug, Clone, PartialEq)]
pub enum RunUpdate {
    /// New text; with `reset` what came before is to be forgotten.
    Delta(AgentDeltaEvent),
    /// A tool call.
    Tool(AgentToolEvent),
    /// The connection was lost and is there again; text may have been missed.
    Reconnected,
    /// It ended with an answer.
    Done(AgentDoneEvent),
    /// It ended without an answer.
    Failed(AgentErrorEvent),
    /// It ended in another way: merged, stopped, timed out.
    Ended(Box<RunInfo>),
}

/// A run that was started and is followed to its end, over lost connections.
pub struct FollowedRun<'a> {
    connect: &'a dyn Connect,
    client: Client,
    events: Events,
    run_id: RunId,
    session_key: SessionKey,
    last_seq: Option<i64>,
    ended: bool,
}

impl<'a> FollowedRun<'a> {
    /// Starts a run. `params.idempotency_key` should be given: it lets a lost connection be repaired
    /// without starting the run twice.
    ///
    /// # Errors
    /// What the gateway says, or what became of the connection.
    pub async fn start(
        connect: &'a dyn Connect,
        params: AgentRunParams,
    ) -> Result<Self, ClientError> {
        let (client, events) = connect.connect().await?;
        let begun = client.call::<AgentRun>(&params).await?;
        Ok(Self {
            connect,
            client,
            events,
            run_id: begun.run_id,
            session_key: begun.session_key,
            last_seq: None,
            ended: begun.status.is_final(),
        })
    }

    /// The run.
    pub fn run_id(&self) -> &RunId {
        &self.run_id
    }

    /// Its session.
    pub fn session_key(&self) -> &SessionKey {
        &self.session_key
    }

    /// The connection it is followed on.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The next update; the last one is `Done`, `Failed` or `Ended`.
    ///
    /// # Errors
    /// When the gateway stays away for 30 s.
    pub async fn next(&mut self) -> Result<RunUpdate, ClientError> {
        loop {
            if self.ended {
                return self.final_state().await;
            }
            let Some(event) = self.events.next().await else {
                self.reconnect().await?;
                return Ok(RunUpdate::Reconnected);
            };
            if event.run_id.as_ref() != Some(&self.run_id) {
                continue;
            }
            self.last_seq = event.seq.or(self.last_seq);
            if let Some(update) = read(event)? {
                return Ok(update);
            }
        }
    }

    async fn final_state(&mut self) -> Result<RunUpdate, ClientError> {
        let params =
            AgentStatusParams { run_id: Some(self.run_id.clone()), ..AgentStatusParams::default() };
        let status = self.client.call::<AgentStatus>(&params).await?;
        match status.runs.into_iter().next() {
            Some(run) => Ok(RunUpdate::Ended(Box::new(run))),
            None => Err(ClientError::Lost),
        }
    }

    async fn reconnect(&mut self) -> Result<(), ClientError> {
        let give_up = Instant::now() + RECONNECT_LIMIT;
        loop {
            match self.try_reconnect().await {
                Ok(()) => return Ok(()),
                Err(error @ (ClientError::Rpc(_) | ClientError::Refused { .. })) => {
                    return Err(error);
                }
                Err(error) if Instant::now() >= give_up => return Err(error),
                Err(_) => sleep(RECONNECT_PAUSE).await,
            }
        }
    }

    async fn try_reconnect(&mut self) -> Result<(), ClientError> {
        let (client, events) = self.connect.connect().await?;
        let params = SubscribeParams {
            topics: vec!["agent.*".to_owned()],
            session_key: Some(self.session_key.clone()),
            from_seq: Some(self.last_seq.map_or(0, |seq| seq + 1)),
        };
        client.call::<Subscribe>(&params).await?;
        let params =
            AgentStatusParams { run_id: Some(self.run_id.clone()), ..AgentStatusParams::default() };
        let status = client.call::<AgentStatus>(&params).await?;
        self.ended = status.runs.first().is_some_and(|run| {
            run.status.is_final() && !matches!(run.status, RunStatus::Done | RunStatus::Error)
        });
        (self.client, self.events) = (client, events);
        Ok(())
    }
}

fn read(event: EventParams) -> Result<Option<RunUpdate>, ClientError> {
    Ok(match event.topic.as_ref() {
        topic::AGENT_DELTA => Some(RunUpdate::Delta(data(event)?)),
        topic::AGENT_TOOL => Some(RunUpdate::Tool(data(event)?)),
        topic::AGENT_DONE => Some(RunUpdate::Done(data(event)?)),
        topic::AGENT_ERROR => Some(RunUpdate::Failed(data(event)?)),
        _ => None,
    })
}

fn data<T: DeserializeOwned>(event: EventParams) -> Result<T, ClientError> {
    serde_json::from_value(event.data).map_err(ClientError::Unreadable)
}
