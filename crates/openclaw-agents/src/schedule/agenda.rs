use std::time::Duration;

use openclaw_core::Timestamp;

use super::{CatchUp, Job, Occurrences, RunResult, ScheduleError, Trigger};

/// How long a recurring job pauses after so many errors in a row; the last one for all further ones.
pub const BACK_OFF: [Duration; 5] = [
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(60 * 60),
];
/// From this delay on, a moment counts as missed.
pub const LATE_AFTER: Duration = Duration::from_secs(60);
/// The most moments that `all` makes up for.
const MOST_CAUGHT_UP: usize = 100;
/// The most missed moments that are counted.
const MOST_COUNTED: u32 = 500;
/// A cursor so far in the future was set by a clock that was wrong.
const BEYOND_BELIEF: Duration = Duration::from_secs(24 * 60 * 60);
/// How often a job that is due once is tried.
const TRIES_OF_ONE: u32 = 4;
/// How often a schedule may fail before the job is switched off.
const SCHEDULE_ERRORS: u32 = 3;

/// What is to be done about a job at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agenda {
    /// What.
    pub due: Due,
    /// When to look again if nothing is done.
    pub next: Option<Timestamp>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// Begin a run.
    Run {
        /// The moment it is for.
        slot: Timestamp,
        /// Why.
        trigger: Trigger,
        /// Moments before it that get no run.
        missed: u32,
    },
    /// Note that moments are past.
    Skip {
        /// The last of them.
        slot: Timestamp,
        /// How many.
        missed: u32,
    },
}

/// Looks at a job: what is to be done by now. At most one thing; after it is done the job is to be
/// looked at again.
///
/// A clock that was put back makes nothing due a second time.
///
/// # Errors
/// When the schedule is never due.
pub fn look_at(
    job: &Job,
    occurrences: &Occurrences,
    now: Timestamp,
) -> Result<Agenda, ScheduleError> {
    let state = &job.state;
    let nothing = |next| Ok(Agenda { due: Due::Nothing, next });
    if state.running.is_some() {
        return nothing(None);
    }
    if let Some(slot) = state.asked {
        if slot > now && slot <= now.plus(BEYOND_BELIEF) {
            return nothing(Some(slot));
        }
        let trigger = if state.is_retry { Trigger::Retry } else { Trigger::Asked };
        return Ok(Agenda { due: Due::Run { slot, trigger, missed: 0 }, next: None });
    }
    if !job.spec.enabled {
        return nothing(None);
    }
    let longest = BACK_OFF[BACK_OFF.len() - 1];
    if let Some(not_before) = state.not_before
        && not_before > now
        && not_before <= now.plus(longest)
    {
        return nothing(Some(not_before));
    }
    let cursor = state.cursor;
    let Some(latest) = occurrences.until(now)?.filter(|latest| *latest > cursor) else {
        return nothing(occurrences.after(cursor.max(now))?);
    };
    let is_late = now.since(latest) > LATE_AFTER;
    let due = match job.spec.catch_up {
        CatchUp::All => {
            let slots = pending(occurrences, cursor, latest, MOST_CAUGHT_UP)?;
            let slot = slots.last().copied().unwrap_or(latest);
            let before = slot.minus(Duration::from_millis(1));
            let missed = count(occurrences, cursor, before)?;
            Due::Run { slot, trigger: Trigger::Schedule, missed }
        }
        CatchUp::Skip if is_late => {
            Due::Skip { slot: latest, missed: count(occurrences, cursor, latest)? }
        }
        CatchUp::Once | CatchUp::Skip => {
            let missed = count(occurrences, cursor, latest)?.saturating_sub(1);
            Due::Run { slot: latest, trigger: Trigger::Schedule, missed }
        }
    };
    Ok(Agenda { due, next: None })
}

/// The last moments after the cursor, latest first.
fn pending(
    occurrences: &Occurrences,
    cursor: Timestamp,
    latest: Timestamp,
    most: usize,
) -> Result<Vec<Timestamp>, ScheduleError> {
    let mut slots = vec![latest];
    let mut from = latest;
    while slots.len() < most {
        let before = occurrences.until(from.minus(Duration::from_millis(1)))?;
        let Some(slot) = before.filter(|slot| *slot > cursor && *slot < from) else { break };
        slots.push(slot);
        from = slot;
    }
    Ok(slots)
}

/// How many moments there are after the cursor up to this one, at most 500.
fn count(
    occurrences: &Occurrences,
    cursor: Timestamp,
    until: Timestamp,
) -> Result<u32, ScheduleError> {
    let Some(latest) = occurrences.until(until)?.filter(|latest| *latest > cursor) else {
        return Ok(0);
    };
    let slots = pending(occurrences, cursor, latest, MOST_COUNTED as usize)?;
    Ok(u32::try_from(slots.len()).unwrap_or(MOST_COUNTED))
}

/// What the end of a run means for its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afterwards {
    /// It goes on.
    Kept,
    /// It is done and goes.
    Deleted,
}

impl Job {
    /// Begins to count anew where a clock that was more than a day ahead had counted; answers whether
    /// it had.
    pub fn believe(&mut self, now: Timestamp) -> bool {
        let is_beyond = self.state.cursor > now.plus(BEYOND_BELIEF);
        if is_beyond {
            self.state.cursor = now;
        }
        is_beyond
    }

    /// Notes that the run of a moment was begun.
    pub fn begun(&mut self, slot: Timestamp, trigger: Trigger, now: Timestamp, owner: &str) {
        if trigger == Trigger::Schedule {
            self.state.cursor = slot;
        }
        self.state.asked = None;
        self.state.is_retry = false;
        self.state.running = Some(slot);
        self.state.last_run_at = Some(now);
        self.owner = Some(owner.to_owned());
        self.due_at = None;
    }

    /// Notes that moments up to this one were passed over.
    pub fn skipped(&mut self, slot: Timestamp) {
        self.state.cursor = slot;
        self.state.last_result = Some(RunResult::Skipped);
        if self.spec.schedule.is_once() {
            self.spec.enabled = false;
            self.state.disabled_reason = Some("its moment was missed".to_owned());
        }
    }

    /// Notes how the run ended.
    pub fn ended(&mut self, error: Option<&str>, now: Timestamp, trigger: Trigger) -> Afterwards {
        let state = &mut self.state;
        state.running = None;
        state.last_duration_ms = state
            .last_run_at
            .map(|began| u64::try_from(now.since(began).as_millis()).unwrap_or(u64::MAX));
        state.last_error = error.map(|error| error.chars().take(500).collect());
        let Some(_) = error else {
            state.last_result = Some(RunResult::Ok);
            state.consecutive_errors = 0;
            state.not_before = None;
            state.alerted_at = None;
            if self.spec.schedule.is_once() && trigger != Trigger::Asked {
                if self.spec.delete_after_run {
                    return Afterwards::Deleted;
                }
                self.spec.enabled = false;
            }
            return Afterwards::Kept;
        };
        state.last_result = Some(RunResult::Error);
        state.consecutive_errors = state.consecutive_errors.saturating_add(1);
        let nth = state.consecutive_errors as usize;
        let pause = BACK_OFF[nth.clamp(1, BACK_OFF.len()) - 1];
        if !self.spec.schedule.is_once() {
            state.not_before = Some(now.plus(pause));
        } else if trigger != Trigger::Asked && state.consecutive_errors < TRIES_OF_ONE {
            state.asked = Some(now.plus(pause));
            state.is_retry = true;
        } else if trigger != Trigger::Asked {
            self.spec.enabled = false;
            state.disabled_reason = Some(format!("it failed {nth} times"));
        }
        Afterwards::Kept
    }

    /// Notes that the schedule could not be understood; after the third time the job is switched
    /// off.
    pub fn schedule_failed(&mut self, error: &str, now: Timestamp) {
        self.state.schedule_errors = self.state.schedule_errors.saturating_add(1);
        self.state.last_error = Some(error.to_owned());
        if self.state.schedule_errors >= SCHEDULE_ERRORS {
            self.spec.enabled = false;
            self.state.asked = None;
            self.state.disabled_reason = Some(format!("its schedule fails: {error}"));
            self.due_at = None;
        } else {
            self.due_at = Some(now.plus(BACK_OFF[1]));
        }
    }
}
