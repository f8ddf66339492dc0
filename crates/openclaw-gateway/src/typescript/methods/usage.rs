use openclaw_core::Usage;
use openclaw_protocol::methods::{UsageCost, UsageCostParams};
use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params::Nothing;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Call;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CostParams {
    start_date: Option<String>,
    end_date: Option<String>,
    days: Option<u32>,
}

/// The windows of providers' subscriptions: we ask with keys, which have none.
pub(super) fn status(call: Call<'_>) -> Result<Value, WireError> {
    let _: Nothing = call.params()?;
    let now = call.state.clock.now().as_millis();
    Ok(json!({ "updatedAt": now, "providers": [] }))
}

/// What was used, by day.
pub(super) async fn cost(call: Call<'_>) -> Result<Value, WireError> {
    let params: CostParams = call.params()?;
    let (from, to) = (params.start_date, params.end_date);
    let days = match (&from, params.days) {
        (Some(_), _) => Some(366),
        (None, days) => days.map(|days| days.clamp(1, 366)),
    };
    let told = call.of::<UsageCost>(UsageCostParams { days, agent_id: None }).await?;
    let mut total = Usage::default();
    let daily: Vec<Value> = told
        .days
        .iter()
        .filter(|day| from.as_ref().is_none_or(|from| day.date >= *from))
        .filter(|day| to.as_ref().is_none_or(|to| day.date <= *to))
        .map(|day| {
            total += day.usage;
            let mut shown = amounts(&day.usage);
            shown["date"] = json!(day.date);
            shown
        })
        .collect();
    Ok(json!({
        "updatedAt": call.state.clock.now().as_millis(),
        "days": daily.len(),
        "daily": daily,
        "totals": amounts(&total),
    }))
}

fn amounts(usage: &Usage) -> Value {
    let (read, written) = (usage.cache_read_tokens, usage.cache_write_tokens);
    let input = usage.input_tokens.saturating_sub(read).saturating_sub(written);
    #[expect(clippy::cast_precision_loss, reason = "costs stay far below 2^53")]
    let cost = usage.cost_micro_usd as f64 / 1_000_000.0;
    json!({
        "input": input,
        "output": usage.output_tokens,
        "cacheRead": read,
        "cacheWrite": written,
        "totalTokens": usage.tokens(),
        "totalCost": cost,
        "missingCostEntries": 0,
    })
}
