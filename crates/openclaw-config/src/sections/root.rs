use std::collections::BTreeMap;

use serde_json::json;

use super::agents::read_agents;
use super::channels::read_channels;
use super::delivery::read_delivery;
use super::gateway::read_gateway;
use super::hooks::read_hooks;
use super::level::Level;
use super::logging::{read_diagnostics, read_logging};
use super::mcp::read_mcp;
use super::memory::read_memory;
use super::models::read_models;
use super::routing::read_routing;
use super::schedule::read_cron;
use super::session::read_session;
use super::skills::read_skills;
use super::storage::read_storage;
use super::tools::read_tools;
use super::tts::read_tts;
use super::{
    AgentsSection, ChannelsSection, MemoryFields, RuleSection, SkillsSection, StorageSection,
    ToolFields,
};
use crate::channel_table::ChannelParser;
use crate::models::ModelsSection;
use crate::{
    CronSettings, DeliverySettings, GatewaySettings, HooksSettings, LoggingSettings, McpServer,
    OtelSettings, SessionSettings, TableReader, TtsSettings,
};

/// All sections as they stand in the files, each value valid by itself.
pub(crate) struct Sections {
    pub(crate) gateway: GatewaySettings,
    pub(crate) agents: AgentsSection,
    pub(crate) models: ModelsSection,
    pub(crate) tools: ToolFields,
    pub(crate) session: SessionSettings,
    pub(crate) skills: SkillsSection,
    pub(crate) rules: Vec<RuleSection>,
    pub(crate) delivery: DeliverySettings,
    pub(crate) storage: StorageSection,
    pub(crate) channels: ChannelsSection,
    pub(crate) hooks: HooksSettings,
    pub(crate) mcp: BTreeMap<String, McpServer>,
    pub(crate) memory: MemoryFields,
    pub(crate) cron: CronSettings,
    pub(crate) logging: LoggingSettings,
    pub(crate) otel: OtelSettings,
    pub(crate) tts: Option<TtsSettings>,
}

pub(crate) fn read_root(reader: &mut TableReader<'_>, channels: &dyn ChannelParser) -> Sections {
    // Includes are merged before anything is read.
    reader.raw("include", || {
        json!({
            "description": "Files laid below this one, later ones over earlier ones: tables are merged, everything else is replaced as a whole. Relative to this file, and in the main file's folder.",
            "type": "array",
            "items": {"type": "string", "minLength": 1}
        })
    });
    Sections {
        gateway: reader.table("gateway", "The gateway.", read_gateway),
        agents: reader.table("agents", "Agents; `main` always exists.", read_agents),
        models: reader.table("models", "Models.", read_models),
        tools: reader.table("tools", "Which tools may be called, and how.", |reader| {
            read_tools(reader, Level::Defaults)
        }),
        session: reader.table("session", "Sessions.", read_session),
        skills: reader.table(
            "skills",
            "Skills: instructions that the model reads when a task needs them.",
            read_skills,
        ),
        rules: reader.table("routing", "Routing.", read_routing),
        delivery: reader.table("delivery", "Delivery.", read_delivery),
        storage: reader.table("storage", "Where everything is kept.", read_storage),
        channels: read_channels(reader, channels),
        hooks: reader.table("hooks", "Webhooks in.", read_hooks),
        mcp: reader.table("mcp", "The Model Context Protocol.", read_mcp),
        memory: reader.table(
            "memory",
            "What agents can search of their notes and past sessions.",
            read_memory,
        ),
        cron: reader.table("cron", "Jobs that run at some time.", read_cron),
        logging: reader.table("logging", "Where log lines go.", read_logging),
        otel: reader.table(
            "diagnostics",
            "What helps to find out what is wrong.",
            read_diagnostics,
        ),
        tts: reader.table("tts", "Text to speech.", read_tts),
    }
}

/// Reads `[gateway]` alone, for programs that only connect to it.
pub(crate) fn read_gateway_only(reader: &mut TableReader<'_>) -> GatewaySettings {
    reader.table("gateway", "The gateway.", read_gateway)
}
