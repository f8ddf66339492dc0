use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use openclaw_config::Config;
use openclaw_core::{AgentEvent, Inbound, Rng as _, Session, SessionKey, StopReason, Usage};
use openclaw_sessions::{Turn, TurnOutcome, TurnResult, TurnRunner};
use openclaw_storage::rows::{InboxRow, RunOptions, StoredError, TranscriptKind, TranscriptRow};
use openclaw_storage::{Batch, LogEntry, Storage, TranscriptDraft, Write};
use openclaw_testkit::SeededRng;
use serde_json::json;

use crate::world::{Trace, WorldClock};
use openclaw_core::Clock as _;

/// Runs turns of one stored step; the answer names every input that the stored transcript of the
/// run holds, so it shows what a resumed turn still knows.
#[derive(Debug)]
pub(crate) struct ScriptedRunner {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) clock: Arc<WorldClock>,
    pub(crate) rng: SeededRng,
    pub(crate) trace: Arc<Trace>,
    pub(crate) at_work: Arc<Mutex<Vec<SessionKey>>>,
}

struct AtWork(Arc<Mutex<Vec<SessionKey>>>, SessionKey);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.lock().expect("not poisoned").retain(|key| *key != self.1);
    }
}

/// The step that is stored before a turn's answer.
pub(crate) const STEP: &str = "step";

fn entry(kind: TranscriptKind, text: &str) -> TranscriptDraft {
    TranscriptDraft { kind, message_id: None, data: json!(text) }
}

/// Names everything that was said in this run, as far as it is stored.
fn reply_to(stored: &[TranscriptRow]) -> String {
    let heard: Vec<&str> = stored
        .iter()
        .filter(|row| row.kind == TranscriptKind::User)
        .filter_map(|row| row.data.as_str())
        .collect();
    format!("re {} which is all there was to answer", heard.join(" "))
}

impl ScriptedRunner {
    fn enter(&self, key: &SessionKey) -> AtWork {
        let mut keys = self.at_work.lock().expect("not poisoned");
        if keys.contains(key) {
            self.trace.violation(format!("two turns of {key} at a time"));
        }
        keys.push(key.clone());
        AtWork(self.at_work.clone(), key.clone())
    }

    /// Writes an answer piece by piece; `false` when it is told to stop.
    async fn think(&self, turn: &Turn, stored: &[TranscriptRow]) -> bool {
        let pause = Duration::from_millis(5 + self.rng.below(750));
        let reply = reply_to(stored);
        for (index, word) in (0..).zip(reply.split_inclusive(' ')) {
            tokio::select! {
                biased;
                () = turn.cancel.cancelled() => return false,
                () = tokio::time::sleep(pause / 4) => {}
            }
            let reset = index == 0 && turn.attempt > 1;
            turn.stream.emit(AgentEvent::Delta { text: word.to_owned(), index, reset });
        }
        true
    }

    async fn steps(&self, turn: &Turn) -> Result<TurnResult, String> {
        let run = &turn.run_id;
        let stored = self
            .storage
            .transcript_of_run(&turn.session.id, run)
            .await
            .map_err(|error| error.to_string())?;
        if !stored.iter().any(|row| row.data == json!(STEP)) {
            let step = Write::Append(Box::new(LogEntry {
                session_id: turn.session.id.clone(),
                session_key: turn.session.session_key.clone(),
                run_id: Some(run.clone()),
                message: None,
                transcript: Some(entry(TranscriptKind::Assistant, STEP)),
                event: None,
                at: self.clock.now(),
            }));
            let batch = Batch::new().fenced(turn.fence.clone()).with(step);
            self.storage.apply(batch).await.map_err(|error| error.to_string())?;
        }
        if !self.think(turn, &stored).await {
            return Ok(TurnResult::Cancelled { partial: String::new(), entry: None });
        }
        turn.steering.take().await;
        let stored = self
            .storage
            .transcript_of_run(&turn.session.id, run)
            .await
            .map_err(|error| error.to_string())?;
        let reply = reply_to(&stored);
        Ok(TurnResult::Done {
            entry: entry(TranscriptKind::Assistant, &reply),
            reply,
            stop_reason: StopReason::EndTurn,
        })
    }
}

#[async_trait]
impl TurnRunner for ScriptedRunner {
    fn refusal(&self, _: &Config, _: &Session, _: &RunOptions) -> Option<StoredError> {
        None
    }

    fn user_entry(&self, _: &Config, _: &Session, inputs: &[InboxRow]) -> TranscriptDraft {
        let names: Vec<&str> = inputs.iter().map(|row| row.inbound.content.plain_text()).collect();
        entry(TranscriptKind::User, &names.join(" "))
    }

    fn stands_alone(&self, _: &Inbound) -> bool {
        false
    }

    async fn run(&self, turn: Turn) -> TurnOutcome {
        let _at_work = self.enter(&turn.session.session_key);
        self.trace.note(format!("turn {} attempt {}", turn.run_id, turn.attempt));
        let result = self.steps(&turn).await.unwrap_or_else(TurnResult::Parked);
        TurnOutcome { result, usage: Usage::default() }
    }
}
