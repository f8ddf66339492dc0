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
    model: &str,
    facts: &ModelFacts,
    level: ThinkingLevel,
) -> ThinkingParams {
    let plain = ThinkingParams { params: None, max_tokens: facts.max_output };
    let Some(word) = word(level) else { return plain };
    let budget = budget(level).min(facts.context_window / 4).max(1_024);
    match (api, facts.thinking) {
        (_, Thinking::None) => plain,
        // Of the models that Ollama serves, one family is told a level; the others think or do not.
        (ProviderApi::Ollama, _) if model.starts_with("gpt-oss") => {
            let word = if word == "minimal" { "low" } else { word };
            ThinkingParams { params: Some(json!({"think": word})), ..plain }
        }
        (ProviderApi::Ollama, _) => {
            ThinkingParams { params: Some(json!({"think": true})), ..plain }
        }
        (ProviderApi::OpenAiChat, _) => {
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

#[cfg(test)]
mod tests {
    use super::thinking_params;
    use crate::model::ModelFacts;
    use openclaw_config::ProviderApi;
    use openclaw_core::ThinkingLevel;

    /// What each wire is told, for each level.
    #[test]
    fn levels_become_what_the_model_understands() {
        let mut told = String::new();
        for (api, provider, model) in [
            (ProviderApi::OpenAiChat, "openai", "gpt-5"),
            (ProviderApi::OpenAiChat, "openai", "gpt-4o"),
            (ProviderApi::OpenAiResponses, "openai", "gpt-5"),
            (ProviderApi::AnthropicMessages, "anthropic", "claude-sonnet-4-5"),
            (ProviderApi::Gemini, "gemini", "gemini-2.5-flash"),
            (ProviderApi::Ollama, "ollama", "qwen3:4b"),
            (ProviderApi::Ollama, "ollama", "gpt-oss:20b"),
        ] {
            let facts = ModelFacts::of(provider, api, model);
            told.push_str(&format!("{provider}/{model}\n"));
            for level in [
                ThinkingLevel::Off,
                ThinkingLevel::Minimal,
                ThinkingLevel::Low,
                ThinkingLevel::High,
            ] {
                let made = thinking_params(api, model, &facts, level);
                let more = made.max_tokens - facts.max_output;
                let params =
                    made.params.map_or_else(|| "-".to_owned(), |params| params.to_string());
                told.push_str(&format!("  {level:?}: {params} +{more}\n"));
            }
        }
        insta::assert_snapshot!(told, @r#"
        openai/gpt-5
          Off: - +0
          Minimal: {"reasoning_effort":"minimal"} +0
          Low: {"reasoning_effort":"low"} +0
          High: {"reasoning_effort":"high"} +0
        openai/gpt-4o
          Off: - +0
          Minimal: - +0
          Low: - +0
          High: - +0
        openai/gpt-5
          Off: - +0
          Minimal: {"reasoning":{"effort":"minimal"}} +0
          Low: {"reasoning":{"effort":"low"}} +0
          High: {"reasoning":{"effort":"high"}} +0
        anthropic/claude-sonnet-4-5
          Off: - +0
          Minimal: {"thinking":{"type":"enabled","budget_tokens":1024}} +1024
          Low: {"thinking":{"type":"enabled","budget_tokens":2048}} +2048
          High: {"thinking":{"type":"enabled","budget_tokens":16384}} +16384
        gemini/gemini-2.5-flash
          Off: - +0
          Minimal: {"generationConfig":{"thinkingConfig":{"thinkingBudget":1024}}} +1024
          Low: {"generationConfig":{"thinkingConfig":{"thinkingBudget":2048}}} +2048
          High: {"generationConfig":{"thinkingConfig":{"thinkingBudget":16384}}} +16384
        ollama/qwen3:4b
          Off: - +0
          Minimal: {"think":true} +0
          Low: {"think":true} +0
          High: {"think":true} +0
        ollama/gpt-oss:20b
          Off: - +0
          Minimal: {"think":"low"} +0
          Low: {"think":"low"} +0
          High: {"think":"high"} +0
        "#);
    }
}
