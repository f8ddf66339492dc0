use std::sync::Arc;

use openclaw_core::RunId;
use openclaw_protocol::ScopeSet;
use openclaw_protocol::event::topic;
use serde::Deserialize;

use super::client::{Client, CloseReason};
use super::fan_out::Hub;
use super::queue::Outgoing;

/// Hears the live events of one run from within the gateway: what a connection hears of a run it
/// started, without a socket. Ends with its credential like one.
#[derive(Debug)]
pub struct RunListener {
    hub: Arc<Hub>,
    client: Arc<Client>,
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// New text.
    Delta {
        /// Only the new text.
        text: String,
        /// 0, 1, 2, … within the run; a gap is text that was dropped.
        index: u64,
        /// A new try begins: forget the text that came before.
        reset: bool,
    },
    /// The run works on something.
    Activity,
    /// Nothing more will be heard, for this reason.
    Closed(CloseReason),
}

#[derive(Deserialize)]
struct Event {
    params: Params,
}

#[derive(Deserialize)]
struct Params {
    topic: String,
    #[serde(default)]
    data: Data,
}

#[derive(Deserialize, Default)]
struct Data {
    #[serde(default)]
    text: String,
    #[serde(default)]
    index: u64,
    #[serde(default)]
    reset: bool,
}

impl Hub {
    /// Listens to a run that is yet to be accepted.
    pub fn listen(
        self: &Arc<Self>,
        principal: Arc<str>,
        scopes: ScopeSet,
        run: &RunId,
    ) -> RunListener {
        let client = self.connect();
        self.sign_in_quietly(&client, principal, scopes);
        self.watch_run(&client, run);
        RunListener { hub: self.clone(), client }
    }
}

impl RunListener {
    /// Waits for the next. Cancel-safe.
    pub async fn next(&self) -> Heard {
        loop {
            if let Some(heard) = self.try_next() {
                return heard;
            }
            match self.client.close_reason() {
                // The end of the run brings what a full queue dropped.
                None | Some(CloseReason::SlowReader | CloseReason::NoPong) => {}
                Some(reason) => return Heard::Closed(reason),
            }
            self.client.changed().await;
        }
    }

    /// What was heard already.
    pub fn try_next(&self) -> Option<Heard> {
        loop {
            match self.client.try_next()? {
                Outgoing::Event(text) => {
                    self.client.is_alive();
                    let Ok(event) = serde_json::from_str::<Event>(&text) else { continue };
                    return Some(match event.params.topic.as_str() {
                        topic::AGENT_DELTA => {
                            let Data { text, index, reset } = event.params.data;
                            Heard::Delta { text, index, reset }
                        }
                        _ => Heard::Activity,
                    });
                }
                Outgoing::Ping => self.client.is_alive(),
                Outgoing::Answer(..) => {}
            }
        }
    }
}

impl Drop for RunListener {
    fn drop(&mut self) {
        self.hub.leave_quietly(&self.client);
    }
}
