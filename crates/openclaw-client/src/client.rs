use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use openclaw_protocol::envelope::{ServerFrame, request};
use openclaw_protocol::{ErrorObject, EventParams, Method};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::{ClientError, Transport};

/// Calls waiting to be sent; a caller waits for a place.
const CALLS: usize = 64;
/// Events not yet read; beyond it the connection is not read either, which the gateway sees.
const EVENTS: usize = 1024;
/// Longer than the longest long poll.
const DEFAULT_LIMIT: Duration = Duration::from_secs(60);

type Answer = Result<Box<RawValue>, ErrorObject>;

struct Call {
    id: u64,
    text: String,
    answer: oneshot::Sender<Answer>,
}

/// A connection to a gateway. Clones share it; it ends when the last one is dropped.
#[derive(Debug, Clone)]
pub struct Client {
    calls: mpsc::Sender<Call>,
    next_id: Arc<AtomicU64>,
    tasks: TaskTracker,
}

/// The events that a connection brings, in order.
#[derive(Debug)]
pub struct Events(mpsc::Receiver<EventParams>);

impl Events {
    /// The next event; `None` when the connection is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<EventParams> {
        self.0.recv().await
    }
}

impl Client {
    /// Works over a transport from now on.
    pub fn start(transport: Box<dyn Transport>) -> (Self, Events) {
        let (calls, call_queue) = mpsc::channel(CALLS);
        let (event_sender, events) = mpsc::channel(EVENTS);
        let tasks = TaskTracker::new();
        tasks.spawn(drive(transport, call_queue, event_sender));
        tasks.close();
        (Self { calls, next_id: Arc::new(AtomicU64::new(1)), tasks }, Events(events))
    }

    /// Calls a method and waits for its result, at most a minute.
    ///
    /// # Errors
    /// [`ClientError::Rpc`] with the gateway's error; otherwise what became of the connection.
    pub async fn call<M: Method>(&self, params: &M::Params) -> Result<M::Result, ClientError> {
        self.call_within::<M>(params, DEFAULT_LIMIT).await
    }

    /// Calls a method and waits for its result, at most `limit`.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn call_within<M: Method>(
        &self,
        params: &M::Params,
        limit: Duration,
    ) -> Result<M::Result, ClientError> {
        let raw = self.call_raw(M::NAME, params, limit).await?;
        serde_json::from_str(raw.get()).map_err(ClientError::Unreadable)
    }

    /// Calls a method by name with any params.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn call_raw<P: Serialize>(
        &self,
        method: &str,
        params: &P,
        limit: Duration,
    ) -> Result<Box<RawValue>, ClientError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let text = request(id, method, params).map_err(ClientError::Unreadable)?;
        let (answer, answered) = oneshot::channel();
        let asking = async {
            self.calls.send(Call { id, text, answer }).await.map_err(|_| ClientError::Lost)?;
            answered.await.map_err(|_| ClientError::Lost)?.map_err(ClientError::Rpc)
        };
        match timeout(limit, asking).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ClientError::TimedOut { seconds: limit.as_secs() }),
        }
    }

    /// Ends the connection and waits until it is closed.
    pub async fn close(self) {
        let tasks = self.tasks.clone();
        drop(self);
        if timeout(Duration::from_secs(2), tasks.wait()).await.is_err() {
            tracing::debug!("the connection did not close in time");
        }
    }
}

/// Owns the transport: sends calls, hands answers and events on.
async fn drive(
    mut transport: Box<dyn Transport>,
    mut calls: mpsc::Receiver<Call>,
    events: mpsc::Sender<EventParams>,
) {
    let mut waiting: HashMap<u64, oneshot::Sender<Answer>> = HashMap::new();
    loop {
        // Cancel-safe: both receivers are.
        tokio::select! {
            call = calls.recv() => {
                let Some(call) = call else { break };
                if transport.send(call.text).await.is_err() {
                    break;
                }
                waiting.insert(call.id, call.answer);
                waiting.retain(|_, answer| !answer.is_closed());
            }
            text = transport.receive() => {
                let Ok(Some(text)) = text else { break };
                match ServerFrame::parse(&text) {
                    Ok(Some(ServerFrame::Response { id, outcome })) => {
                        let caller = id.as_u64().and_then(|id| waiting.remove(&id));
                        // A caller that gave up is gone.
                        if let Some(Err(_)) = caller.map(|caller| caller.send(outcome)) {
                            tracing::debug!("an answer came after its caller had left");
                        }
                    }
                    Ok(Some(ServerFrame::Event(event))) => {
                        if !events.is_closed() && events.send(event).await.is_err() {
                            tracing::debug!("an event came after its reader had left");
                        }
                    }
                    Ok(None) => {}
                    Err(error) => tracing::warn!(%error, "the gateway sent a frame that cannot be read"),
                }
            }
        }
    }
    transport.close().await;
}
