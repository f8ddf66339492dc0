use std::collections::BTreeMap;
use std::sync::Arc;

use openclaw_channel_traits::common_config::Fingerprint;
use openclaw_channel_traits::{
    AccessPolicy, Channel, ChannelAccount, ChannelBuilder, ChannelDescriptor, ChannelFactory,
    ChannelTable, ClientEvents, DmPolicy, GroupPolicy, Issue, MediaStore, ParsedChannel,
    TableReader, describe,
};
use openclaw_core::{ChannelId, ChannelKind, Clock};

use crate::WebChannel;
use crate::channel::descriptor;

/// Makes the web chat, whether or not there is a table `[channels.web]`.
#[derive(Debug, Clone)]
pub struct WebFactory {
    events: Arc<dyn ClientEvents>,
}

impl WebFactory {
    /// Clients are told through this port.
    pub fn new(events: Arc<dyn ClientEvents>) -> Self {
        Self { events }
    }

    /// What the channel is where the configuration does not mention it.
    pub fn unconfigured(&self) -> ParsedChannel {
        self.account(true)
    }

    fn account(&self, enabled: bool) -> ParsedChannel {
        let account = ChannelAccount {
            channel_id: ChannelId::web(),
            enabled,
            access: signed_in_clients(),
            text_limit: None,
            fingerprint: Fingerprint::new().field("enabled", enabled).finish(),
            builder: Box::new(WebBuilder { events: Arc::clone(&self.events) }),
        };
        ParsedChannel { accounts: vec![account] }
    }
}

/// Reads the one key there is: who may write is decided where clients sign in, so a key such as
/// `allow_from` would restrict nothing and is refused.
fn read_enabled(reader: &mut TableReader<'_>) -> bool {
    reader.boolean("enabled", "Whether the web chat is there.").default(true)
}

fn signed_in_clients() -> AccessPolicy {
    AccessPolicy {
        dm_policy: DmPolicy::Open,
        allow_from: Vec::new(),
        group_policy: GroupPolicy::Disabled,
        groups: BTreeMap::new(),
        require_mention: true,
    }
}

impl ChannelFactory for WebFactory {
    fn kind(&self) -> ChannelKind {
        descriptor().kind.clone()
    }

    fn descriptor(&self) -> &ChannelDescriptor {
        descriptor()
    }

    fn schema(&self) -> serde_json::Value {
        describe(read_enabled)
    }

    fn parse(&self, table: &ChannelTable) -> Result<ParsedChannel, Vec<Issue>> {
        Ok(self.account(table.read(read_enabled)?))
    }
}

#[derive(Debug)]
struct WebBuilder {
    events: Arc<dyn ClientEvents>,
}

impl ChannelBuilder for WebBuilder {
    fn build(&self, clock: Arc<dyn Clock>, _media: Arc<MediaStore>) -> Arc<dyn Channel> {
        Arc::new(WebChannel::new(Arc::clone(&self.events), clock))
    }
}
