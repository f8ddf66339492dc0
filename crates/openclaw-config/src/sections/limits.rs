use crate::{SpendLimits, TableReader};

/// The largest limit, in dollars.
const MOST_USD: f64 = 1_000_000.0;

/// Reads `[agents.limits]` or an agent's own.
pub(super) fn read_limits(reader: &mut TableReader<'_>) -> SpendLimits {
    let tokens = 1..=1_000_000_000_000;
    SpendLimits {
        cost_per_run_micros: reader
            .number(
                "max_cost_per_run_usd",
                "The most one run may cost, in US dollars.",
                0.0..=MOST_USD,
            )
            .parse(|usd| Ok(micros(usd)))
            .optional(),
        cost_per_day_micros: reader
            .number(
                "max_cost_per_day_usd",
                "The most the agent may cost in one day of the gateway's time zone, in US dollars.",
                0.0..=MOST_USD,
            )
            .parse(|usd| Ok(micros(usd)))
            .optional(),
        tokens_per_run: reader
            .integer(
                "max_tokens_per_run",
                "The most tokens of one run, in and out.",
                tokens.clone(),
            )
            .optional(),
        tokens_per_day: reader
            .integer("max_tokens_per_day", "The most tokens of one day, in and out.", tokens)
            .optional(),
    }
}

/// Dollars as millionths.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the reader holds the number between 0 and a million"
)]
pub(super) fn micros(usd: f64) -> u64 {
    (usd * 1_000_000.0).round() as u64
}

impl SpendLimits {
    /// These, and where they say nothing those of `[agents.limits]`.
    pub(crate) fn or(self, shared: Self) -> Self {
        Self {
            cost_per_run_micros: self.cost_per_run_micros.or(shared.cost_per_run_micros),
            cost_per_day_micros: self.cost_per_day_micros.or(shared.cost_per_day_micros),
            tokens_per_run: self.tokens_per_run.or(shared.tokens_per_run),
            tokens_per_day: self.tokens_per_day.or(shared.tokens_per_day),
        }
    }
}
