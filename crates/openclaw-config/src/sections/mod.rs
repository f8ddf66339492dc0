//! The sections of the configuration, each read by one function over a
//! [`TableReader`](crate::TableReader), which is also its schema.

mod agents;
mod channels;
mod compaction;
mod delivery;
mod gateway;
mod hooks;
mod level;
mod limits;
mod logging;
mod mcp;
mod memory;
mod models;
mod root;
mod routing;
mod sandbox;
mod schedule;
mod session;
mod skills;
mod storage;
mod subagents;
mod tools;
mod tts;

pub(crate) use agents::{AgentEntry, AgentFields, AgentsSection};
pub(crate) use channels::ChannelsSection;
pub(crate) use compaction::CompactionFields;
pub(crate) use gateway::{read_bind_address, read_port};
pub(crate) use memory::{EmbeddingProvider, MemoryFields};
pub(crate) use models::{ProviderSection, api_name};
pub(crate) use root::{Sections, read_gateway_only, read_root};
pub(crate) use routing::RuleSection;
pub(crate) use sandbox::SandboxFields;
pub(crate) use schedule::HeartbeatFields;
pub(crate) use skills::SkillsSection;
pub(crate) use storage::{EngineSection, StorageSection};
pub(crate) use tools::{SearchFields, ToolFields};
