use std::collections::BTreeMap;
use std::sync::Arc;

use openclaw_config::{ChannelTable, Issue};
use openclaw_core::{AgentId, ChannelId, ChannelKind, Clock};
use openclaw_media::MediaStore;

use crate::{Channel, ChannelDescriptor};

/// Makes the channels of one kind from their table in the configuration.
pub trait ChannelFactory: Send + Sync + std::fmt::Debug {
    /// The kind, as in `[channels.<kind>]`.
    fn kind(&self) -> ChannelKind;

    /// What channels of this kind are and can do.
    fn descriptor(&self) -> &ChannelDescriptor;

    /// The JSON Schema of the table.
    fn schema(&self) -> serde_json::Value;

    /// Validates the table and gives its accounts, or everything that is wrong with it.
    ///
    /// # Errors
    /// Every issue with its place; no value of a secret key is ever in one.
    fn parse(&self, table: &ChannelTable) -> Result<ParsedChannel, Vec<Issue>>;
}

/// A validated table: one entry per account, the default account first.
#[derive(Debug)]
pub struct ParsedChannel {
    /// The accounts.
    pub accounts: Vec<ChannelAccount>,
}

/// One account to serve.
#[derive(Debug)]
pub struct ChannelAccount {
    /// The id.
    pub channel_id: ChannelId,
    /// Whether it is to run.
    pub enabled: bool,
    /// Who may talk to it.
    pub access: AccessPolicy,
    /// `text_limit` where it is set; else the descriptor's.
    pub text_limit: Option<usize>,
    /// Compares equal when a reload need not restart the account: all settings but `access`.
    pub fingerprint: String,
    /// Makes the channel.
    pub builder: Box<dyn ChannelBuilder>,
}

/// Makes one channel from validated settings.
pub trait ChannelBuilder: Send + Sync + std::fmt::Debug {
    /// Makes the channel; connects nothing yet.
    fn build(&self, clock: Arc<dyn Clock>, media: Arc<MediaStore>) -> Arc<dyn Channel>;
}

/// Who may talk to an account, where, and what starts a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessPolicy {
    /// `dm_policy`.
    pub dm_policy: DmPolicy,
    /// `allow_from`: ids, `@names`, or `*`.
    pub allow_from: Vec<String>,
    /// `group_policy`.
    pub group_policy: GroupPolicy,
    /// `groups.<id>`; `*` stands for every group.
    pub groups: BTreeMap<String, GroupSettings>,
    /// `require_mention`, default true.
    pub require_mention: bool,
}

/// Who may write in direct chats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DmPolicy {
    /// Unknown people get a code for the owner to approve.
    #[default]
    Pairing,
    /// Only `allow_from`.
    Allowlist,
    /// Everybody.
    Open,
    /// Nobody.
    Disabled,
}

/// Which groups are heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupPolicy {
    /// Only `groups.<id>`, or senders in `allow_from`.
    #[default]
    Allowlist,
    /// Every group.
    Open,
    /// None.
    Disabled,
}

/// `groups.<id>`; `None` takes the account's setting.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupSettings {
    /// Whether the assistant must be addressed.
    pub require_mention: Option<bool>,
    /// Who may write; `None` is everybody in the group.
    pub allow_from: Option<Vec<String>>,
    /// The agent that answers.
    pub agent: Option<AgentId>,
}
