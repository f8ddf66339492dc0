//! Files, environment and flags become one validated [`Config`], each value with its place.
//!
//! This crate knows no channel's fields: it hands each `[channels.<kind>]` out as a
//! [`ChannelTable`] with spans and takes back schemas and issues through [`ChannelParser`]. It reads
//! no ambient environment: everything comes through an [`Environment`].
//!
//! Relative paths start from the folder of the main file, those in `include` from the file they stand
//! in. Included files lie below the file that includes them, later ones over earlier ones: tables are
//! merged key by key, everything else, lists too, is replaced as a whole. They stay within the main
//! file's folder. The environment goes over the files, flags over both.
//!
//! Files are merged and expanded into a table with places, sections are read from it by functions
//! over a [`TableReader`], and what they give is checked against each other. To add a key: read it
//! in the function of its section, and put it into the settings type. The schema, "did you mean" and
//! `config show` follow from that function.

mod address_range;
mod atomic_file;
mod channel_table;
mod dotted_key;
mod edit;
mod environment;
mod error;
mod hooks;
mod last_good;
mod load;
mod logging;
mod mcp;
mod memory;
mod models;
mod paths;
mod providers;
mod reader;
mod reload;
mod resolve;
mod schedule;
mod schema;
mod secret;
mod sections;
mod settings;
mod show;
mod source;
mod spanned;
mod tts;
mod watch;
mod wording;

pub use address_range::AddressRange;
pub use channel_table::{ChannelParser, NoChannels};
pub use dotted_key::InvalidDottedKey;
pub use edit::{Committed, EditError, Editor};
pub use environment::Environment;
pub use error::ConfigErrors;
pub use hooks::{HookAction, HookMapping, HooksSettings, WakeMode};
pub use last_good::load_last_good;
pub use load::{ClientSettings, LoadRequest, Loaded, Overrides, load, load_client, validate_text};
pub use logging::{ConsoleStyle, LogLevel, LoggingSettings, OtelSettings};
pub use mcp::{McpElicitation, McpEndpoint, McpProgram, McpServer, McpTransport};
pub use memory::{
    EmbeddingApi, EmbeddingSettings, MemoryAudience, MemorySessions, MemorySettings,
    RemoteEmbeddings,
};
pub use models::{ModelPrices, ModelSettings, SpendLimits};
pub use paths::{StatePaths, config_file};
pub use reader::{Field, TableReader, describe};
pub use reload::{ReloadDiff, diff};
pub use schedule::{ActiveHours, CronSettings, HeartbeatSession, HeartbeatSettings};
pub use schema::schema;
pub use secret::{
    FetchedSecret, ReadContext, SecretError, SecretReference, SecretSource, SystemSecrets,
};
pub use settings::{
    AgentRuntime, AgentSettings, AuthSettings, ChannelTable, CompactionSettings, Config,
    DeliverySettings, DmScope, DockerSettings, EgressCredential, ExecAsk, GatewaySettings,
    ModelProvider, OnUncertain, ProviderApi, QueueSettings, RateLimitSettings, ReplyBackRule,
    ResetMode, ResetSettings, RetentionSettings, RoutingRule, SandboxEngine, SandboxPath,
    SandboxSettings, SearchProvider, SearchSettings, SessionSettings, SkillsSettings,
    StorageBackend, SubagentSettings, TlsSettings, ToolRules, ToolSettings,
};
pub use spanned::{Issue, Place, Spanned, SpannedEntry, SpannedTable, SpannedValue};
pub use tts::{TtsProvider, TtsSettings};
pub use watch::ConfigWatcher;
