use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use openclaw_config::Config;
use openclaw_core::{AgentEvent, Inbound, Session, StopReason, Usage};
use openclaw_sessions::{Turn, TurnOutcome, TurnResult, TurnRunner};
use openclaw_storage::TranscriptDraft;
use openclaw_storage::rows::{InboxRow, RunOptions, StoredError, TranscriptKind};
use serde_json::json;
use tokio::sync::Semaphore;

/// Answers `re: <text>` in two deltas. A text that begins with `hold` waits until it is let go.
#[derive(Debug)]
pub(crate) struct EchoRunner {
    held: Semaphore,
    has_model: AtomicBool,
}

impl Default for EchoRunner {
    fn default() -> Self {
        Self { held: Semaphore::new(0), has_model: AtomicBool::new(true) }
    }
}

impl EchoRunner {
    /// Lets one held turn go, the present or the next one.
    pub(crate) fn let_go(&self) {
        self.held.add_permits(1);
    }

    pub(crate) fn lose_model(&self) {
        self.has_model.store(false, Ordering::SeqCst);
    }
}

fn entry(kind: TranscriptKind, text: &str) -> TranscriptDraft {
    TranscriptDraft { kind, message_id: None, data: json!(text) }
}

#[async_trait]
impl TurnRunner for EchoRunner {
    fn refusal(&self, _: &Config, _: &Session, _: &RunOptions) -> Option<StoredError> {
        (!self.has_model.load(Ordering::SeqCst)).then(|| StoredError {
            code: "unavailable".to_owned(),
            message: "no model is configured".to_owned(),
            hint: Some("set agents.model".to_owned()),
        })
    }

    fn user_entry(&self, _: &Config, _: &Session, inputs: &[InboxRow]) -> TranscriptDraft {
        let texts: Vec<&str> = inputs.iter().map(|row| row.inbound.content.plain_text()).collect();
        entry(TranscriptKind::User, &texts.join(" "))
    }

    fn stands_alone(&self, _: &Inbound) -> bool {
        false
    }

    async fn run(&self, turn: Turn) -> TurnOutcome {
        let texts: Vec<&str> =
            turn.inputs.iter().map(|row| row.inbound.content.plain_text()).collect();
        let text = texts.join(" ");
        let delta = |text: &str, index| {
            turn.stream.emit(AgentEvent::Delta { text: text.to_owned(), index, reset: false });
        };
        delta("re: ", 0);
        if text.starts_with("hold") {
            tokio::select! {
                permit = self.held.acquire() => permit.expect("never closed").forget(),
                () = turn.cancel.cancelled() => {
                    let result = TurnResult::Cancelled { partial: "re: ".to_owned(), entry: None };
                    return TurnOutcome { result, usage: Usage::default() };
                }
            }
        }
        delta(&text, 1);
        let reply = format!("re: {text}");
        let result = TurnResult::Done {
            entry: entry(TranscriptKind::Assistant, &reply),
            reply,
            stop_reason: StopReason::EndTurn,
        };
        TurnOutcome { result, usage: Usage { output_tokens: 2, ..Usage::default() } }
    }
}
