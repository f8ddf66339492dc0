use std::collections::{BTreeMap, BTreeSet};

use openclaw_agents::model::{ModelFacts, Prices, Thinking, catalog_models, resolve};
use openclaw_config::Config;
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{
    ModelEntry, ModelEntryPrices, ModelsListParams, ModelsListResult,
};

use crate::GatewayState;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: ModelsListParams,
) -> Result<ModelsListResult, OpenClawError> {
    list(&state.config.current(), &params)
}

/// Lists models by the configuration alone.
///
/// # Errors
/// `NotFound` for a provider that is not there.
pub fn list(config: &Config, params: &ModelsListParams) -> Result<ModelsListResult, OpenClawError> {
    if let Some(wanted) = &params.provider
        && !config.providers.contains_key(wanted)
    {
        return Err(OpenClawError::not_found(format!("no provider {wanted:?} is configured"))
            .with_hint("`openclaw models status` lists the providers"));
    }
    let mut aliases: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (alias, model) in &config.model_aliases {
        if let Some(id) = split(config, model) {
            aliases.entry(id).or_default().push(alias.clone());
        }
    }
    let configured = configured(config);
    let mut ids: BTreeSet<(String, String)> = configured.clone();
    if params.all {
        for provider in config.providers.values() {
            let known = catalog_models(provider).into_iter();
            ids.extend(known.map(|model| (provider.name.clone(), model)));
        }
    }
    let models = ids
        .into_iter()
        .filter(|(provider, _)| params.provider.as_ref().is_none_or(|wanted| wanted == provider))
        .filter_map(|id| {
            let facts = ModelFacts::for_model(config.providers.get(&id.0)?, &id.1);
            Some(ModelEntry {
                name: format!("{}/{}", id.0, id.1),
                aliases: aliases.remove(&id).unwrap_or_default(),
                configured: configured.contains(&id),
                context_window: facts.context_window,
                max_output_tokens: facts.max_output,
                images: facts.images,
                thinks: facts.thinking != Thinking::None,
                prices: facts.prices.map(prices),
            })
        })
        .collect();
    Ok(ModelsListResult { models })
}

fn prices(prices: Prices) -> ModelEntryPrices {
    let prices = prices.per_million();
    ModelEntryPrices {
        input: prices.input,
        output: prices.output,
        cache_read: prices.cache_read,
        cache_write: prices.cache_write,
    }
}

/// The models that the configuration names, as provider and id.
pub(crate) fn configured(config: &Config) -> BTreeSet<(String, String)> {
    let of_agents = config
        .agents
        .iter()
        .flat_map(|agent| agent.model.iter().chain(&agent.fallbacks).chain(&agent.image_model));
    let mut ids: BTreeSet<(String, String)> =
        of_agents.chain(config.model_aliases.values()).filter_map(|m| split(config, m)).collect();
    for provider in config.providers.values() {
        let named = provider.models.keys().chain(&provider.default_model);
        ids.extend(named.map(|model| (provider.name.clone(), model.clone())));
    }
    ids
}

fn split(config: &Config, named: &str) -> Option<(String, String)> {
    let candidate = resolve(config, named).ok()?;
    Some((candidate.provider.name.clone(), candidate.model))
}
