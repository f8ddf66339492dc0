//! What agents used, and the limits of it.
//!
//! The store is the truth: what a run used stands in its inbox row. What was used today is read from
//! it once, when an agent with a daily limit first asks a model, and counted along from there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use openclaw_config::SpendLimits;
use openclaw_core::{AgentId, Timestamp, Usage};
use openclaw_errors::ErrorKind;
use openclaw_storage::rows::StoredError;
use openclaw_storage::{Storage, StorageError};
use tokio::sync::Mutex;

use crate::model::spoken;

/// What one run used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    /// The agent.
    pub agent: AgentId,
    /// When the run ended.
    pub ended_at: Timestamp,
    /// What it used.
    pub usage: Usage,
}

/// Rows read at a time.
const PAGE: u32 = 500;

/// No run takes longer from its acceptance to its end, but for one that waits while the gateway is
/// off; that one is then missing from sums over days.
const LONGEST_RUN: Duration = Duration::from_secs(2 * 24 * 3_600);

/// The runs that ended since a time, newest first. Reads no further back than it has to.
///
/// # Errors
/// When the store cannot be read.
pub async fn spent_since(
    storage: &dyn Storage,
    since: Timestamp,
) -> Result<Vec<Spent>, StorageError> {
    let oldest = since.minus(LONGEST_RUN);
    let mut spent = Vec::new();
    let mut before = None;
    loop {
        let rows = storage.usage_before(before, PAGE).await?;
        let is_last = rows.len() < PAGE as usize;
        let Some(last) = rows.last() else { return Ok(spent) };
        before = Some(last.position);
        let is_past = last.created_at < oldest;
        let ended = rows.into_iter().filter_map(|row| {
            let (usage, ended_at) = (row.usage?, row.ended_at?);
            let counts = ended_at >= since && usage != Usage::default();
            counts.then(|| Spent { agent: row.session_key.agent_id(), ended_at, usage })
        });
        spent.extend(ended);
        if is_last || is_past {
            return Ok(spent);
        }
    }
}

/// The day that a moment belongs to, and when it begins and ends.
pub fn day_of(at: Timestamp, zone: &TimeZone) -> (Date, Timestamp, Timestamp) {
    let moment =
        jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let date = zone.to_datetime(moment).date();
    let next = date.tomorrow().unwrap_or(date);
    (date, beginning(date, zone, at), beginning(next, zone, at))
}

/// When a day begins; where clocks are put forward at midnight, at the first moment of it. A day that
/// cannot be told begins now.
pub fn beginning(date: Date, zone: &TimeZone, now: Timestamp) -> Timestamp {
    let midnight = date.to_datetime(Time::midnight());
    let begins = zone.to_ambiguous_timestamp(midnight).compatible();
    begins.map_or(now, |begins| Timestamp::from_millis(begins.as_millisecond()))
}

/// What agents with daily limits used today.
#[derive(Debug)]
pub struct Ledger {
    storage: Arc<dyn Storage>,
    zone: TimeZone,
    days: Mutex<HashMap<AgentId, (Date, Usage)>>,
}

impl Ledger {
    /// Over the runs of this store, with days of this zone.
    pub fn new(storage: Arc<dyn Storage>, zone: TimeZone) -> Self {
        Self { storage, zone, days: Mutex::default() }
    }

    /// What an agent used today, this moment's runs included, and when the day ends.
    ///
    /// # Errors
    /// When it has to be read and the store cannot.
    pub async fn today(
        &self,
        agent: &AgentId,
        now: Timestamp,
    ) -> Result<(Usage, Timestamp), StorageError> {
        let (date, begins, ends) = day_of(now, &self.zone);
        let mut days = self.days.lock().await;
        if let Some((_, usage)) = days.get(agent).filter(|(known, _)| *known == date) {
            return Ok((*usage, ends));
        }
        let mut usage = Usage::default();
        for spent in spent_since(&*self.storage, begins).await? {
            if spent.agent == *agent {
                usage += spent.usage;
            }
        }
        days.insert(agent.clone(), (date, usage));
        Ok((usage, ends))
    }

    /// Counts what a call of a model used, where the agent's day is counted at all.
    pub async fn add(&self, agent: &AgentId, now: Timestamp, usage: Usage) {
        let (date, ..) = day_of(now, &self.zone);
        if let Some((_, counted)) =
            self.days.lock().await.get_mut(agent).filter(|(known, _)| *known == date)
        {
            *counted += usage;
        }
    }

    /// Why an agent may not ask a model now; `None` when it may.
    ///
    /// `run` is what the run used so far.
    pub async fn refusal(
        &self,
        limits: &SpendLimits,
        agent: &AgentId,
        now: Timestamp,
        run: Usage,
    ) -> Option<StoredError> {
        if limits.is_none() {
            return None;
        }
        if let Some(reached) = Reached::of(limits.cost_per_run_micros, limits.tokens_per_run, run) {
            return Some(reached.of_run());
        }
        if !limits.limits_days() {
            return None;
        }
        let (used, ends) = match self.today(agent, now).await {
            Ok(today) => today,
            Err(error) => {
                tracing::error!(%agent, %error, "what was used today cannot be read");
                return Some(StoredError {
                    code: ErrorKind::Database.as_str().to_owned(),
                    message: "what was used today cannot be read, so no model is asked".to_owned(),
                    hint: Some("see the gateway's log".to_owned()),
                });
            }
        };
        let reached = Reached::of(limits.cost_per_day_micros, limits.tokens_per_day, used)?;
        Some(reached.of_day(agent, ends.since(now)))
    }
}

/// A limit that was reached.
enum Reached {
    Cost { used: u64, limit: u64 },
    Tokens { used: u64, limit: u64 },
}

impl Reached {
    fn of(cost: Option<u64>, tokens: Option<u64>, used: Usage) -> Option<Self> {
        match (cost, tokens) {
            (Some(limit), _) if used.cost_micro_usd >= limit => {
                Some(Self::Cost { used: used.cost_micro_usd, limit })
            }
            (_, Some(limit)) if used.tokens() >= limit => {
                Some(Self::Tokens { used: used.tokens(), limit })
            }
            _ => None,
        }
    }

    fn amounts(&self) -> String {
        match self {
            Self::Cost { used, limit } => format!("{} of {}", usd(*used), usd(*limit)),
            Self::Tokens { used, limit } => format!("{used} of {limit} tokens"),
        }
    }

    fn key(&self, period: &str) -> String {
        match self {
            Self::Cost { .. } => format!("agents.limits.max_cost_per_{period}_usd"),
            Self::Tokens { .. } => format!("agents.limits.max_tokens_per_{period}"),
        }
    }

    fn of_run(&self) -> StoredError {
        self.error(
            format!("the limit of one run is reached: {}", self.amounts()),
            format!("a new message begins a new run; {} is the limit", self.key("run")),
        )
    }

    fn of_day(&self, agent: &AgentId, left: Duration) -> StoredError {
        self.error(
            format!("today's limit of the agent {agent} is reached: {}", self.amounts()),
            format!(
                "it begins anew at midnight, in {}; {} is the limit",
                spoken(left),
                self.key("day")
            ),
        )
    }

    fn error(&self, message: String, hint: String) -> StoredError {
        StoredError { code: ErrorKind::RateLimited.as_str().to_owned(), message, hint: Some(hint) }
    }
}

/// Millionths of a dollar for people: two digits after the point, four below ten cents.
pub fn usd(micros: u64) -> String {
    let (whole, rest) = (micros / 1_000_000, micros % 1_000_000);
    match micros {
        0 => "$0.00".to_owned(),
        1..=99_999 => format!("${whole}.{:04}", rest.div_ceil(100).max(1)),
        _ => {
            let cents = micros.div_ceil(10_000);
            format!("${}.{:02}", cents / 100, cents % 100)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{day_of, usd};
    use jiff::tz::TimeZone;
    use openclaw_core::Timestamp;

    #[test]
    fn dollars_for_people() {
        let shown: Vec<String> =
            [0, 1, 150, 99_999, 100_000, 1_234_567, 5_000_000, 99_999_999].map(usd).to_vec();
        let expected =
            ["$0.00", "$0.0001", "$0.0002", "$0.1000", "$0.10", "$1.24", "$5.00", "$100.00"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn days_are_those_of_the_zone_even_where_clocks_change() {
        let zone = TimeZone::get("Europe/Berlin").expect("known");
        // 2025-10-26, the day of 25 hours, at noon.
        let noon = Timestamp::parse_rfc3339("2025-10-26T11:00:00Z").expect("a time");
        let (date, begins, ends) = day_of(noon, &zone);
        assert_eq!(date.to_string(), "2025-10-26");
        assert_eq!(begins.to_string(), "2025-10-25T22:00:00.000Z");
        assert_eq!(ends.since(begins).as_secs(), 25 * 3_600);
    }
}
