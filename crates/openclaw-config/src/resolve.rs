mod memory;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use openclaw_core::AgentId;

use crate::channel_table::ChannelParser;
use crate::models::{AliasSection, ModelsSection};
use crate::paths::StatePaths;
use crate::providers::{default_model, find_model, providers};
use crate::sections::{
    AgentEntry, AgentFields, AgentsSection, CompactionFields, EngineSection, HeartbeatFields,
    RuleSection, SandboxFields, SearchFields, Sections, SkillsSection, ToolFields,
};
use crate::wording::{did_you_mean, quoted_list};
use crate::{
    AgentSettings, CompactionSettings, Config, DockerSettings, Environment, ExecAsk,
    HeartbeatSettings, Issue, LoggingSettings, McpServer, McpTransport, ModelProvider, Place,
    ReadContext, RoutingRule, SandboxSettings, SearchProvider, SearchSettings, SkillsSettings,
    Spanned, StorageBackend, ToolSettings, TtsProvider, TtsSettings,
};

/// What turns valid sections into one configuration: where things are and what else there is.
pub(crate) struct Resolver<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) state: &'a StatePaths,
    /// The folder that relative paths start from.
    pub(crate) folder: &'a Path,
    /// The file, where there is one.
    pub(crate) file: Option<PathBuf>,
    pub(crate) channels: &'a dyn ChannelParser,
    pub(crate) context: &'a ReadContext,
    pub(crate) issues: Vec<Issue>,
}

impl Resolver<'_> {
    /// Merges, completes and checks across sections. What is wrong is among `issues`; the value is
    /// then not to be used.
    pub(crate) fn resolve(&mut self, sections: Sections) -> Config {
        let ModelsSection { providers: written, aliases } = sections.models;
        let mut providers = providers(written, self.environment, &mut self.issues);
        let model_aliases = self.aliases(aliases, &mut providers);
        let tools = tool_settings(sections.tools, None);
        let heartbeats = heartbeats(&sections.agents);
        let subagents = sections.agents.subagents.clone();
        let agents = self.agents(sections.agents, &tools, &model_aliases, &mut providers);
        let routing = self.rules(sections.rules, &agents);
        let memory = self.memory(sections.memory, &providers);
        let skills = self.skills(sections.skills);
        let retention = sections.storage.retention;
        let storage = self.storage(sections.storage.engine);
        let mcp = self.mcp(sections.mcp, &agents);
        let channels = sections.channels.check(self.channels, self.context, &mut self.issues);
        Config {
            gateway: sections.gateway,
            agents,
            providers,
            model_aliases,
            subagents,
            tools,
            tts: sections.tts.map(|tts| self.tts(tts)),
            session: sections.session,
            skills,
            routing,
            delivery: sections.delivery,
            storage,
            retention,
            channels: channels.into_iter().map(|table| (table.kind.clone(), table)).collect(),
            hooks: sections.hooks,
            mcp,
            memory,
            cron: sections.cron,
            heartbeats,
            logging: self.logging(sections.logging),
            otel: sections.otel,
            state_dir: self.state.root().to_owned(),
            file: self.file.clone(),
            inert_keys: Vec::new(),
        }
    }

    /// Folders become absolute, and agents have to exist.
    fn mcp(
        &mut self,
        mut servers: BTreeMap<String, McpServer>,
        agents: &[AgentSettings],
    ) -> BTreeMap<String, McpServer> {
        for server in servers.values_mut() {
            if let McpTransport::Stdio(program) = &mut server.transport
                && let Some(cwd) = &program.cwd
            {
                let cwd = self.environment.expand_home(&cwd.to_string_lossy());
                program.cwd = Some(normal(&self.folder.join(cwd)));
            }
            for id in &server.agents {
                if !agents.iter().any(|agent| agent.id == *id) {
                    let message = format!("there is no agent {id}");
                    self.issue(None, &format!("mcp.servers.{}.agents", server.name), message);
                }
            }
        }
        servers
    }

    fn issue(&mut self, place: Option<Place>, key: &str, message: impl Into<String>) {
        self.issues.push(Issue::new(place, key, message));
    }

    fn agents(
        &mut self,
        section: AgentsSection,
        tools: &ToolSettings,
        aliases: &BTreeMap<String, String>,
        providers: &mut BTreeMap<String, ModelProvider>,
    ) -> Vec<AgentSettings> {
        let AgentsSection { defaults, list, .. } = section;
        let default_models = self.models("agents", &defaults, aliases, providers);
        let fallback_model = default_model(providers);
        let merge = |models: Models, own: Models| Models {
            model: own.model.or(models.model).or_else(|| fallback_model.clone()),
            fallbacks: own.fallbacks.or(models.fallbacks),
            image_model: own.image_model.or(models.image_model),
        };
        let mut agents: Vec<AgentSettings> = Vec::with_capacity(list.len() + 1);
        let mut default_seen = false;
        for (index, entry) in list.into_iter().enumerate() {
            let key = format!("agents.list[{index}]");
            let AgentEntry { id, is_default, fields, tools: own_tools } = entry;
            let models = self.models(&key, &fields, aliases, providers);
            let Some(id) = id else { continue };
            if agents.iter().any(|agent| agent.id == id.value) {
                self.issue(id.place, &format!("{key}.id"), "another agent has this id");
                continue;
            }
            let mut agent = self.agent(&key, &id.value, &fields, &defaults);
            let models = merge(default_models.clone(), models);
            models.give(&mut agent);
            agent.tools = own_tools.map(|own| tool_settings(own, Some(tools)));
            if let Some(Spanned { value: true, place }) = is_default {
                agent.is_default = true;
                if std::mem::replace(&mut default_seen, true) {
                    let message = "another agent is the default already";
                    self.issue(place, &format!("{key}.default"), message);
                }
            }
            agents.push(agent);
        }
        let main = match agents.iter().position(|agent| agent.id == AgentId::main()) {
            Some(at) => agents.remove(at),
            None => {
                let mut agent = self.agent("agents", &AgentId::main(), &defaults, &defaults);
                let models = merge(default_models.clone(), default_models);
                models.give(&mut agent);
                agent
            }
        };
        agents.insert(0, main);
        if !default_seen {
            agents[0].is_default = true;
        }
        agents
    }

    /// An agent without its models and tools.
    fn agent(
        &mut self,
        key: &str,
        id: &AgentId,
        fields: &AgentFields,
        defaults: &AgentFields,
    ) -> AgentSettings {
        let workspace = match (&fields.workspace, &defaults.workspace) {
            (Some(own), _) => Some((own, format!("{key}.workspace"))),
            (None, Some(shared)) if *id == AgentId::main() => {
                Some((shared, "agents.workspace".to_owned()))
            }
            (None, _) => None,
        };
        let workspace = match workspace {
            Some((path, key)) => self.workspace(path, &key),
            None => self.state.workspace(id),
        };
        let seconds = |own: Option<u64>, shared: Option<u64>, default: u64| {
            Duration::from_secs(own.or(shared).unwrap_or(default))
        };
        AgentSettings {
            id: id.clone(),
            is_default: false,
            model: None,
            fallbacks: Vec::new(),
            image_model: None,
            limits: fields.limits.or(defaults.limits),
            max_context_tokens: fields.max_context_tokens.or(defaults.max_context_tokens),
            workspace,
            sandbox: sandbox(&fields.sandbox, &defaults.sandbox),
            tools: None,
            compaction: compaction(&fields.compaction, &defaults.compaction),
            skills: fields.skills.clone().or_else(|| defaults.skills.clone()),
            runtime: fields.runtime.or(defaults.runtime).unwrap_or_default(),
            pi_command: fields
                .pi_command
                .clone()
                .or_else(|| defaults.pi_command.clone())
                .filter(|command| !command.is_empty())
                .unwrap_or_else(|| ["pi", "--mode", "rpc"].map(str::to_owned).to_vec()),
            turn_timeout: seconds(fields.timeout_seconds, defaults.timeout_seconds, 600),
            model_idle_timeout: seconds(
                fields.idle_timeout_seconds,
                defaults.idle_timeout_seconds,
                120,
            ),
        }
    }

    fn skills(&self, section: SkillsSection) -> SkillsSettings {
        let absolute = |path: &Spanned<String>| {
            normal(&self.folder.join(self.environment.expand_home(&path.value)))
        };
        SkillsSettings {
            extra_dirs: section.extra_dirs.iter().map(absolute).collect(),
            enabled: section.entries,
        }
    }

    fn workspace(&mut self, path: &Spanned<String>, key: &str) -> PathBuf {
        let folder = normal(&self.folder.join(self.environment.expand_home(&path.value)));
        if self.state.root().starts_with(&folder) {
            let message = "must not contain the state folder: the agent could change its own configuration and read its secrets";
            self.issue(path.place.clone(), key, message);
        } else if self.file.as_ref().is_some_and(|file| file.starts_with(&folder)) {
            let message = "holds the configuration file, which the agent can then change";
            self.context.warn(Issue::new(path.place.clone(), key, message));
        }
        folder
    }

    fn models(
        &mut self,
        key: &str,
        fields: &AgentFields,
        aliases: &BTreeMap<String, String>,
        providers: &mut BTreeMap<String, ModelProvider>,
    ) -> Models {
        let mut find = |model: &Spanned<String>, key: String| match find_model(
            &model.value,
            aliases,
            providers,
            self.environment,
        ) {
            Ok(model) => Some(model),
            Err(unknown) => {
                let issue = Issue::new(model.place.clone(), key, unknown.message);
                self.issues.push(match unknown.hint {
                    Some(hint) => issue.with_hint(hint),
                    None => issue,
                });
                None
            }
        };
        let model = fields.model.as_ref().and_then(|model| find(model, format!("{key}.model")));
        let fallbacks = fields.fallbacks.as_ref().map(|fallbacks| {
            fallbacks
                .iter()
                .enumerate()
                .filter_map(|(index, model)| find(model, format!("{key}.fallbacks[{index}]")))
                .collect()
        });
        let image_model =
            fields.image_model.as_ref().and_then(|model| find(model, format!("{key}.image_model")));
        Models { model, fallbacks, image_model }
    }

    /// The models that aliases stand for.
    fn aliases(
        &mut self,
        aliases: AliasSection,
        providers: &mut BTreeMap<String, ModelProvider>,
    ) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for (name, Spanned { value, place }) in aliases {
            match find_model(&value, &BTreeMap::new(), providers, self.environment) {
                Ok(model) => {
                    found.insert(name, model);
                }
                Err(unknown) => {
                    let key = crate::dotted_key::join("models.aliases", &name);
                    let issue = Issue::new(place, key, unknown.message);
                    self.issues.push(match unknown.hint {
                        Some(hint) => issue.with_hint(hint),
                        None => issue,
                    });
                }
            }
        }
        found
    }

    /// A voice file stands where the configuration does, or at home.
    fn tts(&self, mut tts: TtsSettings) -> TtsSettings {
        if tts.provider == TtsProvider::Piper
            && let Some(voice) = &tts.voice
        {
            let path = normal(&self.folder.join(self.environment.expand_home(voice)));
            tts.voice = Some(path.display().to_string());
        }
        tts
    }

    fn rules(&mut self, sections: Vec<RuleSection>, agents: &[AgentSettings]) -> Vec<RoutingRule> {
        let kinds = self.channels.kinds();
        sections
            .into_iter()
            .enumerate()
            .map(|(index, section)| {
                let key = format!("routing.rules[{index}]");
                if let Some(channel) = &section.channel {
                    let names = kinds.iter().map(String::as_str);
                    let known = kinds.iter().any(|kind| kind == channel.value.as_str());
                    self.known(known, channel, &format!("{key}.channel"), "no such channel", names);
                }
                if let Some(agent) = &section.agent {
                    let names = agents.iter().map(|agent| agent.id.as_str());
                    let known = agents.iter().any(|known| known.id == agent.value);
                    self.known(known, agent, &format!("{key}.agent"), "no such agent", names);
                }
                let place = section
                    .place
                    .map_or_else(|| key, |place| format!("{}:{}", place.file, place.line));
                RoutingRule {
                    place,
                    channel: section.channel.map(|channel| channel.value),
                    account: section.account,
                    chat_kind: section.chat_kind,
                    chat: section.chat,
                    sender: section.sender,
                    role: section.role,
                    pattern: section.pattern,
                    agent: section.agent.map(|agent| agent.value),
                    session: section.session,
                }
            })
            .collect()
    }

    fn known<'n, T: AsRef<str>>(
        &mut self,
        known: bool,
        name: &Spanned<T>,
        key: &str,
        problem: &str,
        names: impl Iterator<Item = &'n str> + Clone,
    ) {
        if known {
            return;
        }
        let message = format!("{problem}; known: {}", quoted_list(names.clone()));
        let issue = Issue::new(name.place.clone(), key, message);
        self.issues.push(match did_you_mean(name.value.as_ref(), names) {
            Some(hint) => issue.with_hint(hint),
            None => issue,
        });
    }

    /// The log file is there unless it was switched off.
    fn logging(&self, mut settings: LoggingSettings) -> LoggingSettings {
        settings.file = match settings.file {
            Some(file) if file.as_os_str() == "off" => None,
            Some(file) => {
                let file = self.environment.expand_home(&file.to_string_lossy());
                Some(normal(&self.folder.join(file)))
            }
            None => Some(self.state.log_file()),
        };
        settings
    }

    fn storage(&self, section: EngineSection) -> StorageBackend {
        match section {
            EngineSection::Memory => StorageBackend::Memory,
            EngineSection::Postgres { url, max_connections } => {
                StorageBackend::Postgres { url, max_connections }
            }
            EngineSection::Sqlite { path: None } => {
                StorageBackend::Sqlite { path: self.state.database() }
            }
            EngineSection::Sqlite { path: Some(path) } => StorageBackend::Sqlite {
                path: normal(&self.folder.join(self.environment.expand_home(&path.value))),
            },
        }
    }
}

#[derive(Clone)]
struct Models {
    model: Option<String>,
    fallbacks: Option<Vec<String>>,
    image_model: Option<String>,
}

impl Models {
    fn give(self, agent: &mut AgentSettings) {
        agent.model = self.model;
        agent.fallbacks = self.fallbacks.unwrap_or_default();
        agent.image_model = self.image_model;
    }
}

fn tool_settings(fields: ToolFields, shared: Option<&ToolSettings>) -> ToolSettings {
    ToolSettings {
        allow: fields.allow.unwrap_or_else(|| vec!["*".to_owned()]),
        deny: fields.deny.unwrap_or_default(),
        exec_ask: fields
            .exec_ask
            .or(shared.map(|shared| shared.exec_ask))
            .unwrap_or(ExecAsk::OnMiss),
        by_channel: fields.by_channel,
        by_sender: fields.by_sender,
        search: fields.search.and_then(search_settings),
    }
}

/// Those of the default agent, and of agents that say something of them.
fn heartbeats(section: &AgentsSection) -> BTreeMap<AgentId, HeartbeatSettings> {
    let shared = section.defaults.heartbeat.as_ref();
    let is_default = |entry: &&AgentEntry| entry.is_default.as_ref().is_some_and(|it| it.value);
    let default = section.list.iter().find(is_default).and_then(|entry| entry.id.as_ref());
    let default = default.map_or_else(AgentId::main, |id| id.value.clone());
    let own = |id: &AgentId| {
        let entry = section.list.iter().find(|e| e.id.as_ref().is_some_and(|it| it.value == *id));
        entry.and_then(|entry| entry.fields.heartbeat.as_ref())
    };
    let listed = section.list.iter().filter_map(|entry| {
        entry.fields.heartbeat.as_ref().and(entry.id.as_ref()).map(|id| id.value.clone())
    });
    let mut ids: Vec<AgentId> = listed.collect();
    ids.push(default);
    let settings = |id: AgentId| {
        let merged = HeartbeatFields::merge(own(&id), shared)?;
        Some((id, merged))
    };
    ids.into_iter().filter_map(settings).collect()
}

/// Without a provider there is no search.
fn search_settings(fields: SearchFields) -> Option<SearchSettings> {
    let provider = fields.provider?;
    let usual = match provider {
        SearchProvider::Brave => "https://api.search.brave.com",
        SearchProvider::Tavily => "https://api.tavily.com",
        SearchProvider::Searxng => "http://127.0.0.1:8888",
    };
    Some(SearchSettings {
        provider,
        base_url: fields.base_url.unwrap_or_else(|| usual.to_owned()),
        api_key: fields.api_key,
        max_results: fields.max_results,
    })
}

/// The path without `.` and `..`, so that comparing its parts means something. It need not exist.
fn normal(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// What an agent does not set it takes from `[agents.compaction]`.
fn compaction(own: &CompactionFields, shared: &CompactionFields) -> CompactionSettings {
    let text = |own: &Option<String>, shared: &Option<String>| {
        own.clone().or_else(|| shared.clone()).filter(|text| !text.trim().is_empty())
    };
    CompactionSettings {
        enabled: own.enabled.or(shared.enabled).unwrap_or(true),
        model: text(&own.model, &shared.model),
        instructions: text(&own.instructions, &shared.instructions),
    }
}

/// What an agent does not set it takes from `[agents.sandbox]`.
fn sandbox(own: &SandboxFields, shared: &SandboxFields) -> SandboxSettings {
    fn given<T: Clone>(own: &Option<T>, shared: &Option<T>, default: T) -> T {
        own.clone().or_else(|| shared.clone()).unwrap_or(default)
    }
    let usual = SandboxSettings::default();
    SandboxSettings {
        mode: given(&own.mode, &shared.mode, usual.mode),
        timeout: Duration::from_secs(given(
            &own.timeout_secs,
            &shared.timeout_secs,
            usual.timeout.as_secs(),
        )),
        engine: given(&own.engine, &shared.engine, usual.engine),
        docker: DockerSettings {
            socket: own.docker_socket.clone().or_else(|| shared.docker_socket.clone()),
            image: given(&own.docker_image, &shared.docker_image, usual.docker.image),
        },
        egress: given(&own.egress, &shared.egress, usual.egress),
        allow_hosts: given(&own.allow_hosts, &shared.allow_hosts, usual.allow_hosts),
        paths: given(&own.paths, &shared.paths, usual.paths),
        memory_mb: given(&own.memory_mb, &shared.memory_mb, usual.memory_mb),
        max_processes: given(&own.max_processes, &shared.max_processes, usual.max_processes),
        cpus: given(&own.cpus, &shared.cpus, usual.cpus),
    }
}
