use std::sync::Arc;

use openclaw_channel_telegram::TelegramFactory;
use openclaw_channel_traits::{ChannelFactory, ChannelTable, ClientEvents, Issue};
use openclaw_channel_web::WebFactory;
use openclaw_config::ChannelParser;
use openclaw_core::{ChannelId, ChatAddress};
use serde_json::Value;

/// The channels this program has.
#[derive(Debug, Clone)]
pub(crate) struct Channels(Vec<Arc<dyn ChannelFactory>>);

impl Channels {
    /// Every kind.
    pub(crate) fn all() -> Self {
        Self(vec![Arc::new(WebFactory::new(Arc::new(DeltasTell))), Arc::new(TelegramFactory)])
    }

    /// The factories.
    pub(crate) fn factories(&self) -> Vec<Arc<dyn ChannelFactory>> {
        self.0.clone()
    }

    /// Only what needs no service: for turns in this process, which must not take a running
    /// gateway's accounts.
    pub(crate) fn local(&self) -> Self {
        Self(
            self.0
                .iter()
                .filter(|factory| factory.descriptor().delivers_by_commit)
                .cloned()
                .collect(),
        )
    }
}

impl ChannelParser for Channels {
    fn kinds(&self) -> Vec<String> {
        self.0.iter().map(|factory| factory.kind().into_string()).collect()
    }

    fn schema(&self, kind: &str) -> Option<Value> {
        self.0
            .iter()
            .find(|factory| factory.kind().as_str() == kind)
            .map(|factory| factory.schema())
    }

    fn check(&self, table: &ChannelTable) -> Vec<Issue> {
        let factory = self.0.iter().find(|factory| factory.kind() == table.kind);
        factory.and_then(|factory| factory.parse(table).err()).unwrap_or_default()
    }
}

/// Web clients see an answer grow by its deltas; nothing else tells them that it is being written.
#[derive(Debug)]
struct DeltasTell;

impl ClientEvents for DeltasTell {
    fn typing(&self, _: &ChannelId, _: &ChatAddress) {}
}
