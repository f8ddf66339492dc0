use openclaw_agents::model::{Candidate, Cooling, candidates, credential_names};
use openclaw_config::{AgentSettings, Config, ModelProvider, ProviderApi};
use openclaw_core::{AgentId, Timestamp};
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{
    CooldownEntry, CredentialSource, ModelsStatusParams, ModelsStatusResult, ProviderEntry,
    TodayUsage,
};

use crate::GatewayState;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: ModelsStatusParams,
) -> Result<ModelsStatusResult, OpenClawError> {
    let (config, now) = (state.config.current(), state.clock.now());
    let mut result = status(&config, &params, &state.models.cooling(), now)?;
    let settings = agent_of(&config, params.agent_id.as_ref())?;
    let (usage, until) = state.ledger.today(&settings.id, now).await?;
    result.today = Some(TodayUsage {
        usage,
        max_cost_micro_usd: settings.limits.cost_per_day_micros,
        max_tokens: settings.limits.tokens_per_day,
        until,
    });
    Ok(result)
}

/// Tells what the configuration says, and what cools.
///
/// # Errors
/// `InvalidParams` for an agent that is not configured.
pub fn status(
    config: &Config,
    params: &ModelsStatusParams,
    cooling: &[Cooling],
    now: Timestamp,
) -> Result<ModelsStatusResult, OpenClawError> {
    let agent = agent_of(config, params.agent_id.as_ref())?;
    let (found, problem) = match candidates(config, None, None, &agent.id) {
        Ok(found) => (found, None),
        Err(missing) => (Vec::new(), Some(missing.to_string())),
    };
    let mut names = found.iter().map(Candidate::name);
    Ok(ModelsStatusResult {
        agent_id: agent.id.clone(),
        model: names.next(),
        problem,
        fallbacks: names.collect(),
        aliases: config.model_aliases.clone(),
        providers: config.providers.values().map(provider).collect(),
        cooldowns: cooling.iter().map(|cooling| cooldown(cooling, now)).collect(),
        today: None,
    })
}

/// The agent that is meant.
///
/// # Errors
/// `InvalidParams` where it is not configured.
pub(super) fn agent_of<'c>(
    config: &'c Config,
    wanted: Option<&AgentId>,
) -> Result<&'c AgentSettings, OpenClawError> {
    match wanted {
        None => Ok(config.default_agent()),
        Some(id) => config.agent(id).ok_or_else(|| {
            OpenClawError::invalid_params("agent_id", format!("the agent {id} is not configured"))
        }),
    }
}

fn provider(provider: &ModelProvider) -> ProviderEntry {
    let source = match (provider.api_key.is_some(), provider.from_environment) {
        (false, _) => CredentialSource::None,
        (true, true) => CredentialSource::Environment,
        (true, false) => CredentialSource::Config,
    };
    let keys = match source {
        CredentialSource::None => Vec::new(),
        CredentialSource::Config | CredentialSource::Environment => {
            credential_names(provider).iter().map(ToString::to_string).collect()
        }
    };
    let api = match provider.api {
        ProviderApi::OpenAiChat => "openai-chat",
        ProviderApi::OpenAiResponses => "openai-responses",
        ProviderApi::AnthropicMessages => "anthropic-messages",
        ProviderApi::Gemini => "gemini",
        ProviderApi::Ollama => "ollama",
    };
    ProviderEntry {
        name: provider.name.clone(),
        api: api.to_owned(),
        base_url: provider.base_url.clone(),
        source,
        keys,
    }
}

fn cooldown(cooling: &Cooling, now: Timestamp) -> CooldownEntry {
    CooldownEntry {
        credential: cooling.credential.to_string(),
        model: cooling.model.clone(),
        class: cooling.class.as_str().to_owned(),
        failures: cooling.failures,
        until: now.plus(cooling.ends_in),
    }
}
