use openclaw_config::ProviderApi;
use openclaw_core::ThinkingLevel;
use serde_json::{Value, json};

use super::facts::{ModelFacts, Thinking};

/// What a thinking level adds to a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ThinkingParams {
    /// Parameters of the provider's own.
    pub(crate) params: Option<Value>,
    /// The output limit, thinking included.
    pub(crate) max_tokens: u64,
}

/// Maps a level to what this model understands; a model that cannot think is not asked to.
pub(crate) fn thinking_params(
    api: ProviderApi,
    facts: &ModelFacts,
    level: ThinkingLevel,
) -> ThinkingParams {
    let plain = ThinkingParams { params: None, max_tokens: facts.max_output };
    let Some(word) = word(level) else { return plain };
    let budget = budget(level).min(facts.context_window / 4).max(1_024);
    match (api, facts.thinking) {
        (_, Thinking::None) => plain,
        (ProviderApi::OpenAiChat | ProviderApi::Ollama, _) => {
            ThinkingParams { params: Some(json!({"reasoning_effort": word})), ..plain }
        }
        (ProviderApi::OpenAiResponses, _) => {
            ThinkingParams { params: Some(json!({"reasoning": {"effort": word}})), ..plain }
        }
        (ProviderApi::AnthropicMessages, Thinking::Level) => {
            let effort = if word == "minimal" { "low" } else { word };
            let params =
                json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}});
            ThinkingParams { params: Some(params), ..plain }
        }
        (ProviderApi::AnthropicMessages, Thinking::Budget) => ThinkingParams {
            params: Some(json!({"thinking": {"type": "enabled", "budget_tokens": budget}})),
            max_tokens: facts.max_output + budget,
        },
        (ProviderApi::Gemini, _) => ThinkingParams {
            params: Some(
                json!({"generationConfig": {"thinkingConfig": {"thinkingBudget": budget}}}),
            ),
            max_tokens: facts.max_output + budget,
        },
    }
}

fn word(level: ThinkingLevel) -> Option<&'static str> {
    match level {
        ThinkingLevel::Off => None,
        ThinkingLevel::Minimal => Some("minimal"),
        ThinkingLevel::Low => Some("low"),
        ThinkingLevel::Medium => Some("medium"),
        ThinkingLevel::High => Some("high"),
    }
}

fn budget(level: ThinkingLevel) -> u64 {
    match level {
        ThinkingLevel::Off => 0,
        ThinkingLevel::Minimal => 1_024,
        ThinkingLevel::Low => 2_048,
        ThinkingLevel::Medium => 8_192,
        ThinkingLevel::High => 16_384,
    }
}
