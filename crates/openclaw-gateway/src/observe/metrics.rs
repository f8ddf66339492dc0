use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use openclaw_core::{RunId, Usage};
use openclaw_protocol::event::topic;
use openclaw_storage::{Committed, CommittedEvent};
use serde::Deserialize as _;
use tokio::time::Instant;

use super::histogram::Histogram;

/// Turns whose begin is remembered; beyond it all are forgotten.
const TURNS: usize = 10_000;

/// Figures that are counted while the gateway works. What can be asked for when somebody wants to
/// know it is not counted here.
#[derive(Debug)]
pub struct Metrics {
    /// Turns by how they ended.
    pub(super) done: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) stopped: AtomicU64,
    pub(super) timed_out: AtomicU64,
    pub(super) turn_seconds: Histogram<11>,
    pub(super) input_tokens: AtomicU64,
    pub(super) output_tokens: AtomicU64,
    pub(super) cache_read_tokens: AtomicU64,
    pub(super) cache_write_tokens: AtomicU64,
    pub(super) model_calls: AtomicU64,
    pub(super) received: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) not_sent: AtomicU64,
    pub(super) tool_calls: AtomicU64,
    /// Answers over HTTP by the first digit of their status.
    pub(super) answers: [AtomicU64; 5],
    pub(super) http_seconds: Histogram<10>,
    pub(super) delay_seconds: Histogram<9>,
    begun: Mutex<HashMap<RunId, Instant>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let none = || AtomicU64::new(0);
        Self {
            done: none(),
            failed: none(),
            stopped: none(),
            timed_out: none(),
            turn_seconds: Histogram::new([
                0.05, 0.25, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0,
            ]),
            input_tokens: none(),
            output_tokens: none(),
            cache_read_tokens: none(),
            cache_write_tokens: none(),
            model_calls: none(),
            received: none(),
            sent: none(),
            not_sent: none(),
            tool_calls: none(),
            answers: std::array::from_fn(|_| none()),
            http_seconds: Histogram::new([
                0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 10.0, 60.0,
            ]),
            delay_seconds: Histogram::new([0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0]),
            begun: Mutex::default(),
        }
    }
}

fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

impl Metrics {
    /// Counts what a commit tells of.
    pub(crate) fn committed(&self, committed: &Committed) {
        committed.events.iter().for_each(|event| self.event(event));
    }

    fn event(&self, event: &CommittedEvent) {
        match event.topic {
            topic::MESSAGE_RECEIVED => add(&self.received, 1),
            topic::MESSAGE_SENT => add(&self.sent, 1),
            topic::MESSAGE_FAILED => add(&self.not_sent, 1),
            topic::AGENT_STARTED => {
                if let Some(run) = &event.run_id {
                    self.turn_began(run);
                }
            }
            topic::AGENT_TOOL => {
                let phase = event.data.as_ref().map(|data| &data["phase"]);
                add(&self.tool_calls, u64::from(phase.is_some_and(|phase| phase == "started")));
            }
            topic::AGENT_DONE | topic::AGENT_ERROR => self.turn_ended(event),
            _ => {}
        }
    }

    fn turn_began(&self, run: &RunId) {
        let mut begun = self.begun.lock().expect("no panic while the turns are held");
        if begun.len() >= TURNS {
            begun.clear();
        }
        begun.insert(run.clone(), Instant::now());
    }

    fn turn_ended(&self, event: &CommittedEvent) {
        let reason = event.data.as_ref().and_then(|data| data["stop_reason"].as_str());
        let counter = match (event.topic, reason) {
            (topic::AGENT_ERROR, _) => &self.failed,
            (_, Some("stopped")) => &self.stopped,
            (_, Some("timeout")) => &self.timed_out,
            _ => &self.done,
        };
        add(counter, 1);
        let began = event.run_id.as_ref().and_then(|run| {
            self.begun.lock().expect("no panic while the turns are held").remove(run)
        });
        if let Some(began) = began {
            self.turn_seconds.observe(began.elapsed());
        }
        let usage = event.data.as_ref().map(|data| Usage::deserialize(&data["usage"]));
        if let Some(Ok(usage)) = usage {
            add(&self.input_tokens, usage.input_tokens);
            add(&self.output_tokens, usage.output_tokens);
            add(&self.cache_read_tokens, usage.cache_read_tokens);
            add(&self.cache_write_tokens, usage.cache_write_tokens);
            add(&self.model_calls, usage.model_calls);
        }
    }

    /// Counts an answer over HTTP, up to its head.
    pub(crate) fn answered(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        add(&self.answers[class], 1);
        self.http_seconds.observe(took);
    }

    /// Notes how late the runtime was.
    pub(crate) fn delayed(&self, by: Duration) {
        self.delay_seconds.observe(by);
    }
}
