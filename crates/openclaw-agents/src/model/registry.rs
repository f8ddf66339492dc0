use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use openclaw_config::ProviderApi;
use openclaw_core::{Rng, Secret};

use super::rig::{self, ModelHttp};
use super::{Candidate, Cooldowns, Failover, Model, ModelError, ModelFacts, Retry, RetryPolicy};

/// Builds models and keeps them: one per provider, model and settings.
#[derive(Debug)]
pub struct Models {
    http: ModelHttp,
    rng: Arc<dyn Rng>,
    policy: Arc<RetryPolicy>,
    cooldowns: Arc<Cooldowns>,
    built: Mutex<HashMap<String, Built>>,
}

#[derive(Debug, Clone)]
struct Built {
    settings: Settings,
    facts: Arc<ModelFacts>,
    model: Arc<dyn Model>,
}

/// What a built model depends on; a reload that changes it builds anew.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Settings {
    api: ProviderApi,
    base_url: String,
    api_key: Option<Secret>,
    idle_timeout: Duration,
}

/// More than any configuration names; when it is reached, what is kept is thrown away.
const KEPT: usize = 256;

impl Models {
    /// Over this HTTP client.
    pub fn new(http: ModelHttp, rng: Arc<dyn Rng>, policy: RetryPolicy) -> Self {
        Self {
            http,
            rng,
            policy: Arc::new(policy),
            cooldowns: Arc::default(),
            built: Mutex::default(),
        }
    }

    /// The candidates as one model, and the facts of the first.
    ///
    /// # Errors
    /// When the first candidate cannot be built; another one that cannot is left out.
    pub fn chain(
        &self,
        candidates: &[Candidate],
        idle_timeout: Duration,
    ) -> Result<(Arc<dyn Model>, Arc<ModelFacts>), ModelError> {
        let mut models = Vec::with_capacity(candidates.len());
        let mut facts = None;
        for (place, candidate) in candidates.iter().enumerate() {
            match self.get(candidate, idle_timeout) {
                Ok(built) => {
                    facts.get_or_insert(built.facts);
                    models.push(built.model);
                }
                Err(error) if place == 0 => return Err(error),
                Err(error) => tracing::warn!(%error, "a fallback model is left out"),
            }
        }
        let facts = facts.ok_or_else(|| {
            ModelError::new("", super::ErrorClass::Unsupported, "no model to ask")
        })?;
        let model: Arc<dyn Model> = Arc::new(Failover::new(models, self.cooldowns.clone()));
        Ok((model, facts))
    }

    fn get(&self, candidate: &Candidate, idle_timeout: Duration) -> Result<Built, ModelError> {
        let provider = &candidate.provider;
        let name = candidate.name();
        let settings = Settings {
            api: provider.api,
            base_url: provider.base_url.clone(),
            api_key: provider.api_key.clone(),
            idle_timeout,
        };
        let mut kept = self.built.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(built) = kept.get(&name).filter(|built| built.settings == settings) {
            return Ok(built.clone());
        }
        let facts = Arc::new(ModelFacts::of(&provider.name, provider.api, &candidate.model));
        let model = rig::build(candidate, facts.clone(), &self.http, idle_timeout)?;
        let retrying = Retry::new(Arc::new(model), self.policy.clone(), self.rng.clone());
        let built = Built { settings, facts, model: Arc::new(retrying) };
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(name, built.clone());
        Ok(built)
    }
}
