use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openclaw_config::{ModelProvider, ModelSettings, ProviderApi};
use openclaw_core::{Rng, Secret};

use super::probe::{KeyProbe, probe};
use super::rig::{self, ModelHttp};
use super::{
    Attempt, Candidate, Cooling, Failover, Model, ModelError, ModelFacts, Retry, RetryPolicy,
    Standing,
};

/// Builds models and keeps them: one per provider, model, key and settings. What failed lately is
/// remembered here too, for all sessions together.
#[derive(Debug)]
pub struct Models {
    http: ModelHttp,
    rng: Arc<dyn Rng>,
    policy: Arc<RetryPolicy>,
    standing: Arc<Standing>,
    built: Mutex<HashMap<String, Built>>,
}

#[derive(Debug, Clone)]
struct Built {
    settings: Settings,
    facts: Arc<ModelFacts>,
    /// As it is.
    once: Arc<dyn Model>,
    /// Asked again when it fails.
    retrying: Arc<dyn Model>,
}

/// What a built model depends on; a reload that changes it builds anew.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Settings {
    api: ProviderApi,
    base_url: String,
    key: Option<Secret>,
    model: ModelSettings,
    idle_timeout: Duration,
}

/// More than any configuration names; when it is reached, what is kept is thrown away.
const KEPT: usize = 256;

/// The pause between two parts of an answer while probing; its own limit is shorter.
const PROBE_IDLE: Duration = Duration::from_secs(120);

/// The short names of a provider's keys: `openai`, or `openai#1` and so on where there are several.
pub fn credential_names(provider: &ModelProvider) -> Vec<Arc<str>> {
    match provider.keys().count() {
        0 | 1 => vec![provider.name.as_str().into()],
        count => (1..=count).map(|n| format!("{}#{n}", provider.name).into()).collect(),
    }
}

impl Models {
    /// Over this HTTP client.
    pub fn new(http: ModelHttp, rng: Arc<dyn Rng>, policy: RetryPolicy) -> Self {
        Self {
            http,
            rng,
            policy: Arc::new(policy),
            standing: Arc::default(),
            built: Mutex::default(),
        }
    }

    /// The candidates as one model for a session, and the facts of the first.
    ///
    /// # Errors
    /// When the first candidate cannot be built; another one that cannot is left out.
    pub fn chain(
        &self,
        candidates: &[Candidate],
        idle_timeout: Duration,
        session: &str,
    ) -> Result<(Arc<dyn Model>, Arc<ModelFacts>), ModelError> {
        let mut models = Vec::with_capacity(candidates.len());
        let mut facts = None;
        for (place, candidate) in candidates.iter().enumerate() {
            match self.with_all_keys(candidate, idle_timeout) {
                Ok(keys) => {
                    if let Some((built, _)) = keys.first() {
                        facts.get_or_insert_with(|| built.facts.clone());
                    }
                    let attempts = keys
                        .into_iter()
                        .map(|(built, credential)| Attempt { model: built.retrying, credential });
                    models.push(attempts.collect());
                }
                Err(error) if place == 0 => return Err(error),
                Err(error) => tracing::warn!(%error, "a fallback model is left out"),
            }
        }
        let facts = facts.ok_or_else(|| {
            ModelError::new("", super::ErrorClass::Unsupported, "no model to ask")
        })?;
        let chain = Failover::new(models, self.standing.clone(), session.into());
        Ok((Arc::new(chain), facts))
    }

    /// Asks a model for a word with each of its keys, one after the other.
    ///
    /// # Errors
    /// When it cannot be built.
    pub async fn probe(
        &self,
        candidate: &Candidate,
        limit: Duration,
    ) -> Result<Vec<KeyProbe>, ModelError> {
        let mut probes = Vec::new();
        for (built, credential) in self.with_all_keys(candidate, PROBE_IDLE)? {
            let attempt = Attempt { model: built.once, credential };
            probes.push(probe(&attempt, &self.standing, limit).await);
        }
        Ok(probes)
    }

    /// What failed lately and is asked last.
    pub fn cooling(&self) -> Vec<Cooling> {
        self.standing.cooldowns.all()
    }

    fn with_all_keys(
        &self,
        candidate: &Candidate,
        idle_timeout: Duration,
    ) -> Result<Vec<(Built, Arc<str>)>, ModelError> {
        let provider = &candidate.provider;
        let keys: Vec<Option<&Secret>> = match provider.keys().count() {
            0 => vec![None],
            _ => provider.keys().map(Some).collect(),
        };
        keys.into_iter()
            .zip(credential_names(provider))
            .map(|(key, credential)| {
                let built = self.get(candidate, key, &credential, idle_timeout)?;
                Ok((built, credential))
            })
            .collect()
    }

    fn get(
        &self,
        candidate: &Candidate,
        key: Option<&Secret>,
        credential: &str,
        idle_timeout: Duration,
    ) -> Result<Built, ModelError> {
        let provider = &candidate.provider;
        let name = format!("{} {credential} {}", candidate.name(), idle_timeout.as_millis());
        let settings = Settings {
            api: provider.api,
            base_url: provider.base_url.clone(),
            key: key.cloned(),
            model: provider.model(&candidate.model),
            idle_timeout,
        };
        let mut kept = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.get(&name) {
            Some(built) if built.settings == settings => return Ok(built.clone()),
            // What is held against the old key says nothing of the new one.
            Some(built) if built.settings.key != settings.key => {
                self.standing.cooldowns.forget(credential);
            }
            Some(_) | None => {}
        }
        let facts = Arc::new(ModelFacts::for_model(provider, &candidate.model));
        let model = rig::build(candidate, key, facts.clone(), &self.http, idle_timeout)?;
        let once: Arc<dyn Model> = Arc::new(model);
        let retrying = Retry::new(once.clone(), self.policy.clone(), self.rng.clone());
        let built = Built { settings, facts, once, retrying: Arc::new(retrying) };
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(name, built.clone());
        Ok(built)
    }
}
