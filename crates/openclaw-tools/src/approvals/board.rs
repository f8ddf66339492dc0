use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use openclaw_config::ExecAsk;
use openclaw_core::{AgentId, Clock, IdGen};
use tokio::sync::oneshot;

use super::{Allowed, ApprovalLog, ApprovalRequest, Resolution, Verdict};
use crate::commands::CommandPlan;
use crate::{ToolContext, ToolError};

/// How long a request waits.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// The most requests that wait at a time; more are denied at once.
const MOST_PENDING: usize = 64;

/// The requests that wait, and the way to answer them.
#[derive(Debug)]
pub struct Approvals {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGen>,
    log: OnceLock<Arc<dyn ApprovalLog>>,
    pending: Mutex<BTreeMap<String, Pending>>,
}

#[derive(Debug)]
struct Pending {
    request: ApprovalRequest,
    answer: oneshot::Sender<(Verdict, String)>,
}

/// Why an answer was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// No request of this id waits: it never was, or it has ended.
    #[error("no request with this id waits for an answer")]
    NotPending,
}

/// Takes a request off the board when nobody waits for it any more.
struct Posted<'a> {
    board: &'a Approvals,
    id: String,
}

impl Drop for Posted<'_> {
    fn drop(&mut self) {
        self.board.pending().remove(&self.id);
    }
}

impl Approvals {
    /// A board without a log: everything that would be asked is denied until one is attached.
    pub fn new(clock: Arc<dyn Clock>, ids: Arc<dyn IdGen>) -> Self {
        Self { clock, ids, log: OnceLock::new(), pending: Mutex::default() }
    }

    /// Attaches the log; the first one stays.
    pub fn attach(&self, log: Arc<dyn ApprovalLog>) {
        if self.log.set(log).is_err() {
            tracing::warn!("approvals had a log already");
        }
    }

    /// The requests that wait, oldest first.
    pub fn waiting(&self) -> Vec<ApprovalRequest> {
        let mut all: Vec<_> =
            self.pending().values().map(|pending| pending.request.clone()).collect();
        all.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        all
    }

    /// Answers a request. The caller has made sure that `by` may.
    ///
    /// # Errors
    /// [`ResolveError`] when it does not wait any more.
    pub fn resolve(
        &self,
        id: &str,
        verdict: Verdict,
        by: impl Into<String>,
    ) -> Result<ApprovalRequest, ResolveError> {
        let id = id.trim().to_ascii_lowercase();
        let pending = self.pending().remove(&id).ok_or(ResolveError::NotPending)?;
        let answer = pending.answer.send((verdict, by.into()));
        answer.map_err(|_| ResolveError::NotPending)?;
        Ok(pending.request)
    }

    /// Makes sure that a command may run: because nothing asks, because it is allowed always, or
    /// because somebody says so. What comes back is the plan to run, with the digests it was approved by.
    ///
    /// # Errors
    /// [`ToolError::RespondToModel`] with the denial, [`ToolError::Cancelled`].
    pub async fn clear(
        &self,
        context: &ToolContext,
        plan: CommandPlan,
    ) -> Result<CommandPlan, ToolError> {
        let Some(reason) = why_ask(context.commands.ask, &plan) else { return Ok(plan) };
        let workspace = context.workspace.clone();
        let plan =
            tokio::task::spawn_blocking(move || plan.with_digests(&workspace)).await.map_err(
                |error| ToolError::Fatal(format!("reading the command's files failed: {error}")),
            )??;
        let Some(log) = self.log.get() else {
            return Err(denied("nobody can be asked here"));
        };
        let (key, agent) = (plan.shape().key(), &context.agent_id);
        // An "always" is for files that cannot change behind it.
        let can_be_always = plan.binds_its_files();
        let reason = if can_be_always { reason } else { format!("{reason}; {NOT_BOUND}") };
        if context.commands.ask != ExecAsk::Always && can_be_always {
            let allowed = log.allowed(agent, &key).await.map_err(|error| denied(&error))?;
            if allowed.is_some_and(|allowed| allowed.shape == plan.shape()) {
                return Ok(plan);
            }
        }
        let request = self.request(context, plan, reason);
        let resolution = match self.ask(log, context, &request).await? {
            Resolution::Answered { verdict: Verdict::AllowAlways, by } if !can_be_always => {
                Resolution::Answered { verdict: Verdict::AllowOnce, by }
            }
            resolution => resolution,
        };
        log.resolved(&request, &resolution).await;
        let ApprovalRequest { plan, agent_id, .. } = request;
        match resolution {
            Resolution::Answered { verdict: Verdict::AllowOnce, .. } => Ok(plan),
            Resolution::Answered { verdict: Verdict::AllowAlways, by } => {
                let allowed = Allowed { agent_id, shape: plan.shape(), by, at: self.clock.now() };
                if let Err(error) = log.allow(&key, &allowed).await {
                    tracing::warn!(error, "a command could not be allowed for the next time");
                }
                Ok(plan)
            }
            Resolution::Answered { verdict: Verdict::Deny, .. } => Err(denied("the answer was no")),
            Resolution::Expired => Err(denied("nobody approved it within 120 s")),
            Resolution::Withdrawn => Err(ToolError::Cancelled),
        }
    }

    /// All that is allowed always, each with its key.
    ///
    /// # Errors
    /// What kept it from being read.
    pub async fn allowed(&self) -> Result<Vec<(String, Allowed)>, String> {
        match self.log.get() {
            Some(log) => log.all_allowed().await,
            None => Ok(Vec::new()),
        }
    }

    /// Takes an "always" back; whether it was there.
    ///
    /// # Errors
    /// What kept it from being stored.
    pub async fn forget(&self, agent: &AgentId, key: &str) -> Result<bool, String> {
        match self.log.get() {
            Some(log) => log.forget(agent, key).await,
            None => Ok(false),
        }
    }

    fn request(&self, context: &ToolContext, plan: CommandPlan, reason: String) -> ApprovalRequest {
        let created_at = self.clock.now();
        let id = self.ids.new_id();
        // The end of an id is its random part.
        let short: String = id.chars().filter(char::is_ascii_alphanumeric).rev().take(8).collect();
        ApprovalRequest {
            id: short.chars().rev().collect(),
            agent_id: context.agent_id.clone(),
            session_key: context.session_key.clone(),
            run_id: context.run_id.clone(),
            digest: plan.digest(),
            plan,
            reason,
            created_at,
            expires_at: created_at.plus(TIME_LIMIT),
        }
    }

    async fn ask(
        &self,
        log: &Arc<dyn ApprovalLog>,
        context: &ToolContext,
        request: &ApprovalRequest,
    ) -> Result<Resolution, ToolError> {
        let (answer, answered) = oneshot::channel();
        {
            let mut pending = self.pending();
            if pending.len() >= MOST_PENDING || pending.contains_key(&request.id) {
                return Err(denied("too many commands wait for approval"));
            }
            pending.insert(request.id.clone(), Pending { request: request.clone(), answer });
        }
        let _posted = Posted { board: self, id: request.id.clone() };
        log.requested(request).await.map_err(|error| denied(&error))?;
        (context.output)(&format!(
            "waiting for approval {}: {}\n",
            request.id,
            request.plan.shown()
        ));
        Ok(tokio::select! {
            biased;
            answered = answered => match answered {
                Ok((verdict, by)) => Resolution::Answered { verdict, by },
                Err(_) => Resolution::Withdrawn,
            },
            () = context.cancel.cancelled() => Resolution::Withdrawn,
            () = tokio::time::sleep(TIME_LIMIT) => Resolution::Expired,
        })
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const NOT_BOUND: &str = "a shell decides which files it uses, so changes to them are not noticed, and always means once";

/// Why this command asks; `None` when it does not.
fn why_ask(ask: ExecAsk, plan: &CommandPlan) -> Option<String> {
    match ask {
        ExecAsk::Off => None,
        ExecAsk::Always => Some("every command asks here".to_owned()),
        ExecAsk::OnMiss if !plan.sandboxed => Some("it runs outside the sandbox".to_owned()),
        ExecAsk::OnMiss if !plan.hosts.is_empty() => {
            Some(format!("it may reach {}", plan.hosts.join(", ")))
        }
        ExecAsk::OnMiss if !plan.paths.is_empty() => {
            Some(format!("it may see {}", plan.paths.join(", ")))
        }
        ExecAsk::OnMiss => None,
    }
}

fn denied(why: &str) -> ToolError {
    ToolError::RespondToModel(format!("not run: the command needs approval, and {why}"))
}
