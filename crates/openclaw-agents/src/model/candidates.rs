use openclaw_config::{Config, ModelProvider};
use openclaw_core::{AgentId, Session};
use openclaw_errors::ErrorKind;
use openclaw_storage::rows::{RunOptions, StoredError};

/// A model to ask and where.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The provider.
    pub provider: ModelProvider,
    /// The provider's own id of the model.
    pub model: String,
}

impl Candidate {
    /// `provider/model`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider.name, self.model)
    }
}

/// Why no model can be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoModel {
    /// Nothing is configured and nothing was found.
    #[error("no model is configured, and no provider's key was found in the environment")]
    Nothing,
    /// A provider is there, but no model is named.
    #[error("no model is configured for the agent {agent}")]
    NoneNamed {
        /// The agent.
        agent: AgentId,
    },
    /// The named model's provider is not there.
    #[error("the model {model:?} names no configured provider")]
    UnknownProvider {
        /// The model as it was named.
        model: String,
        /// The providers that are there.
        known: Vec<String>,
    },
}

impl NoModel {
    /// As a run keeps and shows it.
    pub fn stored(&self) -> StoredError {
        let hint = match self {
            Self::Nothing => "set OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY or OPENROUTER_API_KEY where the \
                 gateway starts, or add [models.providers.<name>] and agents.model to openclaw.toml"
                .to_owned(),
            Self::NoneNamed { .. } => {
                "set agents.model = \"provider/model\" in openclaw.toml".to_owned()
            }
            Self::UnknownProvider { known, .. } if known.is_empty() => {
                "set the provider's key in the environment, such as OPENAI_API_KEY, or add \
                 [models.providers.<name>] to openclaw.toml"
                    .to_owned()
            }
            Self::UnknownProvider { known, .. } => format!(
                "write agents.model as provider/model with one of: {}; or add [models.providers.<name>]",
                known.join(", ")
            ),
        };
        StoredError {
            code: ErrorKind::Unavailable.as_str().to_owned(),
            message: self.to_string(),
            hint: Some(hint),
        }
    }
}

/// The models of a run in the order they are asked: the run's, else the session's, else the
/// agent's, else a provider's default; then the agent's fallbacks.
///
/// # Errors
/// When the first of them cannot be asked. A fallback that cannot is left out with a warning.
pub fn candidates(
    config: &Config,
    session: Option<&Session>,
    options: Option<&RunOptions>,
    agent: &AgentId,
) -> Result<Vec<Candidate>, NoModel> {
    let settings = config.agent(agent).unwrap_or_else(|| config.default_agent());
    let named = options
        .and_then(|options| options.model.as_deref())
        .or_else(|| session.and_then(|session| session.config.model.as_deref()))
        .or(settings.model.as_deref());
    let first = match named {
        Some(named) => resolve(config, named)?,
        None => default_model(config, agent)?,
    };
    let mut found = vec![first];
    for named in &settings.fallbacks {
        match resolve(config, named) {
            Ok(candidate) => {
                if found.iter().all(|known| known.name() != candidate.name()) {
                    found.push(candidate);
                }
            }
            Err(error) => tracing::warn!(%error, "a fallback model is left out"),
        }
    }
    Ok(found)
}

/// The candidate of a name: an alias, `provider/model`, or a model of the only provider that has it.
///
/// # Errors
/// When its provider is not there.
pub fn resolve(config: &Config, named: &str) -> Result<Candidate, NoModel> {
    let named = config.model_aliases.get(named).map_or(named, String::as_str);
    if let Some((provider, model)) = named.split_once('/')
        && let Some(provider) = config.providers.get(provider)
    {
        return Ok(Candidate { provider: provider.clone(), model: model.to_owned() });
    }
    let mut serving = config.providers.values().filter(|provider| serves(provider, named));
    let provider = match (serving.next(), config.providers.len()) {
        (Some(provider), _) => Some(provider),
        (None, 1) => config.providers.values().next(),
        (None, _) => None,
    };
    match provider {
        Some(provider) => Ok(Candidate { provider: provider.clone(), model: named.to_owned() }),
        None => Err(NoModel::UnknownProvider {
            model: named.to_owned(),
            known: config.providers.keys().cloned().collect(),
        }),
    }
}

/// Whether a provider is known to serve a model of this bare name.
fn serves(provider: &ModelProvider, model: &str) -> bool {
    provider.default_model.as_deref() == Some(model)
        || rig_core::catalog::Catalog::builtin()
            .resolve(&format!("{}/{model}", provider.name))
            .is_some()
}

fn default_model(config: &Config, agent: &AgentId) -> Result<Candidate, NoModel> {
    let with_default = config.providers.values().find_map(|provider| {
        let model = provider.default_model.clone()?;
        Some(Candidate { provider: provider.clone(), model })
    });
    match with_default {
        Some(candidate) => Ok(candidate),
        None if config.providers.is_empty() => Err(NoModel::Nothing),
        None => Err(NoModel::NoneNamed { agent: agent.clone() }),
    }
}
