use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::{
    CronSettings, HeartbeatSettings, HooksSettings, LoggingSettings, McpServer, MemorySettings,
    ModelSettings, OtelSettings, SpendLimits, TtsSettings,
};
use openclaw_core::{
    AgentId, ChannelKind, ChatKind, QueueDrop, QueueMode, ReplyBack, SandboxMode, Secret,
};

use crate::AddressRange;

/// One validated configuration. Turns keep the snapshot they began with (`Arc<Config>`).
#[derive(Debug, Clone)]
pub struct Config {
    /// `[gateway]`.
    pub gateway: GatewaySettings,
    /// `[agents]` merged into each agent; `main` always exists and comes first.
    pub agents: Vec<AgentSettings>,
    /// `[models.providers.<name>]`, and those found in the environment when none is configured.
    pub providers: BTreeMap<String, ModelProvider>,
    /// `[models.aliases]`: short names and the `provider/model` they stand for.
    pub model_aliases: BTreeMap<String, String>,
    /// `[agents.subagents]`.
    pub subagents: SubagentSettings,
    /// `[tools]`.
    pub tools: ToolSettings,
    /// `[tts]`; `None` where nobody speaks.
    pub tts: Option<TtsSettings>,
    /// `[session]`.
    pub session: SessionSettings,
    /// `[skills]`.
    pub skills: SkillsSettings,
    /// `[[routing.rules]]` in file order.
    pub routing: Vec<RoutingRule>,
    /// `[delivery]`.
    pub delivery: DeliverySettings,
    /// `[storage]`.
    pub storage: StorageBackend,
    /// `[storage.retention]`.
    pub retention: RetentionSettings,
    /// `[channels.<kind>]`, unparsed, with spans.
    pub channels: BTreeMap<ChannelKind, ChannelTable>,
    /// `[hooks]`.
    pub hooks: HooksSettings,
    /// `[mcp.servers.<name>]` by name.
    pub mcp: BTreeMap<String, McpServer>,
    /// `[memory]`.
    pub memory: MemorySettings,
    /// `[cron]`.
    pub cron: CronSettings,
    /// The agents that have heartbeats.
    pub heartbeats: BTreeMap<AgentId, HeartbeatSettings>,
    /// `[logging]`.
    pub logging: LoggingSettings,
    /// `[diagnostics.otel]`.
    pub otel: OtelSettings,
    /// The state folder.
    pub state_dir: PathBuf,
    /// The file it came from; `None` when there is no file.
    pub file: Option<PathBuf>,
    /// Keys that are understood but have no effect yet, as dotted paths, for `doctor`.
    pub inert_keys: Vec<String>,
}

impl Config {
    /// The agent of this id.
    pub fn agent(&self, id: &AgentId) -> Option<&AgentSettings> {
        self.agents.iter().find(|agent| agent.id == *id)
    }

    /// The agent that messages without a rule go to.
    pub fn default_agent(&self) -> &AgentSettings {
        self.agents.iter().find(|agent| agent.is_default).unwrap_or(&self.agents[0])
    }
}

/// `[gateway]`.
#[derive(Debug, Clone, PartialEq)]
pub struct GatewaySettings {
    /// Where to listen; a loopback address means both 127.0.0.1 and ::1.
    pub bind_address: IpAddr,
    /// The port; 0 lets the system choose.
    pub port: u16,
    /// Open connections at a time; more are answered 503.
    pub max_connections: usize,
    /// Inputs waiting in all sessions together; more are answered "busy".
    pub max_backlog: u64,
    /// Origins allowed besides the gateway's own.
    pub allowed_origins: Vec<String>,
    /// Host names allowed besides the bind address and localhost.
    pub allowed_hosts: Vec<String>,
    /// Proxies whose word on where a request comes from is believed.
    pub trusted_proxies: Vec<AddressRange>,
    /// `[gateway.tls]`.
    pub tls: TlsSettings,
    /// `[gateway.auth]`.
    pub auth: AuthSettings,
    /// `[gateway.rate_limit]`.
    pub rate_limit: RateLimitSettings,
    /// `[gateway.http.openai] enabled`.
    pub openai_http: bool,
}

/// `[gateway.tls]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TlsSettings {
    /// Plain text.
    #[default]
    Off,
    /// With a certificate that the gateway makes in its state folder; clients know its fingerprint.
    SelfSigned,
    /// With the owner's certificate.
    Files {
        /// The chain, in PEM.
        certificate: PathBuf,
        /// The private key, in PEM.
        key: PathBuf,
    },
}

/// `[gateway.auth]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AuthSettings {
    /// The owner's gateway token, from the file or `OPENCLAW_GATEWAY_TOKEN`; `None` means that one is
    /// generated in the state folder, which does not count for binding beyond loopback.
    pub token: Option<Secret>,
    /// The Argon2id hash of the owner's password; `None` where nobody signs in with one.
    pub password_hash: Option<Secret>,
}

/// `[gateway.rate_limit]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimitSettings {
    /// Per credential; 0 is off.
    pub requests_per_second: f64,
    /// How many may come at once.
    pub burst: u32,
}

/// One agent: `[agents]` with the overrides of its `[[agents.list]]` entry.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentSettings {
    /// The id.
    pub id: AgentId,
    /// Whether messages without a rule go to it.
    pub is_default: bool,
    /// `provider/model`; `None` when nothing is configured or found.
    pub model: Option<String>,
    /// `provider/model` in the order they are tried.
    pub fallbacks: Vec<String>,
    /// `provider/model` that the tool `image` asks; `None` is its own models.
    pub image_model: Option<String>,
    /// What it may use.
    pub limits: SpendLimits,
    /// The context window in tokens; `None` is the model's own.
    pub max_context_tokens: Option<u64>,
    /// The folder its file tools work in, absolute.
    pub workspace: PathBuf,
    /// The sandbox.
    pub sandbox: SandboxSettings,
    /// The agent's own tool policy, applied after `[tools]`.
    pub tools: Option<ToolSettings>,
    /// What becomes of a conversation that fills its window.
    pub compaction: CompactionSettings,
    /// The skills that are offered, by name; `None` is all.
    pub skills: Option<Vec<String>>,
    /// The total time limit of a turn; default 600 s.
    pub turn_timeout: Duration,
    /// The longest pause between two chunks of a model; default 120 s.
    pub model_idle_timeout: Duration,
    /// What runs its turns.
    pub runtime: AgentRuntime,
    /// The program and arguments of Pi's RPC mode.
    pub pi_command: Vec<String>,
}

/// What runs an agent's turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AgentRuntime {
    /// The gateway itself.
    #[default]
    Native,
    /// The TypeScript version's agent, as a process of its own.
    Pi,
}

/// `[agents.compaction]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompactionSettings {
    /// Whether older parts are summarised.
    pub enabled: bool,
    /// `provider/model` that writes summaries; `None` is the session's.
    pub model: Option<String>,
    /// What summaries must hold or leave out.
    pub instructions: Option<String>,
}

impl Default for CompactionSettings {
    fn default() -> Self {
        Self { enabled: true, model: None, instructions: None }
    }
}

/// `[skills]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SkillsSettings {
    /// `load.extra_dirs`, absolute.
    pub extra_dirs: Vec<PathBuf>,
    /// `entries.<name>.enabled`.
    pub enabled: BTreeMap<String, bool>,
}

/// `[agents.sandbox]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxSettings {
    /// When commands run in it.
    pub mode: SandboxMode,
    /// The time limit of a command.
    pub timeout: Duration,
    /// What holds commands.
    pub engine: SandboxEngine,
    /// The Docker engine and what its containers are made of.
    pub docker: DockerSettings,
    /// Hosts that commands may reach; none is no network.
    pub allow_hosts: Vec<String>,
    /// Hosts that commands may reach with a credential that they do not see.
    pub egress: Vec<EgressCredential>,
    /// Folders and files of the host that commands may see.
    pub paths: Vec<SandboxPath>,
    /// Memory of a command, in MiB.
    pub memory_mb: u64,
    /// Processes and threads of a command.
    pub max_processes: u32,
    /// Processors of a command.
    pub cpus: u32,
}

impl Default for SandboxSettings {
    fn default() -> Self {
        Self {
            mode: SandboxMode::Always,
            timeout: Duration::from_secs(300),
            engine: SandboxEngine::Auto,
            docker: DockerSettings::default(),
            allow_hosts: Vec::new(),
            egress: Vec::new(),
            paths: Vec::new(),
            memory_mb: 2048,
            max_processes: 256,
            cpus: 1,
        }
    }
}

/// What holds sandboxed commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SandboxEngine {
    /// The first that works here: namespaces, bubblewrap, docker.
    #[default]
    Auto,
    /// Kernel namespaces; nothing has to be installed.
    Namespaces,
    /// The program `bwrap`.
    Bubblewrap,
    /// A Docker engine.
    Docker,
}

/// `[agents.sandbox.docker]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DockerSettings {
    /// The engine's socket; `None` is what `DOCKER_HOST` names, else the usual one.
    pub socket: Option<PathBuf>,
    /// The image of containers.
    pub image: String,
}

impl Default for DockerSettings {
    fn default() -> Self {
        Self { socket: None, image: "debian:bookworm-slim".to_owned() }
    }
}

/// One of `[[agents.sandbox.egress]]`: a credential that the egress proxy adds for one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressCredential {
    /// The host, with its port where that is not the usual one. It is reached by HTTPS.
    pub host: String,
    /// The header.
    pub header: String,
    /// What stands in it.
    pub secret: Secret,
}

/// A path of the host that a sandbox shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxPath {
    /// The path, absolute.
    pub path: PathBuf,
    /// Whether it may be written.
    pub writable: bool,
}

/// The wire a model provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderApi {
    /// OpenAI chat completions, and whatever is compatible.
    OpenAiChat,
    /// OpenAI responses.
    OpenAiResponses,
    /// Anthropic messages.
    AnthropicMessages,
    /// Google Gemini.
    Gemini,
    /// Ollama.
    Ollama,
}

/// `[models.providers.<name>]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelProvider {
    /// The name before the slash of `provider/model`.
    pub name: String,
    /// The wire it speaks.
    pub api: ProviderApi,
    /// The API's root, for OpenAI with `/v1`.
    pub base_url: String,
    /// The key; `None` where the server asks for none.
    pub api_key: Option<Secret>,
    /// Further keys, which are taken when one fails; [`ModelProvider::keys`] gives all.
    pub more_keys: Vec<Secret>,
    /// What the owner says of single models, by their ids.
    pub models: BTreeMap<String, ModelSettings>,
    /// A model to use when `agents.model` is not set; set for providers found in the environment.
    pub default_model: Option<String>,
    /// Whether it was found in the environment rather than configured.
    pub from_environment: bool,
}

/// `[tools]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolSettings {
    /// Names, globs and `group:` names that may be called.
    pub allow: Vec<String>,
    /// Names, globs and `group:` names that may not; deny wins.
    pub deny: Vec<String>,
    /// `[tools.exec] ask`.
    pub exec_ask: ExecAsk,
    /// `[tools.by_channel.<kind>]`: what may be called in sessions of a kind of channel.
    pub by_channel: BTreeMap<String, ToolRules>,
    /// `[tools.by_sender."<channel>:<user id>"]`: what may be called for a person; `"*"` is everyone
    /// who has no rules of their own.
    pub by_sender: BTreeMap<String, ToolRules>,
    /// `[tools.web.search]`, of `[tools]` alone.
    pub search: Option<SearchSettings>,
}

impl Default for ToolSettings {
    fn default() -> Self {
        Self {
            allow: vec!["*".to_owned()],
            deny: Vec::new(),
            exec_ask: ExecAsk::OnMiss,
            by_channel: BTreeMap::new(),
            by_sender: BTreeMap::new(),
            search: None,
        }
    }
}

/// What may be called somewhere; it can only take away from what holds everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolRules {
    /// Names, globs and `group:` names that may be called.
    pub allow: Vec<String>,
    /// Names, globs and `group:` names that may not; deny wins.
    pub deny: Vec<String>,
}

/// `[tools.web.search]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchSettings {
    /// Whose search.
    pub provider: SearchProvider,
    /// The root of its API.
    pub base_url: String,
    /// The key; SearXNG needs none.
    pub api_key: Option<Secret>,
    /// Results of one search, unless the model asks for another number.
    pub max_results: u32,
}

/// A search service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchProvider {
    /// Brave Search.
    Brave,
    /// Tavily.
    Tavily,
    /// SearXNG.
    Searxng,
}

/// When a command asks for approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExecAsk {
    /// What policy and sandbox allow runs unasked.
    Off,
    /// Leaving the sandbox, or what is granted to it, asks.
    #[default]
    OnMiss,
    /// Every command asks.
    Always,
}

/// `[session]`.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionSettings {
    /// Which direct chats share a session.
    pub dm_scope: DmScope,
    /// How inputs that arrive during a turn are treated.
    pub queue_mode: QueueMode,
    /// `[session.queue]`.
    pub queue: QueueSettings,
    /// When answers are sent back.
    pub reply_back: ReplyBackRule,
    /// The owners, as `<channel>:<user id>`.
    pub owners: Vec<String>,
    /// When a session is reset.
    pub reset: ResetSettings,
    /// Canonical name to the `<channel>:<user id>` it stands for.
    pub identity_links: BTreeMap<String, Vec<String>>,
}

/// `[session.queue]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueSettings {
    /// How long it must be quiet before what waits begins a turn.
    pub debounce: Duration,
    /// The most inputs that may wait in a session; 0 is no limit.
    pub cap: u32,
    /// What becomes of those beyond it.
    pub drop: QueueDrop,
}

/// `[agents.subagents]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubagentSettings {
    /// How deep subagents may have subagents; 0 is none at all.
    pub max_depth: u32,
    /// The most that work or wait at a time, of all sessions together.
    pub max_running: u32,
    /// The most of one session.
    pub max_children: u32,
    /// Agents that others may begin as subagents; `*` is all. Its own agent each may.
    pub allow_agents: Vec<String>,
    /// `provider/model` of subagents; `None` is the agent's own.
    pub model: Option<String>,
    /// How long after its last message the session of a subagent ends.
    pub archive_after: Duration,
}

impl Default for SubagentSettings {
    fn default() -> Self {
        Self {
            max_depth: 1,
            max_running: 8,
            max_children: 5,
            allow_agents: Vec::new(),
            model: None,
            archive_after: Duration::from_secs(3_600),
        }
    }
}

/// When answers are sent back.
pub type ReplyBackRule = ReplyBack;

/// Which direct chats share a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DmScope {
    /// All share the agent's main session.
    Main,
    /// One per person.
    PerPeer,
    /// One per channel kind and person.
    #[default]
    PerChannelPeer,
    /// One per account and person.
    PerAccountChannelPeer,
}

/// When a session is reset, evaluated on the next input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResetSettings {
    /// The rule.
    pub mode: ResetMode,
    /// For `Daily`: minutes after local midnight; default 240 (04:00).
    pub at_minutes: u16,
    /// Reset after this long without activity; `None` never. Holds beside `Daily` too.
    pub idle: Option<Duration>,
}

/// The rule of a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResetMode {
    /// At the first input after the hour.
    #[default]
    Daily,
    /// Only after `idle`.
    Idle,
    /// Never.
    Never,
}

/// One rule of `[[routing.rules]]`: every given condition must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct RoutingRule {
    /// Its place in the file, for `explain`: `openclaw.toml:12`.
    pub place: String,
    /// The channel kind.
    pub channel: Option<ChannelKind>,
    /// The account.
    pub account: Option<String>,
    /// The kind of chat.
    pub chat_kind: Option<ChatKind>,
    /// The service's chat id.
    pub chat: Option<String>,
    /// A user id or `@name`.
    pub sender: Option<String>,
    /// A role of the sender.
    pub role: Option<String>,
    /// A regular expression (crate `regex`, case-insensitive) on the text; validated.
    pub pattern: Option<String>,
    /// The agent to go to; `None` is the default agent.
    pub agent: Option<AgentId>,
    /// The session to go to: the rest of a session key.
    pub session: Option<String>,
}

/// `[delivery]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliverySettings {
    /// What to do with a send whose outcome cannot be found out.
    pub on_uncertain: OnUncertain,
}

/// What to do with a send whose outcome cannot be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnUncertain {
    /// Send again: perhaps twice, never lost.
    #[default]
    Resend,
    /// Leave it: perhaps lost, never twice.
    Skip,
}

/// `[storage.retention]`: when sessions in which nothing happens any more are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RetentionSettings {
    /// Days since the last activity; 0 keeps all.
    pub max_age_days: u32,
    /// Megabytes of all that is stored; beyond it the longest quiet sessions go; 0 keeps all.
    pub max_size_mb: u64,
}

/// `[storage]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageBackend {
    /// One file.
    Sqlite {
        /// The file; default `<state>/openclaw.db`.
        path: PathBuf,
    },
    /// A server.
    Postgres {
        /// `postgres://…`, with its password.
        url: Secret,
        /// The most connections at once, default 8.
        max_connections: u32,
    },
    /// Nothing is kept beyond the process.
    Memory,
}

/// `[channels.<kind>]` with the place of every value; [`ChannelTable::read`] gives typed values.
#[derive(Debug, Clone)]
pub struct ChannelTable {
    /// The kind.
    pub kind: ChannelKind,
    /// `enabled`, default true.
    pub enabled: bool,
    /// The values; strings are expanded, secret references stand as they are written.
    pub value: crate::SpannedTable,
    pub(crate) context: crate::ReadContext,
}
