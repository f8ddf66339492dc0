use openclaw_agents::model::{ModelFacts, Thinking};
use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params::Nothing;
use serde_json::{Value, json};

use super::Call;
use crate::rpc::configured_models;

/// The models that the configuration names, with what is known of each.
pub(super) fn list(call: Call<'_>) -> Result<Value, WireError> {
    let _: Nothing = call.params()?;
    let config = call.state.config.current();
    let names = configured_models(&config);
    let models: Vec<Value> = names
        .into_iter()
        .filter_map(|(provider, model)| {
            let facts = ModelFacts::for_model(config.providers.get(&provider)?, &model);
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
