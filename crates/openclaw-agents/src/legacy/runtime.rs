use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use openclaw_config::{AgentRuntime, AgentSettings, Config};
use openclaw_core::{Clock, Inbound, OriginKind, RunStatus, Session};
use openclaw_media::MediaStore;
use openclaw_sessions::{Turn, TurnOutcome, TurnRunner};
use openclaw_storage::rows::{InboxRow, RunOptions, StoredError};
use openclaw_storage::{Storage, TranscriptDraft};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::pool::Pool;
use super::turn;
use crate::runner::AgentRunner;

/// What children of Pi work with.
#[derive(Clone)]
pub struct PiDeps {
    /// Where the transcript is.
    pub storage: Arc<dyn Storage>,
    /// Where attachments are.
    pub media: MediaStore,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where programs are looked for: `PATH` of a child.
    pub search_path: Option<String>,
    /// Holds what listens to children.
    pub tasks: TaskTracker,
    /// Ends the children that wait for work.
    pub stop: CancellationToken,
}

impl fmt::Debug for PiDeps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PiDeps").field("search_path", &self.search_path).finish_non_exhaustive()
    }
}

/// Runs each turn by the runtime of its agent.
#[derive(Debug)]
pub struct Runtimes {
    native: Arc<AgentRunner>,
    pub(super) pi: PiDeps,
    pub(super) pool: Pool,
}

impl Runtimes {
    /// Both runtimes; a child of Pi is started when a turn first needs one.
    pub fn new(native: Arc<AgentRunner>, pi: PiDeps) -> Self {
        let pool = Pool::new(pi.tasks.clone(), pi.stop.clone());
        Self { native, pi, pool }
    }
}

pub(super) fn agent_of<'c>(config: &'c Config, session: &Session) -> &'c AgentSettings {
    config.agent(&session.agent_id).unwrap_or_else(|| config.default_agent())
}

/// Whether there is nothing to ask a model.
fn is_only_told(inputs: &[InboxRow]) -> bool {
    inputs.iter().all(|input| {
        input.options.origin.as_ref().is_some_and(|origin| {
            matches!(origin.kind, OriginKind::Report { status: RunStatus::Stopped, .. })
        })
    })
}

#[async_trait]
impl TurnRunner for Runtimes {
    fn refusal(
        &self,
        config: &Config,
        session: &Session,
        options: &RunOptions,
    ) -> Option<StoredError> {
        self.native.refusal(config, session, options)
    }

    fn user_entry(
        &self,
        config: &Config,
        session: &Session,
        inputs: &[InboxRow],
    ) -> TranscriptDraft {
        self.native.user_entry(config, session, inputs)
    }

    fn stands_alone(&self, inbound: &Inbound) -> bool {
        self.native.stands_alone(inbound)
    }

    async fn run(&self, turn: Turn) -> TurnOutcome {
        match agent_of(&turn.config, &turn.session).runtime {
            AgentRuntime::Pi if !is_only_told(&turn.inputs) => turn::run(self, &turn).await,
            AgentRuntime::Pi | AgentRuntime::Native => self.native.run(turn).await,
        }
    }
}
