use std::sync::{Arc, OnceLock};

use jiff::tz::TimeZone;
use openclaw_config::Config;
use openclaw_core::{AgentId, Clock, IdGen, JobId, SandboxMode, Timestamp};
use openclaw_storage::rows::{JobRow, JobRunRow};
use openclaw_storage::{ApplyError, Batch, Conflict, Storage, Write};
use tokio::sync::{Notify, broadcast, watch};

use super::{
    Agenda, Delivery, DeliveryMode, Due, Job, JobOrigin, JobPatch, JobSpec, JobState, NewJob,
    Occurrences, Payload, Schedule, ScheduleError, Target, WakeAt, look_at,
};
use crate::schedule::CatchUp;

/// More jobs than this are a loop that makes jobs.
const MOST_JOBS: u32 = 1_000;
const TRIES: u32 = 16;
/// A moment of a new job may be so long ago.
const JUST_NOW: std::time::Duration = std::time::Duration::from_secs(60);
/// Changes that somebody who listens may be behind.
const CHANGES: usize = 256;

/// What jobs are kept with.
#[derive(Debug)]
pub struct JobsDeps {
    /// The store.
    pub storage: Arc<dyn Storage>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn IdGen>,
    /// The zone of expressions that name none.
    pub zone: TimeZone,
}

/// The jobs of a gateway: makes, changes, removes and lists them, and tells its scheduler.
#[derive(Debug)]
pub struct Jobs {
    deps: JobsDeps,
    config: OnceLock<watch::Receiver<Arc<Config>>>,
    changed: Notify,
    changes: broadcast::Sender<JobChange>,
}

/// What happened to a job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobChange {
    /// The job as it is, or last was.
    pub job: Job,
    /// What.
    pub kind: JobChangeKind,
}

/// What can happen to a job by somebody's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobChangeKind {
    /// It was made.
    Added,
    /// It was changed.
    Updated,
    /// It was removed.
    Removed,
}

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobsStatus {
    /// How many jobs there are.
    pub jobs: usize,
    /// How many of them fail or were switched off for failing.
    pub failing: usize,
    /// When the next one is due.
    pub next_due_at: Option<Timestamp>,
}

/// What became of a wish to run a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunAsked {
    /// It will be begun, with this moment as its receipt's.
    Begins {
        /// The moment.
        slot: Timestamp,
    },
    /// Its last run is still at work.
    AlreadyRunning,
    /// It is not due, and only that was asked for.
    NotDue,
}

impl Jobs {
    /// Jobs in this store.
    pub fn new(deps: JobsDeps) -> Self {
        let (changes, _) = broadcast::channel(CHANGES);
        Self { deps, config: OnceLock::new(), changed: Notify::new(), changes }
    }

    /// Follows this configuration: agents and models are checked against it.
    pub fn attach(&self, config: watch::Receiver<Arc<Config>>) {
        // A second gateway on the same jobs would be a fault of whoever puts it together.
        if self.config.set(config).is_err() {
            tracing::error!("the jobs follow a configuration already");
        }
    }

    /// The configuration, once there is one.
    pub fn config(&self) -> Option<Arc<Config>> {
        self.config.get().map(|config| config.borrow().clone())
    }

    /// Waits until a job was changed through this. Cancel-safe; a change between two waits is kept.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Follows the changes.
    pub fn changes(&self) -> broadcast::Receiver<JobChange> {
        self.changes.subscribe()
    }

    /// The store.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.deps.storage
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.deps.clock.now()
    }

    /// The zone of expressions that name none.
    pub fn zone(&self) -> &TimeZone {
        &self.deps.zone
    }

    fn tell(&self, job: Job, kind: JobChangeKind) {
        self.changed.notify_one();
        // Nobody has to listen.
        if self.changes.send(JobChange { job, kind }).is_err() {
            tracing::trace!("nobody follows the jobs");
        }
    }

    /// The occurrences of a job.
    ///
    /// # Errors
    /// When its schedule is none.
    pub fn occurrences(&self, job: &Job) -> Result<Occurrences, ScheduleError> {
        Occurrences::of(&job.spec.schedule, &job.id, &self.deps.zone)
    }

    /// What is to be done about a job by now.
    ///
    /// # Errors
    /// When its schedule is none, or never due.
    pub fn look(&self, job: &Job) -> Result<Agenda, ScheduleError> {
        look_at(job, &self.occurrences(job)?, self.now())
    }

    /// When a job has to be looked at, if nothing happens to it.
    fn next_look(&self, job: &Job) -> Result<Option<Timestamp>, ScheduleError> {
        let agenda = self.look(job)?;
        Ok(match agenda.due {
            Due::Nothing => agenda.next,
            Due::Run { .. } | Due::Skip { .. } => Some(self.now()),
        })
    }

    /// Sets when the job has to be looked at.
    ///
    /// # Errors
    /// When its schedule is none, or never due.
    pub fn reckon(&self, job: &mut Job) -> Result<(), ScheduleError> {
        job.believe(self.now());
        job.due_at = self.next_look(job)?;
        job.state.schedule_errors = 0;
        Ok(())
    }

    /// Makes a job.
    ///
    /// # Errors
    /// As [`ScheduleError`] says.
    pub async fn add(&self, new: NewJob, origin: Option<JobOrigin>) -> Result<Job, ScheduleError> {
        let now = self.now();
        let there = self.deps.storage.jobs(MOST_JOBS + 1).await?;
        if there.len() >= MOST_JOBS as usize {
            return Err(ScheduleError::TooMany(MOST_JOBS));
        }
        let id = JobId::new(self.deps.ids.new_id())
            .map_err(|error| ScheduleError::invalid("id", error.to_string()))?;
        let schedule =
            new.schedule.clone().ok_or_else(|| ScheduleError::invalid("schedule", "is missing"))?;
        let payload = new
            .payload
            .clone()
            .ok_or_else(|| ScheduleError::invalid("payload.message", "is missing"))?
            .apply(None)?;
        let target = new.target.unwrap_or(match payload {
            Payload::SystemEvent { .. } => Target::Main,
            Payload::AgentTurn { .. } => Target::Isolated,
        });
        let agent_id = self.agent(new.agent_id.clone().flatten(), origin.as_ref())?;
        let delivery = Delivery {
            mode: match target {
                Target::Main => DeliveryMode::None,
                Target::Isolated => DeliveryMode::Announce,
            },
            channel: None,
            to: None,
            best_effort: false,
        };
        let spec = JobSpec {
            name: new.name.clone().unwrap_or_else(|| name_of(&payload)),
            description: new.description.clone().flatten(),
            enabled: new.enabled.unwrap_or(true),
            delete_after_run: new.delete_after_run.unwrap_or(schedule.is_once()),
            schedule,
            target,
            wake: new.wake.unwrap_or(WakeAt::Now),
            payload,
            delivery: new.delivery.clone().map_or(delivery.clone(), |patch| patch.apply(delivery)),
            catch_up: new.catch_up.unwrap_or(CatchUp::Once),
            origin,
        };
        let mut job = Job {
            id,
            agent_id,
            state: JobState { cursor: begin(&spec.schedule, now), ..JobState::default() },
            spec,
            due_at: None,
            owner: None,
            fence: 1,
            created_at: now,
            updated_at: now,
        };
        self.check(&job, now)?;
        self.reckon(&mut job)?;
        let write = Write::PutJob { job: Box::new(job.to_row()), expect: None };
        self.deps.storage.apply(Batch::new().with(write)).await?;
        self.tell(job.clone(), JobChangeKind::Added);
        Ok(job)
    }

    /// Changes a job.
    ///
    /// # Errors
    /// As [`ScheduleError`] says.
    pub async fn update(
        &self,
        id: &JobId,
        patch: &JobPatch,
        by: Option<&JobOrigin>,
    ) -> Result<Job, ScheduleError> {
        let job = self
            .change(id, by, |job| {
                let now = self.now();
                apply(job, patch, now)?;
                if let Some(agent) = &patch.agent_id {
                    job.agent_id = self.agent(agent.clone(), by)?;
                }
                // What a person changes runs with that person's rights.
                if let Some(by) = by {
                    job.spec.origin = Some(by.clone());
                }
                self.check(job, now)?;
                job.updated_at = now;
                self.reckon(job)
            })
            .await?;
        self.tell(job.clone(), JobChangeKind::Updated);
        Ok(job)
    }

    /// Removes a job; a run at work goes on. Its receipts stay for a while.
    ///
    /// # Errors
    /// As [`ScheduleError`] says.
    pub async fn remove(&self, id: &JobId, by: Option<&JobOrigin>) -> Result<Job, ScheduleError> {
        let job = self.find(id, by).await?;
        let write = Write::DeleteJob { id: id.clone() };
        match self.deps.storage.apply(Batch::new().with(write)).await {
            Ok(_) => {}
            Err(ApplyError::Conflict(_)) => return Err(ScheduleError::Unknown(id.to_string())),
            Err(error) => return Err(error.into()),
        }
        self.tell(job.clone(), JobChangeKind::Removed);
        Ok(job)
    }

    /// Asks for a run outside the schedule, or, with `only_if_due`, for one that is due.
    ///
    /// # Errors
    /// As [`ScheduleError`] says.
    pub async fn ask_run(
        &self,
        id: &JobId,
        only_if_due: bool,
        by: Option<&JobOrigin>,
    ) -> Result<RunAsked, ScheduleError> {
        let mut asked = RunAsked::NotDue;
        let answer = &mut asked;
        self.change(id, by, |job| {
            let now = self.now();
            *answer = if job.state.running.is_some() {
                RunAsked::AlreadyRunning
            } else if only_if_due && job.due_at.is_none_or(|due| due > now) {
                RunAsked::NotDue
            } else {
                let slot = job.state.asked.filter(|_| !job.state.is_retry).unwrap_or(now);
                RunAsked::Begins { slot }
            };
            if let (RunAsked::Begins { slot }, false) = (&answer, only_if_due) {
                job.state.asked = Some(*slot);
                job.state.is_retry = false;
                job.due_at = Some(now);
            }
            Ok(())
        })
        .await?;
        self.changed.notify_one();
        Ok(asked)
    }

    /// Reads, changes and stores a job, anew where somebody else did so meanwhile.
    async fn change(
        &self,
        id: &JobId,
        by: Option<&JobOrigin>,
        mut change: impl FnMut(&mut Job) -> Result<(), ScheduleError>,
    ) -> Result<Job, ScheduleError> {
        for _ in 0..TRIES {
            let before = self.find(id, by).await?;
            let mut job = before.clone();
            change(&mut job)?;
            if job == before {
                return Ok(job);
            }
            let write = Write::PutJob { job: Box::new(job.to_row()), expect: Some(before.fence) };
            match self.deps.storage.apply(Batch::new().with(write)).await {
                Ok(_) => {
                    job.fence += 1;
                    return Ok(job);
                }
                Err(ApplyError::Conflict(Conflict::StateChanged { .. })) => {}
                Err(ApplyError::Conflict(_)) => return Err(ScheduleError::Unknown(id.to_string())),
                Err(error) => return Err(error.into()),
            }
        }
        Err(ScheduleError::Busy)
    }

    /// The job of this id, as far as who asks may see it.
    ///
    /// # Errors
    /// [`ScheduleError::Unknown`].
    pub async fn find(&self, id: &JobId, by: Option<&JobOrigin>) -> Result<Job, ScheduleError> {
        let row = self.deps.storage.job(id).await?;
        let job = row.map(Job::from_row).transpose()?;
        job.filter(|job| may_see(job, by)).ok_or_else(|| ScheduleError::Unknown(id.to_string()))
    }

    /// All jobs that who asks may see, the oldest first; rows that cannot be read are left out and
    /// logged.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self, by: Option<&JobOrigin>) -> Result<Vec<Job>, ScheduleError> {
        let rows = self.deps.storage.jobs(MOST_JOBS).await?;
        Ok(rows.into_iter().filter_map(readable).filter(|job| may_see(job, by)).collect())
    }

    /// The newest receipts of a job, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn runs(&self, id: &JobId, limit: u32) -> Result<Vec<JobRunRow>, ScheduleError> {
        Ok(self.deps.storage.job_runs(id, limit).await?)
    }

    /// How things stand.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn status(&self) -> Result<JobsStatus, ScheduleError> {
        let jobs = self.list(None).await?;
        Ok(JobsStatus {
            jobs: jobs.len(),
            failing: jobs.iter().filter(|job| job.is_failing()).count(),
            next_due_at: jobs.iter().filter_map(|job| job.due_at).min(),
        })
    }

    fn agent(
        &self,
        wanted: Option<AgentId>,
        origin: Option<&JobOrigin>,
    ) -> Result<AgentId, ScheduleError> {
        let own = origin.map(|origin| origin.session_key.agent_id());
        if let (Some(wanted), Some(own)) = (&wanted, &own)
            && wanted != own
        {
            let message = format!("a job that is made here belongs to the agent {own}");
            return Err(ScheduleError::Forbidden(message));
        }
        let config = self.config();
        let id = wanted
            .or(own)
            .or_else(|| config.as_ref().map(|config| config.default_agent().id.clone()));
        let id = id.unwrap_or_else(AgentId::main);
        if config.is_some_and(|config| config.agent(&id).is_none()) {
            return Err(ScheduleError::invalid("agent_id", format!("no agent {id}")));
        }
        Ok(id)
    }

    /// What holds between the parts of a job.
    fn check(&self, job: &Job, now: Timestamp) -> Result<(), ScheduleError> {
        let spec = &job.spec;
        self.occurrences(job)?;
        if let Schedule::At { at } = spec.schedule
            && at < now.minus(JUST_NOW)
            && spec.enabled
            && job.state.cursor < at
        {
            return Err(ScheduleError::invalid("schedule.at", format!("{at} is past")));
        }
        match (&spec.payload, spec.target) {
            (Payload::SystemEvent { .. }, Target::Isolated) => {
                return Err(ScheduleError::invalid(
                    "session_target",
                    "must be main for a system_event; an agent_turn runs isolated",
                ));
            }
            (Payload::AgentTurn { .. }, Target::Main) => {
                return Err(ScheduleError::invalid(
                    "session_target",
                    "must be isolated for an agent_turn; the main session takes a system_event",
                ));
            }
            _ => {}
        }
        self.check_delivery(&spec.delivery)?;
        self.check_walls(job)
    }

    fn check_delivery(&self, delivery: &Delivery) -> Result<(), ScheduleError> {
        if delivery.mode != DeliveryMode::Webhook {
            return Ok(());
        }
        let url = delivery.to.as_deref().unwrap_or_default();
        if url.starts_with("https://") || url.starts_with("http://") {
            return Ok(());
        }
        Err(ScheduleError::invalid("delivery.to", "must be the URL of the webhook"))
    }

    /// A session behind walls starts nothing outside of them.
    fn check_walls(&self, job: &Job) -> Result<(), ScheduleError> {
        let (Some(origin), Some(config)) = (&job.spec.origin, self.config()) else {
            return Ok(());
        };
        let mode = config.agent(&job.agent_id).map(|agent| agent.sandbox.mode);
        let is_walled = mode == Some(SandboxMode::NonMain) && !origin.session_key.is_main();
        if is_walled && job.spec.target == Target::Main {
            return Err(ScheduleError::Forbidden(
                "from this session, which is sandboxed, no job can speak to the main session"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

/// From when on moments count.
fn begin(schedule: &Schedule, now: Timestamp) -> Timestamp {
    match schedule {
        Schedule::At { at } => {
            let before = at.minus(std::time::Duration::from_millis(1));
            if *at >= now.minus(JUST_NOW) { before.min(now) } else { now }
        }
        Schedule::Every { .. } | Schedule::Cron { .. } => now,
    }
}

/// Whether who asks may see a job: the owner's programs all, others those of their own session.
fn may_see(job: &Job, by: Option<&JobOrigin>) -> bool {
    by.is_none_or(|by| {
        let own = job.spec.origin.as_ref();
        own.is_some_and(|origin| origin.session_key == by.session_key)
    })
}

fn readable(row: JobRow) -> Option<Job> {
    let id = row.id.clone();
    Job::from_row(row)
        .inspect_err(|error| tracing::warn!(job = %id, %error, "a job cannot be read"))
        .ok()
}

fn name_of(payload: &Payload) -> String {
    let text = match payload {
        Payload::SystemEvent { text } => text,
        Payload::AgentTurn { message, .. } => message,
    };
    let line = text.lines().next().unwrap_or_default();
    line.chars().take(60).collect()
}

fn apply(job: &mut Job, patch: &JobPatch, now: Timestamp) -> Result<(), ScheduleError> {
    let spec = &mut job.spec;
    if let Some(name) = &patch.name {
        spec.name.clone_from(name);
    }
    if let Some(description) = &patch.description {
        spec.description.clone_from(description);
    }
    let comes_back = patch.enabled == Some(true) && !spec.enabled;
    spec.enabled = patch.enabled.unwrap_or(spec.enabled);
    spec.delete_after_run = patch.delete_after_run.unwrap_or(spec.delete_after_run);
    if let Some(payload) = &patch.payload {
        spec.payload = payload.clone().apply(Some(&spec.payload))?;
    }
    let follows = match spec.payload {
        Payload::SystemEvent { .. } => Target::Main,
        Payload::AgentTurn { .. } => Target::Isolated,
    };
    let changes_kind = patch.payload.as_ref().is_some_and(|payload| payload.is_event.is_some());
    spec.target = patch.target.unwrap_or(if changes_kind { follows } else { spec.target });
    spec.wake = patch.wake.unwrap_or(spec.wake);
    if let Some(delivery) = &patch.delivery {
        spec.delivery = delivery.clone().apply(spec.delivery.clone());
    }
    spec.catch_up = patch.catch_up.unwrap_or(spec.catch_up);
    let is_rescheduled = match &patch.schedule {
        Some(schedule) if *schedule != spec.schedule => {
            spec.schedule = schedule.clone();
            true
        }
        Some(_) | None => false,
    };
    if comes_back || is_rescheduled {
        job.state = JobState {
            cursor: begin(&job.spec.schedule, now),
            asked: None,
            is_retry: false,
            not_before: None,
            consecutive_errors: 0,
            schedule_errors: 0,
            disabled_reason: None,
            alerted_at: None,
            ..job.state.clone()
        };
    }
    Ok(())
}
