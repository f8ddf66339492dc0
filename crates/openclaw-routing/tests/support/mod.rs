//! A configuration and messages to route.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use openclaw_config::{
    AgentSettings, AuthSettings, Config, DeliverySettings, DmScope, GatewaySettings, OnUncertain,
    RateLimitSettings, ResetMode, ResetSettings, RoutingRule, SandboxSettings, SessionSettings,
    StorageBackend, ToolSettings,
};
use openclaw_core::{
    AgentId, ChannelId, ChatId, ChatKind, Conversation, ExternalId, Inbound, InboundKind,
    MessageContent, QueueMode, ReplyBack, Sender, Timestamp, UserId,
};

pub(crate) fn agent(id: &str) -> AgentSettings {
    AgentSettings {
        id: AgentId::new(id).expect("valid"),
        is_default: id == "main",
        model: None,
        fallbacks: Vec::new(),
        image_model: None,
        limits: openclaw_config::SpendLimits::default(),
        max_context_tokens: None,
        workspace: PathBuf::from("/workspace"),
        sandbox: SandboxSettings::default(),
        tools: None,
        compaction: openclaw_config::CompactionSettings::default(),
        skills: None,
        turn_timeout: Duration::from_secs(600),
        model_idle_timeout: Duration::from_secs(120),
        runtime: Default::default(),
        pi_command: Vec::new(),
    }
}

pub(crate) fn config(routing: Vec<RoutingRule>) -> Config {
    Config {
        skills: openclaw_config::SkillsSettings::default(),
        retention: openclaw_config::RetentionSettings::default(),
        gateway: GatewaySettings {
            bind_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            max_connections: 10,
            max_backlog: 10,
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            tls: openclaw_config::TlsSettings::Off,
            auth: AuthSettings::default(),
            rate_limit: RateLimitSettings { requests_per_second: 0.0, burst: 0 },
            openai_http: false,
        },
        agents: ["main", "work", "home"].map(agent).into(),
        providers: Default::default(),
        model_aliases: Default::default(),
        tts: None,
        subagents: Default::default(),
        tools: ToolSettings::default(),
        session: SessionSettings {
            dm_scope: DmScope::PerChannelPeer,
            queue_mode: QueueMode::Queue,
            queue: Default::default(),
            reply_back: ReplyBack::Always,
            owners: Vec::new(),
            reset: ResetSettings { mode: ResetMode::Never, at_minutes: 240, idle: None },
            identity_links: Default::default(),
        },
        routing,
        delivery: DeliverySettings { on_uncertain: OnUncertain::Resend },
        storage: StorageBackend::Memory,
        hooks: openclaw_config::HooksSettings::default(),
        memory: openclaw_config::MemorySettings::default(),
        cron: openclaw_config::CronSettings::default(),
        heartbeats: std::collections::BTreeMap::new(),
        logging: openclaw_config::LoggingSettings::default(),
        mcp: Default::default(),
        otel: openclaw_config::OtelSettings::default(),
        channels: Default::default(),
        state_dir: PathBuf::from("/state"),
        file: None,
        inert_keys: Vec::new(),
    }
}

pub(crate) fn rule(place: usize) -> RoutingRule {
    RoutingRule {
        place: format!("openclaw.toml:{place}"),
        channel: None,
        account: None,
        chat_kind: None,
        chat: None,
        sender: None,
        role: None,
        pattern: None,
        agent: None,
        session: None,
    }
}

pub(crate) fn message(
    channel: &str,
    kind: ChatKind,
    chat: &str,
    sender: &str,
    text: &str,
) -> Inbound {
    Inbound {
        conversation: Conversation {
            channel_id: ChannelId::new(channel).expect("valid"),
            chat_id: ChatId::new(chat).expect("valid"),
            kind,
            thread_id: None,
            title: None,
        },
        external_id: ExternalId::new("1").expect("valid"),
        kind: InboundKind::Message,
        sender: Sender {
            id: UserId::new(sender).expect("valid"),
            display_name: None,
            username: None,
            roles: Vec::new(),
            is_bot: false,
        },
        content: MessageContent::text(text),
        reply_to: None,
        mentions_self: false,
        sent_at: Timestamp::from_millis(0),
    }
}
