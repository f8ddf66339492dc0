use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use openclaw_config::ExecAsk;
use openclaw_core::{AgentId, Clock, IdGen, RunId, SessionKey};
use tokio::sync::{Notify, oneshot};

use super::{Allowed, ApprovalLog, ApprovalRequest, Foreign, Resolution, Verdict};
use crate::commands::CommandPlan;
use crate::{ToolContext, ToolError};

/// How long a request waits.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// The most requests that wait at a time; more are denied at once.
const MOST_PENDING: usize = 64;

/// How many that have ended are remembered, for whoever asks how.
const MOST_ENDED: usize = 256;

/// The requests that wait, and the way to answer them.
#[derive(Debug)]
pub struct Approvals {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGen>,
    log: OnceLock<Arc<dyn ApprovalLog>>,
    pending: Mutex<BTreeMap<String, Pending>>,
    /// How the latest ended, newest last.
    ended: Mutex<VecDeque<Ended>>,
    changed: Notify,
}

/// A request that has ended.
#[derive(Debug)]
struct Ended {
    id: String,
    outcome: Resolution,
    request: ApprovalRequest,
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
        let gone = self.board.pending().remove(&self.id);
        if let Some(gone) = gone {
            // Nobody has answered, and what has ended for another reason is noted by who knows it.
            drop(gone);
            self.board.changed.notify_waiters();
        }
    }
}

impl Approvals {
    /// A board without a log: everything that would be asked is denied until one is attached.
    pub fn new(clock: Arc<dyn Clock>, ids: Arc<dyn IdGen>) -> Self {
        Self {
            clock,
            ids,
            log: OnceLock::new(),
            pending: Mutex::default(),
            ended: Mutex::default(),
            changed: Notify::new(),
        }
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
        let by = by.into();
        let pending = self.pending().remove(&id).ok_or(ResolveError::NotPending)?;
        let answer = pending.answer.send((verdict, by.clone()));
        answer.map_err(|_| ResolveError::NotPending)?;
        self.note(&pending.request, Resolution::Answered { verdict, by });
        Ok(pending.request)
    }

    /// How a request ended, for as long as that is remembered; `None` while it waits too.
    pub fn outcome(&self, id: &str) -> Option<Resolution> {
        self.ended_as(id).map(|(outcome, _)| outcome)
    }

    /// Waits until a request has ended. `None` where no such request is known.
    pub async fn ended(&self, id: &str) -> Option<(Resolution, ApprovalRequest)> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(ended) = self.ended_as(id) {
                return Some(ended);
            }
            if !self.pending().contains_key(id) {
                return None;
            }
            changed.await;
        }
    }

    /// Asks about what somebody else is to run, such as a client, and waits for the answer. `told` is
    /// called when the request is stored.
    ///
    /// # Errors
    /// [`ToolError::RespondToModel`] when it cannot be asked.
    pub async fn ask_for(
        &self,
        foreign: Foreign,
        told: impl FnOnce(&ApprovalRequest),
    ) -> Result<(Resolution, ApprovalRequest), ToolError> {
        let Some(log) = self.log.get() else { return Err(denied("nobody can be asked here")) };
        let Foreign { id, agent_id, session_key, plan, reason, time_limit } = foreign;
        let mut request = self.new_request(agent_id, session_key, None, plan, reason);
        request.expires_at = request.created_at.plus(time_limit);
        if let Some(id) = id {
            request.id = id.to_ascii_lowercase();
        }
        let answered = self.post(&request)?;
        let posted = Posted { board: self, id: request.id.clone() };
        log.requested(&request).await.map_err(|error| denied(&error))?;
        told(&request);
        let resolution = tokio::select! {
            biased;
            answered = answered => match answered {
                Ok((verdict, by)) => Resolution::Answered { verdict, by },
                Err(_) => Resolution::Withdrawn,
            },
            () = tokio::time::sleep(time_limit) => Resolution::Expired,
        };
        self.note(&request, resolution.clone());
        drop(posted);
        log.resolved(&request, &resolution).await;
        Ok((resolution.clone(), request))
    }

    fn ended_as(&self, id: &str) -> Option<(Resolution, ApprovalRequest)> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let found = ended.iter().rfind(|one| one.id == id)?;
        Some((found.outcome.clone(), found.request.clone()))
    }

    /// Remembers how a request ended; the first word counts.
    fn note(&self, request: &ApprovalRequest, outcome: Resolution) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known =
            |one: &Ended| one.id == request.id && one.request.created_at == request.created_at;
        if !ended.iter().any(is_known) {
            if ended.len() >= MOST_ENDED {
                ended.pop_front();
            }
            let (id, request) = (request.id.clone(), request.clone());
            ended.push_back(Ended { id, outcome, request });
        }
        drop(ended);
        self.changed.notify_waiters();
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
        let (agent, key) = (context.agent_id.clone(), context.session_key.clone());
        self.new_request(agent, key, context.run_id.clone(), plan, reason)
    }

    fn new_request(
        &self,
        agent_id: AgentId,
        session_key: SessionKey,
        run_id: Option<RunId>,
        plan: CommandPlan,
        reason: String,
    ) -> ApprovalRequest {
        let created_at = self.clock.now();
        let id = self.ids.new_id();
        // The end of an id is its random part.
        let short: String = id.chars().filter(char::is_ascii_alphanumeric).rev().take(8).collect();
        ApprovalRequest {
            id: short.chars().rev().collect(),
            agent_id,
            session_key,
            run_id,
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
        let answered = self.post(request)?;
        let _posted = Posted { board: self, id: request.id.clone() };
        log.requested(request).await.map_err(|error| denied(&error))?;
        (context.output)(&format!(
            "waiting for approval {}: {}\n",
            request.id,
            request.plan.shown()
        ));
        let resolution = tokio::select! {
            biased;
            answered = answered => match answered {
                Ok((verdict, by)) => Resolution::Answered { verdict, by },
                Err(_) => Resolution::Withdrawn,
            },
            () = context.cancel.cancelled() => Resolution::Withdrawn,
            () = tokio::time::sleep(TIME_LIMIT) => Resolution::Expired,
        };
        // Before it leaves the board: whoever asks finds it waiting or ended.
        self.note(request, resolution.clone());
        Ok(resolution)
    }

    fn post(
        &self,
        request: &ApprovalRequest,
    ) -> Result<oneshot::Receiver<(Verdict, String)>, ToolError> {
        let (answer, answered) = oneshot::channel();
        let mut pending = self.pending();
        if pending.len() >= MOST_PENDING || pending.contains_key(&request.id) {
            return Err(denied("too many commands wait for approval"));
        }
        pending.insert(request.id.clone(), Pending { request: request.clone(), answer });
        Ok(answered)
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
