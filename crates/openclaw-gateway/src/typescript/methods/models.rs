use std::collections::BTreeSet;

use openclaw_agents::model::{ModelFacts, Thinking};
use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params::Nothing;
use serde_json::{Value, json};

use super::Call;

/// The models that the configuration names, with what is known of each.
pub(super) fn list(call: Call<'_>) -> Result<Value, WireError> {
    let _: Nothing = call.params()?;
    let config = call.state.config.current();
    let mut names: BTreeSet<(String, String)> = BTreeSet::new();
    for agent in &config.agents {
        for named in agent.model.iter().chain(&agent.fallbacks) {
            if let Some((provider, model)) = named.split_once('/') {
                names.insert((provider.to_owned(), model.to_owned()));
            }
        }
    }
    for provider in config.providers.values() {
        if let Some(model) = &provider.default_model {
            names.insert((provider.name.clone(), model.clone()));
        }
    }
    let models: Vec<Value> = names
        .into_iter()
        .filter_map(|(provider, model)| {
            let facts = ModelFacts::of(&provider, config.providers.get(&provider)?.api, &model);
            let input = if facts.images { json!(["text", "image"]) } else { json!(["text"]) };
            let thinks = facts.thinking != Thinking::None;
            Some(json!({
                "id": model,
                "name": model,
                "provider": provider,
                "contextWindow": facts.context_window,
                "reasoning": thinks,
                "input": input,
            }))
        })
        .collect();
    Ok(json!({ "models": models }))
}
