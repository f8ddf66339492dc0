use openclaw_core::{AgentId, Usage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::method::method;
use crate::{Access, Scope};

method! {
    /// `usage.cost`.
    UsageCost, "usage.cost", Access::Scope(Scope::Read), UsageCostParams => UsageCostResult,
    "Tells what was used and what it cost, by day of the gateway's time zone."
}

/// The params of `usage.cost`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageCostParams {
    /// The last days, today included: 1 to 366; default 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// Only what this agent used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
}

/// The result of `usage.cost`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageCostResult {
    /// Days with at least one run, oldest first.
    pub days: Vec<DayUsage>,
    /// All of them.
    pub total: Usage,
}

/// What was used on a day by runs that ended on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DayUsage {
    /// The day, `YYYY-MM-DD`.
    pub date: String,
    /// Runs.
    pub runs: u64,
    /// What they used.
    pub usage: Usage,
}
