use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::tz::TimeZone;
use openclaw_config::Config;
use openclaw_core::{
    Clock, IdGen, Inbound, OriginKind, Rng, RunStatus, Session, StopReason, Usage,
};
use openclaw_media::MediaStore;
use openclaw_sessions::{Turn, TurnOutcome, TurnResult, TurnRunner};
use openclaw_storage::rows::{InboxRow, RunOptions, StoredError, TranscriptKind};
use openclaw_storage::{Storage, TranscriptDraft};
use openclaw_tools::ToolRegistry;
use tokio_util::task::TaskTracker;

use crate::context::ContextCache;
use crate::input::user_entry;
use crate::model::{ModelHttp, Models, RetryPolicy, candidates};
use crate::prompt::Bootstrap;
use crate::skills::{SkillHost, Skills};
use crate::spending::Ledger;
use crate::tokens::{Counter, Ratios};
use crate::turn::{self, Revealed};

/// What a runner works with.
#[derive(Clone)]
pub struct RunnerDeps {
    /// Where the transcript is.
    pub storage: Arc<dyn Storage>,
    /// The tools.
    pub tools: Arc<ToolRegistry>,
    /// Where attachments are.
    pub media: MediaStore,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids for calls whose own cannot be used.
    pub ids: Arc<dyn IdGen>,
    /// Jitter.
    pub rng: Arc<dyn Rng>,
    /// Holds the tool calls and the short clean-up tasks of connections.
    pub tasks: TaskTracker,
    /// The owner's time zone.
    pub zone: TimeZone,
    /// How often a failing model is asked again.
    pub retry: RetryPolicy,
}

impl fmt::Debug for RunnerDeps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunnerDeps").field("storage", &self.storage).finish_non_exhaustive()
    }
}

/// Runs turns. Cheap to make: nothing is read or contacted before the first turn.
#[derive(Debug)]
pub struct AgentRunner {
    pub(crate) deps: RunnerDeps,
    pub(crate) models: Arc<Models>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) contexts: ContextCache,
    pub(crate) bootstrap: Bootstrap,
    pub(crate) revealed: Revealed,
    pub(crate) skills: Skills,
    pub(crate) ratios: Ratios,
    pub(crate) counter: Counter,
}

impl AgentRunner {
    /// A runner.
    pub fn new(deps: RunnerDeps) -> Self {
        let http = ModelHttp::new(deps.tasks.clone());
        let models = Models::new(http, deps.rng.clone(), deps.retry.clone());
        let ledger = Arc::new(Ledger::new(deps.storage.clone(), deps.zone.clone()));
        Self {
            deps,
            models: Arc::new(models),
            ledger,
            contexts: ContextCache::default(),
            bootstrap: Bootstrap::default(),
            revealed: Revealed::default(),
            skills: Skills::default(),
            ratios: Ratios::default(),
            counter: Counter::default(),
        }
    }

    /// The models that its turns ask.
    pub fn models(&self) -> Arc<Models> {
        self.models.clone()
    }

    /// What its agents used today.
    pub fn ledger(&self) -> Arc<Ledger> {
        self.ledger.clone()
    }

    /// With what skills may require of the host.
    #[must_use]
    pub fn on_host(mut self, host: SkillHost) -> Self {
        self.skills = Skills::on(host);
        self
    }
}

fn tells_of_a_stop(input: &InboxRow) -> bool {
    input.options.origin.as_ref().is_some_and(|origin| {
        matches!(origin.kind, OriginKind::Report { status: RunStatus::Stopped, .. })
    })
}

/// The end of a turn without words.
fn noted() -> TurnResult {
    let entry = TranscriptDraft {
        kind: TranscriptKind::Note,
        message_id: None,
        data: serde_json::json!({ "noted": true }),
    };
    TurnResult::Done { reply: String::new(), entry, stop_reason: StopReason::EndTurn }
}

#[async_trait]
impl TurnRunner for AgentRunner {
    fn refusal(
        &self,
        config: &Config,
        session: &Session,
        options: &RunOptions,
    ) -> Option<StoredError> {
        candidates(config, Some(session), Some(options), &session.agent_id)
            .err()
            .map(|missing| missing.stored())
    }

    fn user_entry(&self, _: &Config, _: &Session, inputs: &[InboxRow]) -> TranscriptDraft {
        let message_id = inputs.last().map(|input| input.message_id.clone());
        user_entry(inputs, &self.deps.zone).draft(message_id)
    }

    fn stands_alone(&self, _: &Inbound) -> bool {
        false
    }

    async fn run(&self, turn: Turn) -> TurnOutcome {
        // That something was stopped is for the model to know when it is asked next.
        if turn.inputs.iter().all(tells_of_a_stop) {
            return TurnOutcome { result: noted(), usage: Usage::default() };
        }
        turn::run(self, &turn).await
    }
}
