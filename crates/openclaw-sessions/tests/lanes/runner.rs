use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use openclaw_config::Config;
use openclaw_core::{Inbound, Session, SessionKey, StopReason, Usage};
use openclaw_sessions::{Turn, TurnOutcome, TurnResult, TurnRunner};
use openclaw_storage::TranscriptDraft;
use openclaw_storage::rows::{InboxRow, RunOptions, StoredError, TranscriptKind, TranscriptRow};
use serde_json::json;

/// A runner that does what the texts of its inputs say, by their first word:
///
/// `fail`, `silent`, `panic`; `slow` takes 10 s; `tools` takes two seconds with a tool boundary
/// after each; `deaf` never ends, not even when cancelled; `late` runs out its time limit; `parked`
/// cannot write; what begins with a slash stands alone and is
/// answered even when cancelled; anything else is answered after 10 ms. The answer repeats the texts it heard.
#[derive(Debug, Default)]
pub(crate) struct ScriptedRunner {
    pub(crate) refuses: AtomicBool,
    turns: Mutex<Vec<SeenTurn>>,
    at_work: Arc<Mutex<Vec<SessionKey>>>,
}

/// One turn that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenTurn {
    pub(crate) run: String,
    pub(crate) attempt: u32,
    pub(crate) texts: Vec<String>,
}

impl ScriptedRunner {
    pub(crate) fn turns(&self) -> Vec<SeenTurn> {
        self.turns.lock().expect("not poisoned").clone()
    }

    /// Runs of the turns, in order.
    pub(crate) fn runs(&self) -> Vec<String> {
        self.turns().into_iter().map(|turn| turn.run).collect()
    }
}

/// Keeps two turns of one key from being at work at a time.
struct AtWork(Arc<Mutex<Vec<SessionKey>>>, SessionKey);

impl AtWork {
    fn enter(at_work: &Arc<Mutex<Vec<SessionKey>>>, key: &SessionKey) -> Self {
        let mut keys = at_work.lock().expect("not poisoned");
        assert!(!keys.contains(key), "two turns of {key} at a time");
        keys.push(key.clone());
        Self(Arc::clone(at_work), key.clone())
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.lock().expect("not poisoned").retain(|key| *key != self.1);
    }
}

fn entry(kind: TranscriptKind, text: &str) -> TranscriptDraft {
    TranscriptDraft { kind, message_id: None, data: json!(text) }
}

fn text_of(row: &InboxRow) -> &str {
    row.inbound.content.plain_text()
}

fn usage() -> Usage {
    Usage { input_tokens: 10, output_tokens: 2, model_calls: 1, ..Usage::default() }
}

#[async_trait]
impl TurnRunner for ScriptedRunner {
    fn refusal(&self, _: &Config, _: &Session, _: &RunOptions) -> Option<StoredError> {
        self.refuses.load(Ordering::SeqCst).then(|| StoredError {
            code: "unavailable".into(),
            message: "no model is configured".into(),
            hint: Some("set agents.model".into()),
        })
    }

    fn user_entry(&self, _: &Config, _: &Session, inputs: &[InboxRow]) -> TranscriptDraft {
        let texts: Vec<&str> = inputs.iter().map(text_of).collect();
        entry(TranscriptKind::User, &texts.join("+"))
    }

    fn stands_alone(&self, inbound: &Inbound) -> bool {
        inbound.content.plain_text().starts_with('/')
    }

    async fn run(&self, turn: Turn) -> TurnOutcome {
        let _at_work = AtWork::enter(&self.at_work, &turn.session.session_key);
        let texts: Vec<String> = turn.inputs.iter().map(|row| text_of(row).to_owned()).collect();
        self.turns.lock().expect("not poisoned").push(SeenTurn {
            run: turn.run_id.to_string(),
            attempt: turn.attempt,
            texts: texts.clone(),
        });
        let mut heard = texts.join("+");
        let script = texts.last().and_then(|text| text.split(' ').next()).unwrap_or_default();
        let result = match script {
            "fail" => TurnResult::Failed(StoredError {
                code: "agent".into(),
                message: "the model refused".into(),
                hint: None,
            }),
            "panic" => panic!("as asked"),
            "parked" => TurnResult::Parked("the store failed".into()),
            "deaf" => std::future::pending().await,
            "late" => {
                tokio::time::sleep(turn.timeout).await;
                let partial = heard;
                TurnResult::TimedOut {
                    entry: Some(entry(TranscriptKind::Assistant, &partial)),
                    partial,
                }
            }
            _ => {
                let steps: &[u64] = match script {
                    "slow" => &[10_000],
                    "tools" => &[1_000, 1_000, 10],
                    _ => &[10],
                };
                let mut cancelled = false;
                for (index, step) in steps.iter().enumerate() {
                    if index > 0 {
                        let joined: Vec<TranscriptRow> = turn.steering.take().await;
                        for row in joined {
                            heard = format!("{heard}+{}", row.data.as_str().unwrap_or_default());
                        }
                    }
                    tokio::select! {
                        biased;
                        () = turn.cancel.cancelled(), if !script.starts_with('/') => { cancelled = true; break }
                        () = tokio::time::sleep(Duration::from_millis(*step)) => {}
                    }
                }
                let reply =
                    if script == "silent" { " NO_REPLY\n".into() } else { format!("re: {heard}") };
                if cancelled {
                    let partial = format!("partial {heard}");
                    TurnResult::Cancelled {
                        entry: Some(entry(TranscriptKind::Assistant, &partial)),
                        partial,
                    }
                } else {
                    TurnResult::Done {
                        entry: entry(TranscriptKind::Assistant, &reply),
                        reply,
                        stop_reason: StopReason::EndTurn,
                    }
                }
            }
        };
        TurnOutcome { result, usage: usage() }
    }
}
