use croner::Cron;
use croner::parser::CronParser;
use jiff::tz::TimeZone;
use openclaw_core::{JobId, Timestamp};
use sha2::{Digest as _, Sha256};

use super::wall::WallTime;
use super::{Schedule, ScheduleError};

/// The shortest pause of `every`.
const SHORTEST: u64 = 1_000;
/// The longest stagger.
const LONGEST_STAGGER: u64 = 24 * 60 * 60 * 1_000;

/// The moments at which a schedule is due, in order. Where daylight saving skips an hour, what was
/// due in it is due at its end; where it repeats one, a fixed hour is due the first time only, and
/// `*` in both.
#[derive(Debug, Clone)]
pub struct Occurrences {
    kind: Kind,
    /// Everything is due so much later than the expression says.
    offset: i64,
}

#[derive(Debug, Clone)]
enum Kind {
    At(Timestamp),
    Every { every: i64, anchor: i64 },
    Cron { cron: Box<Cron>, zone: TimeZone },
}

impl Occurrences {
    /// Of a job's schedule; `local` is the zone of expressions that name none.
    ///
    /// # Errors
    /// [`ScheduleError::Invalid`] when the expression, the zone or a number is none.
    pub fn of(schedule: &Schedule, job: &JobId, local: &TimeZone) -> Result<Self, ScheduleError> {
        match schedule {
            Schedule::At { at } => Ok(Self { kind: Kind::At(*at), offset: 0 }),
            Schedule::Every { every_ms, anchor } => {
                let every = i64::try_from(*every_ms).ok().filter(|_| *every_ms >= SHORTEST);
                let every = every.ok_or_else(|| {
                    ScheduleError::invalid("schedule.every_ms", "must be at least 1,000 (1 s)")
                })?;
                Ok(Self { kind: Kind::Every { every, anchor: anchor.as_millis() }, offset: 0 })
            }
            Schedule::Cron { expr, tz, stagger_ms } => {
                let cron = CronParser::new().parse(expr).map_err(|error| {
                    let message = error.to_string();
                    let message = message.trim_end_matches('.');
                    ScheduleError::invalid(
                        "schedule.expr",
                        format!(
                            "is no cron expression: {message}; write 5 fields (minute hour day month weekday), or 6 with seconds first"
                        ),
                    )
                })?;
                let zone = match tz.as_deref().filter(|tz| !tz.is_empty()) {
                    None => local.clone(),
                    Some(tz) => TimeZone::get(tz).map_err(|_| {
                        ScheduleError::invalid(
                            "schedule.tz",
                            format!(
                                "{tz:?} is no time zone; write an IANA name such as Europe/Berlin"
                            ),
                        )
                    })?,
                };
                let offset = offset(*stagger_ms, job)?;
                Ok(Self { kind: Kind::Cron { cron: Box::new(cron), zone }, offset })
            }
        }
    }

    /// The first moment after this one.
    ///
    /// # Errors
    /// [`ScheduleError::Invalid`] when the expression fits no day in many years.
    pub fn after(&self, moment: Timestamp) -> Result<Option<Timestamp>, ScheduleError> {
        match &self.kind {
            Kind::At(at) => Ok(Some(*at).filter(|at| *at > moment)),
            Kind::Every { every, anchor } => {
                let passed = moment.as_millis().saturating_sub(*anchor);
                let steps = if passed < 0 { 0 } else { passed / every + 1 };
                let next = steps.checked_mul(*every).and_then(|add| anchor.checked_add(add));
                Ok(next.map(Timestamp::from_millis))
            }
            Kind::Cron { cron, zone } => {
                let from = self.wall(moment, zone)?;
                match cron.find_next_occurrence(&from, false) {
                    Ok(next) => Ok(Some(self.moment(&next))),
                    Err(error) => Err(never(&error)),
                }
            }
        }
    }

    /// The last moment that is not after this one.
    ///
    /// # Errors
    /// [`ScheduleError::Invalid`] when the expression fits no day in many years.
    pub fn until(&self, moment: Timestamp) -> Result<Option<Timestamp>, ScheduleError> {
        match &self.kind {
            Kind::At(at) => Ok(Some(*at).filter(|at| *at <= moment)),
            Kind::Every { every, anchor } => {
                let passed = moment.as_millis().saturating_sub(*anchor);
                Ok((passed >= 0).then(|| Timestamp::from_millis(anchor + passed / every * every)))
            }
            Kind::Cron { cron, zone } => {
                // What is searched backwards lies before the second it begins with.
                let next_second = Timestamp::from_millis(moment.as_millis().saturating_add(1_000));
                let from = self.wall(next_second, zone)?;
                let found = cron.find_previous_occurrence(&from, false);
                let found = found.map_err(|error| never(&error))?;
                Ok(Some(self.moment(&found)))
            }
        }
    }

    fn wall(&self, moment: Timestamp, zone: &TimeZone) -> Result<WallTime, ScheduleError> {
        let seconds = moment.as_millis().saturating_sub(self.offset).div_euclid(1_000);
        let at = jiff::Timestamp::from_second(seconds)
            .map_err(|_| ScheduleError::invalid("schedule", "the time is beyond the calendar"))?;
        Ok(WallTime { at, zone: zone.clone() })
    }

    fn moment(&self, found: &WallTime) -> Timestamp {
        Timestamp::from_millis(found.at.as_millisecond().saturating_add(self.offset))
    }
}

fn never(error: &croner::errors::CronError) -> ScheduleError {
    let message = error.to_string();
    let message = message.trim_end_matches('.');
    ScheduleError::invalid("schedule.expr", format!("is never due: {message}"))
}

/// By how much a job is later than its expression says, in whole seconds.
fn offset(stagger_ms: u64, job: &JobId) -> Result<i64, ScheduleError> {
    if stagger_ms > LONGEST_STAGGER {
        return Err(ScheduleError::invalid("schedule.stagger_ms", "must be at most a day"));
    }
    let seconds = stagger_ms / 1_000;
    if seconds == 0 {
        return Ok(0);
    }
    let digest = Sha256::digest(job.as_str().as_bytes());
    let number = u64::from_be_bytes([
        digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7],
    ]);
    Ok(i64::try_from(number % seconds).unwrap_or_default() * 1_000)
}
