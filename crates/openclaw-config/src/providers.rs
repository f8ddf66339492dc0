use std::collections::BTreeMap;

use openclaw_core::Secret;

use crate::sections::ProviderSection;
use crate::{Environment, Issue, ModelProvider, ProviderApi};

/// A provider that many have a key for.
struct WellKnown {
    name: &'static str,
    api: ProviderApi,
    base_url: &'static str,
    /// Variables that may hold the key; none where the server asks for no key.
    key_variables: &'static [&'static str],
    /// The variable that its own client libraries take another root from.
    base_url_variable: Option<&'static str>,
    default_model: Option<&'static str>,
    /// How the names of its models begin, for models without a provider.
    model_prefixes: &'static [&'static str],
}

/// In the order in which a default model is looked for.
const WELL_KNOWN: [WellKnown; 10] = [
    WellKnown {
        name: "openai",
        api: ProviderApi::OpenAiChat,
        base_url: "https://api.openai.com/v1",
        key_variables: &["OPENAI_API_KEY"],
        base_url_variable: Some("OPENAI_BASE_URL"),
        default_model: Some("gpt-5"),
        model_prefixes: &["gpt-", "o1", "o3", "o4", "chatgpt-"],
    },
    WellKnown {
        name: "anthropic",
        api: ProviderApi::AnthropicMessages,
        base_url: "https://api.anthropic.com",
        key_variables: &["ANTHROPIC_API_KEY"],
        base_url_variable: Some("ANTHROPIC_BASE_URL"),
        default_model: Some("claude-sonnet-4-5"),
        model_prefixes: &["claude-"],
    },
    WellKnown {
        name: "gemini",
        api: ProviderApi::Gemini,
        base_url: "https://generativelanguage.googleapis.com",
        key_variables: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        base_url_variable: None,
        default_model: Some("gemini-2.5-pro"),
        model_prefixes: &["gemini-"],
    },
    WellKnown {
        name: "openrouter",
        api: ProviderApi::OpenAiChat,
        base_url: "https://openrouter.ai/api/v1",
        key_variables: &["OPENROUTER_API_KEY"],
        base_url_variable: None,
        default_model: Some("openrouter/auto"),
        model_prefixes: &[],
    },
    WellKnown {
        name: "groq",
        api: ProviderApi::OpenAiChat,
        base_url: "https://api.groq.com/openai/v1",
        key_variables: &["GROQ_API_KEY"],
        base_url_variable: None,
        default_model: Some("llama-3.3-70b-versatile"),
        model_prefixes: &[],
    },
    WellKnown {
        name: "mistral",
        api: ProviderApi::OpenAiChat,
        base_url: "https://api.mistral.ai/v1",
        key_variables: &["MISTRAL_API_KEY"],
        base_url_variable: None,
        default_model: Some("mistral-large-latest"),
        model_prefixes: &["mistral-", "magistral-", "codestral-"],
    },
    WellKnown {
        name: "xai",
        api: ProviderApi::OpenAiChat,
        base_url: "https://api.x.ai/v1",
        key_variables: &["XAI_API_KEY"],
        base_url_variable: None,
        default_model: Some("grok-4"),
        model_prefixes: &["grok-"],
    },
    WellKnown {
        name: "deepseek",
        api: ProviderApi::OpenAiChat,
        base_url: "https://api.deepseek.com/v1",
        key_variables: &["DEEPSEEK_API_KEY"],
        base_url_variable: None,
        default_model: Some("deepseek-chat"),
        model_prefixes: &["deepseek-"],
    },
    WellKnown {
        name: "moonshot",
        api: ProviderApi::OpenAiChat,
        base_url: "https://api.moonshot.ai/v1",
        key_variables: &["MOONSHOT_API_KEY"],
        base_url_variable: None,
        default_model: Some("kimi-k2-0905-preview"),
        model_prefixes: &["kimi-"],
    },
    WellKnown {
        name: "ollama",
        api: ProviderApi::Ollama,
        base_url: "http://127.0.0.1:11434",
        key_variables: &[],
        base_url_variable: None,
        default_model: None,
        model_prefixes: &[],
    },
];

fn well_known(name: &str) -> Option<&'static WellKnown> {
    WELL_KNOWN.iter().find(|provider| provider.name == name)
}

/// Whether a provider's wire and root are known.
pub(crate) fn is_well_known(name: &str) -> bool {
    well_known(name).is_some()
}

impl ModelProvider {
    /// Whether it is a well-known provider at its own address.
    pub fn is_at_home(&self) -> bool {
        well_known(&self.name).is_some_and(|known| known.base_url == self.base_url)
    }
}

impl WellKnown {
    /// Its keys in the environment: `OPENAI_API_KEY`, `OPENAI_API_KEYS` separated by commas, and
    /// `OPENAI_API_KEY_1` to `OPENAI_API_KEY_9`.
    fn keys(&self, environment: &Environment) -> Vec<Secret> {
        let mut keys: Vec<&str> = Vec::new();
        keys.extend(self.key_variables.iter().find_map(|name| environment.var(name)));
        for name in self.key_variables {
            let listed = environment.var(&format!("{name}S")).unwrap_or_default();
            keys.extend(listed.split(',').map(str::trim).filter(|key| !key.is_empty()));
            keys.extend((1..=9).filter_map(|n| environment.var(&format!("{name}_{n}"))));
        }
        let mut seen = Vec::with_capacity(keys.len());
        for key in keys {
            if !seen.contains(&key) {
                seen.push(key);
            }
        }
        seen.into_iter().map(Secret::new).collect()
    }

    /// The provider with its key from the environment, if it is there or none is needed.
    fn with_environment_key(&self, environment: &Environment) -> Option<ModelProvider> {
        let mut keys = self.keys(environment).into_iter();
        let key = keys.next();
        if key.is_none() && !self.key_variables.is_empty() {
            return None;
        }
        let base_url = self
            .base_url_variable
            .and_then(|name| environment.var(name))
            .map_or(self.base_url, |url| url.trim_end_matches('/'));
        Some(ModelProvider {
            name: self.name.to_owned(),
            api: self.api,
            base_url: base_url.to_owned(),
            api_key: key,
            more_keys: keys.collect(),
            models: BTreeMap::new(),
            default_model: self.default_model.map(str::to_owned),
            from_environment: true,
        })
    }
}

/// Completes the configured providers; without any, finds those that the environment has keys for.
pub(crate) fn providers(
    sections: Vec<ProviderSection>,
    environment: &Environment,
    issues: &mut Vec<Issue>,
) -> BTreeMap<String, ModelProvider> {
    if sections.is_empty() {
        return WELL_KNOWN
            .iter()
            .filter(|provider| !provider.key_variables.is_empty())
            .filter_map(|provider| provider.with_environment_key(environment))
            .map(|provider| (provider.name.clone(), provider))
            .collect();
    }
    sections
        .into_iter()
        .filter_map(|section| complete(section, environment, issues))
        .map(|provider| (provider.name.clone(), provider))
        .collect()
}

fn complete(
    section: ProviderSection,
    environment: &Environment,
    issues: &mut Vec<Issue>,
) -> Option<ModelProvider> {
    let ProviderSection { name, place, api, base_url, api_key, api_keys, models } = section;
    let known = well_known(&name);
    // At its own root its own key and model are meant; elsewhere only what is written.
    let at_home = base_url.is_none();
    let api = api.or(known.map(|known| known.api));
    let base_url = base_url.or(known.map(|known| known.base_url.to_owned()));
    let mut keys: Vec<Secret> = api_key.into_iter().chain(api_keys).collect();
    if let (true, Some(known)) = (keys.is_empty() && at_home, known) {
        keys = known.keys(environment);
    }
    let mut keys = keys.into_iter();
    let (api_key, more_keys) = (keys.next(), keys.collect());
    let needs_key = known.is_some_and(|known| at_home && !known.key_variables.is_empty());
    if needs_key && api_key.is_none() {
        let key = crate::dotted_key::join("models.providers", &name) + ".api_key";
        let variables = known.map_or(&[][..], |known| known.key_variables).join(" or ");
        issues.push(Issue::new(place, key, "is missing").with_hint(format!("or set {variables}")));
    }
    let default_model =
        known.filter(|_| at_home).and_then(|known| known.default_model).map(str::to_owned);
    Some(ModelProvider {
        name: name.clone(),
        api: api?,
        base_url: base_url?,
        api_key,
        more_keys,
        models: models.into_iter().collect(),
        default_model,
        from_environment: false,
    })
}

/// The model to use when none is set: that of the first well-known provider that has one.
pub(crate) fn default_model(providers: &BTreeMap<String, ModelProvider>) -> Option<String> {
    WELL_KNOWN.iter().find_map(|known| {
        let provider = providers.get(known.name)?;
        let model = provider.default_model.as_ref()?;
        Some(format!("{}/{model}", provider.name))
    })
}

/// Why a model cannot be used.
pub(crate) struct UnknownModel {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// Finds the provider of a model and gives `provider/model`. A well-known provider that the
/// environment has a key for is added where it is not configured.
pub(crate) fn find_model(
    text: &str,
    aliases: &BTreeMap<String, String>,
    providers: &mut BTreeMap<String, ModelProvider>,
    environment: &Environment,
) -> Result<String, UnknownModel> {
    let text = aliases.get(text).map_or(text, String::as_str);
    let Some((name, model)) = text.split_once('/') else {
        return find_bare(text, providers);
    };
    if name.is_empty() || model.is_empty() {
        return Err(UnknownModel { message: "must be provider/model".to_owned(), hint: None });
    }
    if providers.contains_key(name) {
        return Ok(text.to_owned());
    }
    let Some(known) = well_known(name) else {
        let configured = listed(providers);
        let hint = crate::wording::did_you_mean(
            name,
            providers.keys().map(String::as_str).chain(WELL_KNOWN.iter().map(|known| known.name)),
        );
        return Err(UnknownModel {
            message: format!("its provider is not configured; {configured}"),
            hint: hint.or_else(|| Some("add [models.providers.<name>]".to_owned())),
        });
    };
    match known.with_environment_key(environment) {
        Some(provider) => {
            providers.insert(provider.name.clone(), provider);
            Ok(text.to_owned())
        }
        None => Err(UnknownModel {
            message: format!("there is no key for {}", known.name),
            hint: Some(format!(
                "set {} or models.providers.{}.api_key",
                known.key_variables.join(" or "),
                known.name
            )),
        }),
    }
}

fn find_bare(
    model: &str,
    providers: &BTreeMap<String, ModelProvider>,
) -> Result<String, UnknownModel> {
    let mut names: Vec<&str> = providers.keys().map(String::as_str).collect();
    if names.len() > 1 {
        names.retain(|name| {
            let is_default =
                providers.get(*name).and_then(|p| p.default_model.as_deref()) == Some(model);
            let is_family = well_known(name).is_some_and(|known| {
                known.model_prefixes.iter().any(|prefix| model.starts_with(prefix))
            });
            is_default || is_family
        });
    }
    match names.as_slice() {
        [name] => Ok(format!("{name}/{model}")),
        _ => Err(UnknownModel {
            message: format!(
                "names no provider, and none can be told from it; {}",
                listed(providers)
            ),
            hint: Some("write provider/model".to_owned()),
        }),
    }
}

fn listed(providers: &BTreeMap<String, ModelProvider>) -> String {
    if providers.is_empty() {
        "none is configured".to_owned()
    } else {
        let names = providers.keys().map(String::as_str);
        format!("configured: {}", crate::wording::quoted_list(names))
    }
}
