use openclaw_config::Config;
use openclaw_core::AgentId;
use openclaw_storage::rows::StoredError;

use crate::model::candidates;

/// Which model an agent would ask. Nothing is contacted to find out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelProbe {
    /// This one, then these.
    Ready {
        /// `provider/model`.
        model: String,
        /// `provider/model` in the order they are tried after it.
        fallbacks: Vec<String>,
        /// Whether its provider was found in the environment rather than configured.
        from_environment: bool,
        /// Whether its provider has a key.
        has_key: bool,
    },
    /// None, and what to do about it.
    Missing(StoredError),
}

/// Looks which model an agent would ask.
pub fn probe(config: &Config, agent: &AgentId) -> ModelProbe {
    match candidates(config, None, None, agent) {
        Err(missing) => ModelProbe::Missing(missing.stored()),
        Ok(found) => ModelProbe::Ready {
            model: found[0].name(),
            fallbacks: found[1..].iter().map(crate::model::Candidate::name).collect(),
            from_environment: found[0].provider.from_environment,
            has_key: found[0].provider.api_key.is_some(),
        },
    }
}
