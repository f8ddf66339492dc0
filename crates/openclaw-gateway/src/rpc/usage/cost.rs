use std::collections::BTreeMap;

use openclaw_agents::{beginning, day_of, spent_since};
use openclaw_core::Usage;
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{DayUsage, UsageCostParams, UsageCostResult};

use crate::GatewayState;

/// The days that are told, unless the caller says another number.
const USUAL_DAYS: u32 = 30;

pub(crate) async fn run(
    state: &GatewayState,
    params: UsageCostParams,
) -> Result<UsageCostResult, OpenClawError> {
    let count = params.days.unwrap_or(USUAL_DAYS);
    if !(1..=366).contains(&count) {
        return Err(OpenClawError::invalid_params("days", "must be from 1 to 366"));
    }
    let zone = &state.time_zone;
    let now = state.clock.now();
    let (today, ..) = day_of(now, zone);
    let first = today.saturating_sub(jiff::Span::new().days(i64::from(count) - 1));
    let since = beginning(first, zone, now);
    let mut days: BTreeMap<jiff::civil::Date, DayUsage> = BTreeMap::new();
    let mut total = Usage::default();
    for spent in spent_since(&*state.storage, since).await? {
        if params.agent_id.as_ref().is_some_and(|wanted| *wanted != spent.agent) {
            continue;
        }
        let (date, ..) = day_of(spent.ended_at, zone);
        let day = days.entry(date).or_insert_with(|| DayUsage {
            date: date.to_string(),
            runs: 0,
            usage: Usage::default(),
        });
        day.runs += 1;
        day.usage += spent.usage;
        total += spent.usage;
    }
    Ok(UsageCostResult { days: days.into_values().collect(), total })
}
