//! Files, environment and flags become one validated [`Config`], each value with its place.
//!
//! This crate knows no channel's fields: it hands each `[channels.<kind>]` out as a
//! [`ChannelTable`] with spans and takes back issues through [`ChannelParser`]. It reads no ambient
//! environment: everything comes through an [`Environment`].
//!
//! To add a key: add it to the raw type of its section, to the settings type, and to the
//! validation between them; schema, "did you mean" and `config show` follow from the raw type.

mod environment;
mod settings;
mod spanned;

pub use environment::Environment;
pub use settings::{
    AgentSettings, AuthSettings, ChannelTable, Config, DeliverySettings, DmScope, ExecAsk,
    GatewaySettings, ModelProvider, OnUncertain, ProviderApi, RateLimitSettings, ReplyBackRule,
    ResetMode, ResetSettings, RoutingRule, SandboxSettings, SessionSettings, StorageBackend,
    ToolSettings,
};
pub use spanned::{Issue, Place, Spanned, SpannedEntry, SpannedTable, SpannedValue};
