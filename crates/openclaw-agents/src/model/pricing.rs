use openclaw_config::{ModelPrices, ModelProvider};
use openclaw_core::Usage;
use rig_core::catalog::Pricing;

/// What a model's tokens cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices(ModelPrices);

impl Prices {
    /// The owner's prices, else those of the catalog for a provider that is asked at its own address:
    /// another server that serves a model of the same name has other prices.
    pub(super) fn of(
        provider: &ModelProvider,
        configured: Option<ModelPrices>,
        catalog: Option<Pricing>,
    ) -> Option<Self> {
        configured.or_else(|| catalog.filter(|_| provider.is_at_home()).map(listed)).map(Self)
    }

    /// The prices in millionths of a US dollar per million tokens.
    pub fn per_million(&self) -> ModelPrices {
        self.0
    }

    /// What this use costs, in millionths of a US dollar, rounded up.
    pub fn cost(&self, usage: &Usage) -> u64 {
        let (read, written) = (usage.cache_read_tokens, usage.cache_write_tokens);
        // The input includes what was read from and written to the cache.
        let plain = usage.input_tokens.saturating_sub(read).saturating_sub(written);
        let parts = [
            (plain, self.0.input),
            (usage.output_tokens, self.0.output),
            (read, self.0.cache_read),
            (written, self.0.cache_write),
        ];
        let sum: u128 =
            parts.iter().map(|(tokens, price)| u128::from(*tokens) * u128::from(*price)).sum();
        u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

fn listed(pricing: Pricing) -> ModelPrices {
    let input = micros(pricing.input);
    ModelPrices {
        input,
        output: micros(pricing.output),
        cache_read: pricing.cache_read.map_or(input, micros),
        cache_write: pricing.cache_write.map_or(input, micros),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float that is cast saturates, and no price is negative"
)]
fn micros(usd: f64) -> u64 {
    (usd.max(0.0) * 1_000_000.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::Prices;
    use openclaw_config::ModelPrices;
    use openclaw_core::Usage;

    #[test]
    fn cached_input_has_its_own_price_and_nothing_is_free_by_rounding() {
        let prices = Prices(ModelPrices {
            input: 3_000_000,
            output: 15_000_000,
            cache_read: 300_000,
            cache_write: 3_750_000,
        });
        let usage = Usage {
            input_tokens: 1_000,
            output_tokens: 100,
            cache_read_tokens: 600,
            cache_write_tokens: 300,
            ..Usage::default()
        };
        // 100 · 3 + 100 · 15 + 600 · 0.3 + 300 · 3.75
        assert_eq!(prices.cost(&usage), 3_105);
        let one = Usage { cache_read_tokens: 1, input_tokens: 1, ..Usage::default() };
        assert_eq!(prices.cost(&one), 1);
        assert_eq!(prices.cost(&Usage::default()), 0);
        let most = Usage { output_tokens: u64::MAX, ..Usage::default() };
        assert_eq!(prices.cost(&most), u64::MAX);
    }
}
