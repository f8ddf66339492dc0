use openclaw_config::{ModelProvider, ProviderApi};
use rig_core::catalog::{Catalog, ModelSpec};

use super::Prices;

/// What is known of a model before it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFacts {
    /// Tokens it reads and writes in one request.
    pub context_window: u64,
    /// Tokens an answer is limited to; always sent.
    pub max_output: u64,
    /// Whether it sees images; assumed of models that are not known.
    pub images: bool,
    /// How it is told to think.
    pub thinking: Thinking,
    /// What it costs; `None` where nobody said.
    pub prices: Option<Prices>,
    /// The window that the owner set, which a local server is told to keep.
    pub own_window: Option<u64>,
}

/// How a model is told to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thinking {
    /// Not at all.
    None,
    /// By a level.
    Level,
    /// By a number of tokens.
    Budget,
}

/// The window of a model that is not known: small enough for what runs at home.
const UNKNOWN_WINDOW: u64 = 32_768;
const UNKNOWN_OUTPUT: u64 = 8_192;
const LONGEST_OUTPUT: u64 = 16_384;

impl ModelFacts {
    /// Looks the model up by its provider's configured name, else by its wire's vendor.
    ///
    /// The first call parses the catalog, about 4 ms.
    pub fn of(provider: &str, api: ProviderApi, model: &str) -> Self {
        Self::of_spec(api, find(provider, api, model))
    }

    /// The same with what the owner says of the model, and what it costs.
    pub fn for_model(provider: &ModelProvider, model: &str) -> Self {
        let spec = find(&provider.name, provider.api, model);
        let said = provider.model(model);
        let mut facts = Self::of_spec(provider.api, spec);
        if let Some(window) = said.context_window {
            facts.context_window = window;
            facts.max_output = facts.max_output.min(window / 2).max(1);
            facts.own_window = Some(window);
        }
        if provider.api == ProviderApi::Ollama && said.context_window.is_none() {
            facts.context_window = facts.context_window.min(UNKNOWN_WINDOW);
        }
        facts.max_output = said.max_output_tokens.unwrap_or(facts.max_output);
        facts.images = said.images.unwrap_or(facts.images);
        facts.prices = Prices::of(provider, said.cost, spec.and_then(|spec| spec.pricing));
        facts
    }

    fn of_spec(api: ProviderApi, spec: Option<&ModelSpec>) -> Self {
        match spec {
            Some(spec) => {
                let window = spec.context_window.map_or(UNKNOWN_WINDOW, u64::from);
                let output = spec.max_output_tokens.map_or(UNKNOWN_OUTPUT, u64::from);
                Self {
                    context_window: window,
                    max_output: output.min(LONGEST_OUTPUT).min(window / 2).max(1),
                    images: spec.input.image,
                    thinking: match () {
                        () if !spec.reasoning.levels.is_empty() => Thinking::Level,
                        () if spec.reasoning.budget.is_some() => Thinking::Budget,
                        () => Thinking::None,
                    },
                    prices: None,
                    own_window: None,
                }
            }
            None => Self {
                context_window: UNKNOWN_WINDOW,
                max_output: UNKNOWN_OUTPUT,
                images: true,
                // Whoever asks an unknown model to think knows that it can.
                thinking: match api {
                    ProviderApi::AnthropicMessages => Thinking::Budget,
                    ProviderApi::OpenAiChat
                    | ProviderApi::OpenAiResponses
                    | ProviderApi::Gemini
                    | ProviderApi::Ollama => Thinking::Level,
                },
                prices: None,
                own_window: None,
            },
        }
    }
}

fn find(provider: &str, api: ProviderApi, model: &str) -> Option<&'static ModelSpec> {
    let catalog = Catalog::builtin();
    let vendor = match api {
        ProviderApi::OpenAiChat | ProviderApi::OpenAiResponses => "openai",
        ProviderApi::AnthropicMessages => "anthropic",
        ProviderApi::Gemini => "gcp.gemini",
        ProviderApi::Ollama => "ollama",
    };
    [provider, vendor].into_iter().find_map(|vendor| {
        catalog.resolve(&format!("{vendor}/{model}")).or_else(|| {
            let undated = undated(model)?;
            catalog.resolve(&format!("{vendor}/{undated}"))
        })
    })
}

/// The models that the catalog knows of a provider, by id.
pub fn catalog_models(provider: &ModelProvider) -> Vec<String> {
    let vendor = match (provider.name.as_str(), provider.api) {
        (_, ProviderApi::Gemini) => "gcp.gemini",
        (_, ProviderApi::Ollama) => return Vec::new(),
        (name, _) => name,
    };
    let of_vendor = Catalog::builtin()
        .iter()
        .filter(|spec| spec.provider.vendor() == vendor && !spec.deprecated);
    of_vendor.map(|spec| spec.id.clone()).collect()
}

/// The id without the date of a snapshot: `-20250929` or `-2025-08-07`.
fn undated(model: &str) -> Option<&str> {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (stem, last) = model.rsplit_once('-')?;
    if last.len() == 8 && is_digits(last) {
        return Some(stem);
    }
    let mut parts = model.rsplitn(4, '-');
    let (day, month, year, stem) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_date = [(day, 2), (month, 2), (year, 4)]
        .iter()
        .all(|(text, length)| text.len() == *length && is_digits(text));
    is_date.then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::{ModelFacts, Thinking, UNKNOWN_WINDOW, undated};
    use openclaw_config::ProviderApi;

    #[test]
    fn known_and_unknown_models() {
        let claude = ModelFacts::of(
            "anthropic",
            ProviderApi::AnthropicMessages,
            "claude-sonnet-4-5-20250929",
        );
        assert_eq!(claude.context_window, 200_000.max(claude.context_window));
        assert_eq!(claude.thinking, Thinking::Budget);
        let gpt = ModelFacts::of("mine", ProviderApi::OpenAiChat, "gpt-5");
        assert!(gpt.context_window > 200_000);
        assert_eq!(gpt.thinking, Thinking::Level);
        let own = ModelFacts::of("mine", ProviderApi::OpenAiChat, "my-finetune");
        assert_eq!(own.context_window, UNKNOWN_WINDOW);
        assert!(own.max_output < own.context_window / 2);
    }

    #[test]
    fn dates_are_cut() {
        assert_eq!(undated("claude-sonnet-4-5-20250929"), Some("claude-sonnet-4-5"));
        assert_eq!(undated("gpt-5-2025-08-07"), Some("gpt-5"));
        assert_eq!(undated("gpt-5"), None);
    }
}
