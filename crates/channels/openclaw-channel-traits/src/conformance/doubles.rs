use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use openclaw_core::{ChannelId, ChatId, ExternalId, Inbound, RunId};
use tokio::sync::{Notify, watch};

use crate::{Accept, ChannelState, Ingress, StatusReport, StatusSink};

/// An ingress that keeps what is handed in and answers from a script, then `Accepted`.
#[derive(Debug)]
pub(super) struct ScriptedIngress {
    answers: Mutex<VecDeque<Accept>>,
    handed_in: watch::Sender<Vec<Inbound>>,
    gate: watch::Sender<bool>,
}

impl ScriptedIngress {
    pub(super) fn new(answers: impl IntoIterator<Item = Accept>) -> Self {
        Self {
            answers: Mutex::new(answers.into_iter().collect()),
            handed_in: watch::Sender::new(Vec::new()),
            gate: watch::Sender::new(true),
        }
    }

    /// Whether answers are given, or `accept` waits.
    pub(super) fn set_open(&self, open: bool) {
        self.gate.send_replace(open);
    }

    /// What was handed in so far, in order, what was answered `Busy` too.
    pub(super) fn handed_in(&self) -> Vec<Inbound> {
        self.handed_in.borrow().clone()
    }

    /// Waits until this many events were handed in.
    pub(super) async fn wait_for(&self, count: usize) -> Vec<Inbound> {
        let mut events = self.handed_in.subscribe();
        let reached = events.wait_for(|events| events.len() >= count).await;
        reached.map(|events| events.clone()).unwrap_or_default()
    }
}

#[async_trait]
impl Ingress for ScriptedIngress {
    async fn accept(&self, inbound: Inbound) -> Accept {
        let run_id = run_id_of(&inbound.external_id);
        self.handed_in.send_modify(|events| events.push(inbound));
        let mut gate = self.gate.subscribe();
        if gate.wait_for(|open| *open).await.is_err() {
            return Accept::Busy;
        }
        let scripted = self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        scripted.unwrap_or(Accept::Accepted { run_id })
    }

    async fn chat_migrated(&self, _channel: &ChannelId, _from: &ChatId, _to: &ChatId) {}
}

fn run_id_of(event: &ExternalId) -> RunId {
    let text: String =
        event.as_str().chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    RunId::new(format!("run-{text}")).expect("letters and digits are a run id")
}

/// A status sink that keeps all reports.
#[derive(Debug, Default)]
pub(super) struct RecordedStatus {
    reports: Mutex<Vec<StatusReport>>,
    changed: Notify,
}

impl RecordedStatus {
    pub(super) fn reports(&self) -> Vec<StatusReport> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) async fn wait_connected(&self) {
        loop {
            let changed = self.changed.notified();
            if self.reports().iter().any(|report| report.state == ChannelState::Connected) {
                return;
            }
            changed.await;
        }
    }
}

impl StatusSink for RecordedStatus {
    fn report(&self, report: StatusReport) {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).push(report);
        self.changed.notify_one();
    }

    fn alive(&self) {}
}
