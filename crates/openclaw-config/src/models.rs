use std::collections::BTreeMap;

use openclaw_core::Secret;

use crate::{ModelProvider, Spanned};

/// `[models.providers.<name>.models."<id>"]`: what the owner knows better than the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelSettings {
    /// What it costs.
    pub cost: Option<ModelPrices>,
    /// Tokens it reads and writes in one request; an Ollama server is told to keep this many.
    pub context_window: Option<u64>,
    /// The most tokens of an answer.
    pub max_output_tokens: Option<u64>,
    /// Whether it sees images.
    pub images: Option<bool>,
}

/// Prices in millionths of a US dollar per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelPrices {
    /// Input that is not cached.
    pub input: u64,
    /// Output, thinking included.
    pub output: u64,
    /// Input read from the provider's cache.
    pub cache_read: u64,
    /// Input written to the provider's cache.
    pub cache_write: u64,
}

/// `[agents.limits]`: what an agent may use; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpendLimits {
    /// Millionths of a US dollar in one run.
    pub cost_per_run_micros: Option<u64>,
    /// Millionths of a US dollar in one day of the owner's time zone.
    pub cost_per_day_micros: Option<u64>,
    /// Tokens in one run, in and out.
    pub tokens_per_run: Option<u64>,
    /// Tokens in one day, in and out.
    pub tokens_per_day: Option<u64>,
}

impl SpendLimits {
    /// Whether nothing is limited.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a day is limited.
    pub fn limits_days(&self) -> bool {
        self.cost_per_day_micros.is_some() || self.tokens_per_day.is_some()
    }
}

impl ModelProvider {
    /// All its keys, in the order they are named: `openai#1`, `openai#2`.
    pub fn keys(&self) -> impl Iterator<Item = &Secret> {
        self.api_key.iter().chain(&self.more_keys)
    }

    /// What the owner says of one of its models.
    pub fn model(&self, id: &str) -> ModelSettings {
        self.models.get(id).copied().unwrap_or_default()
    }
}

/// `[models.aliases]` with the place of each.
pub(crate) type AliasSection = BTreeMap<String, Spanned<String>>;

/// `[models]`, not yet completed.
pub(crate) struct ModelsSection {
    pub(crate) providers: Vec<crate::sections::ProviderSection>,
    pub(crate) aliases: AliasSection,
}
