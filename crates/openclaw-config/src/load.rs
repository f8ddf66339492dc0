use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use openclaw_core::{AgentId, Secret};
use serde_json::{Map, Value, json};

use crate::channel_table::ChannelParser;
use crate::error::sort;
use crate::paths::{MainFile, StatePaths};
use crate::reader::{MASK, Reading, read_table};
use crate::resolve::Resolver;
use crate::secret::{SecretSource, SystemSecrets};
use crate::sections::{api_name, read_bind_address, read_gateway_only, read_port, read_root};
use crate::source::{Gathered, expand_table, gather};
use crate::watch::Fingerprint;
use crate::{
    Config, ConfigErrors, Environment, GatewaySettings, Issue, ReadContext, SpannedTable,
    SpannedValue, StorageBackend,
};

/// What the command line sets over file and environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--bind`.
    pub bind: Option<IpAddr>,
    /// `--port`.
    pub port: Option<u16>,
}

impl Overrides {
    /// Reads the text of `--bind`: an IP address, or `localhost`.
    ///
    /// # Errors
    /// What is allowed.
    pub fn parse_bind(text: &str) -> Result<IpAddr, String> {
        read_bind_address(text)
    }
}

/// What a configuration is loaded from.
#[derive(Clone)]
pub struct LoadRequest<'a> {
    /// The environment.
    pub environment: &'a Environment,
    /// The command line.
    pub flags: Overrides,
    /// The channels that the binary has.
    pub channels: &'a dyn ChannelParser,
    /// Where secrets come from.
    pub secrets: Arc<dyn SecretSource>,
}

impl<'a> LoadRequest<'a> {
    /// Without flags, with secrets from the machine.
    pub fn new(environment: &'a Environment, channels: &'a dyn ChannelParser) -> Self {
        let secrets = Arc::new(SystemSecrets::new(environment.clone()));
        Self { environment, flags: Overrides::default(), channels, secrets }
    }

    /// With these flags.
    #[must_use]
    pub fn with_flags(mut self, flags: Overrides) -> Self {
        self.flags = flags;
        self
    }
}

/// A configuration that loaded.
#[derive(Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Arc<Config>,
    /// What the owner should know although it loaded, ordered by place.
    pub warnings: Vec<Issue>,
    /// Every file that a change of the configuration may come from: the main file, even where it
    /// does not exist, included files, files of secrets.
    pub files: Vec<PathBuf>,
    pub(crate) effective: Value,
    pub(crate) source: LoadedSource,
    pub(crate) fingerprint: Fingerprint,
}

/// The configuration as it was written, before expansion, to be kept as the last good one.
#[derive(Clone)]
pub(crate) enum LoadedSource {
    /// One file: its text.
    Text(String),
    /// Several: what they say together.
    Merged(SpannedTable),
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded")
            .field("config", &self.config)
            .field("warnings", &self.warnings)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

/// What a program needs that only connects to the gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientSettings {
    /// The state folder, where the generated token is.
    pub state: StatePaths,
    /// `[gateway]`.
    pub gateway: GatewaySettings,
}

/// Loads the whole configuration and checks all of it. Fetches secrets, which may take seconds: not
/// to be called in an async context.
///
/// # Errors
/// Everything that is wrong, each with its place.
pub fn load(request: &LoadRequest<'_>) -> Result<Loaded, ConfigErrors> {
    let state = StatePaths::find(request.environment);
    let main = MainFile::find(request.environment, &state);
    load_text(request, &main, None)
}

/// Loads `text` as if it stood in the main file.
///
/// # Errors
/// Everything that is wrong, each with its place.
pub fn validate_text(request: &LoadRequest<'_>, text: &str) -> Result<Loaded, ConfigErrors> {
    let state = StatePaths::find(request.environment);
    let main = MainFile::find(request.environment, &state);
    load_text(request, &main, Some(text.to_owned()))
}

/// Reads `[gateway]` alone. Neither channels nor models are looked at, and only the gateway's own
/// token is fetched, so that a client works without the secrets of the gateway's other parts.
///
/// # Errors
/// What is wrong with the files as such or with `[gateway]`.
pub fn load_client(
    environment: &Environment,
    flags: Overrides,
) -> Result<ClientSettings, ConfigErrors> {
    let state = StatePaths::find(environment);
    let main = MainFile::find(environment, &state);
    let gathered = gather(&main, None, environment).map_err(ConfigErrors::sorted)?;
    let mut table = gathered.table;
    table.entries.retain(|key, _| key == "gateway");
    let mut issues = Vec::new();
    expand_table(&mut table, environment, &mut issues);
    without_overridden_token(&mut table, environment);
    let context = ReadContext::system(environment.clone(), main.folder());
    let Reading { value: mut gateway, issues: found, .. } =
        read_table(&table, &context, read_gateway_only);
    issues.extend(found);
    override_gateway(&mut gateway, &mut Map::new(), environment, flags, &mut issues);
    if issues.is_empty() {
        Ok(ClientSettings { state, gateway })
    } else {
        Err(ConfigErrors::sorted(issues))
    }
}

pub(crate) fn load_text(
    request: &LoadRequest<'_>,
    main: &MainFile,
    text: Option<String>,
) -> Result<Loaded, ConfigErrors> {
    let environment = request.environment;
    let state = StatePaths::find(environment);
    let has_file = text.is_some() || main.path.is_file();
    let gathered = gather(main, text, environment).map_err(ConfigErrors::sorted)?;
    let Gathered { mut table, mut files, text } = gathered;
    let source = if files.len() > 1 {
        LoadedSource::Merged(table.clone())
    } else {
        LoadedSource::Text(text)
    };
    let mut issues = Vec::new();
    without_overridden_token(&mut table, environment);
    expand_table(&mut table, environment, &mut issues);
    let context =
        ReadContext::new(environment.clone(), main.folder(), Arc::clone(&request.secrets));
    let reading = read_table(&table, &context, |reader| read_root(reader, request.channels));
    let Reading { value: mut sections, issues: found, inert, mut effective } = reading;
    issues.extend(found);
    override_gateway(
        &mut sections.gateway,
        &mut effective,
        environment,
        request.flags,
        &mut issues,
    );
    let mut resolver = Resolver {
        environment,
        state: &state,
        folder: main.folder(),
        file: has_file.then(|| main.path.clone()),
        channels: request.channels,
        context: &context,
        issues,
    };
    let mut config = resolver.resolve(sections);
    if !resolver.issues.is_empty() {
        return Err(ConfigErrors::sorted(resolver.issues));
    }
    config.inert_keys = inert;
    show_resolved(&config, &mut effective);
    let mut warnings = context.warnings();
    sort(&mut warnings);
    files.extend(context.secret_files());
    let fingerprint = Fingerprint::of(&files);
    Ok(Loaded {
        config: Arc::new(config),
        warnings,
        files,
        effective: Value::Object(effective),
        source,
        fingerprint,
    })
}

/// A token that the environment overrides is not looked at: the environment may be there because
/// the file's reference cannot be resolved here.
fn without_overridden_token(table: &mut SpannedTable, environment: &Environment) {
    if environment.var("OPENCLAW_GATEWAY_TOKEN").is_none() {
        return;
    }
    let gateway = table.entries.get_mut("gateway").map(|entry| &mut entry.value.value);
    let Some(SpannedValue::Table(gateway)) = gateway else { return };
    let auth = gateway.entries.get_mut("auth").map(|entry| &mut entry.value.value);
    let Some(SpannedValue::Table(auth)) = auth else { return };
    auth.entries.retain(|key, _| key != "token" && key != "token_file");
}

fn override_gateway(
    gateway: &mut GatewaySettings,
    effective: &mut Map<String, Value>,
    environment: &Environment,
    flags: Overrides,
    issues: &mut Vec<Issue>,
) {
    if let Some(text) = environment.var("OPENCLAW_GATEWAY_PORT") {
        match read_port(text) {
            Ok(port) => gateway.port = port,
            Err(message) => issues.push(Issue::new(None, "OPENCLAW_GATEWAY_PORT", message)),
        }
    }
    if let Some(token) = environment.var("OPENCLAW_GATEWAY_TOKEN") {
        gateway.auth.token = Some(Secret::new(token));
    }
    gateway.bind_address = flags.bind.unwrap_or(gateway.bind_address);
    gateway.port = flags.port.unwrap_or(gateway.port);
    let shown = effective.entry("gateway").or_insert_with(|| json!({}));
    shown["bind_address"] = Value::from(gateway.bind_address.to_string());
    shown["port"] = Value::from(gateway.port);
    if gateway.auth.token.is_some() {
        shown["auth"]["token"] = Value::from(MASK);
    }
}

/// Puts what only resolving tells over what the sections show.
fn show_resolved(config: &Config, effective: &mut Map<String, Value>) {
    let tables = config.channels.iter();
    let channels = tables.map(|(kind, table)| (kind.to_string(), table.effective())).collect();
    effective.insert("channels".to_owned(), Value::Object(channels));
    let providers = config.providers.iter().map(|(name, provider)| {
        let mut shown = json!({ "api": api_name(provider.api), "base_url": provider.base_url });
        if provider.api_key.is_some() {
            shown["api_key"] = Value::from(MASK);
        }
        if !provider.more_keys.is_empty() {
            shown["api_keys"] = Value::from(vec![MASK; provider.more_keys.len()]);
        }
        let written = effective.get("models").and_then(|models| models["providers"].get(name));
        if let Some(models) = written.and_then(|written| written.get("models")) {
            shown["models"] = models.clone();
        }
        (name.clone(), shown)
    });
    let mut models = json!({ "providers": Value::from_iter(providers) });
    if !config.model_aliases.is_empty() {
        models["aliases"] = json!(config.model_aliases);
    }
    effective.insert("models".to_owned(), models);
    let default_model = config.agents.iter().find(|agent| agent.id == AgentId::main());
    if let Some(model) = default_model.and_then(|agent| agent.model.as_deref())
        && effective["agents"].get("model").is_none()
    {
        effective["agents"]["model"] = Value::from(model);
    }
    if let StorageBackend::Sqlite { path } = &config.storage {
        effective["storage"]["path"] = Value::from(path.display().to_string());
    }
}
