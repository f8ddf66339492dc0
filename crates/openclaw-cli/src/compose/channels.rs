use std::sync::{Arc, OnceLock};

use openclaw_channel_telegram::TelegramFactory;
use openclaw_channel_traits::{ChannelFactory, ChannelTable, ClientEvents, Issue};
use openclaw_channel_web::WebFactory;
use openclaw_config::ChannelParser;
use openclaw_core::{ChannelId, ChatAddress};
use serde_json::Value;

/// The channels this program has.
#[derive(Debug, Clone)]
pub(crate) struct Channels {
    factories: Vec<Arc<dyn ChannelFactory>>,
    clients: Arc<ClientsLater>,
}

impl Channels {
    /// Every kind.
    pub(crate) fn all() -> Self {
        let clients = Arc::new(ClientsLater::default());
        let web = WebFactory::new(clients.clone());
        Self { factories: vec![Arc::new(web), Arc::new(TelegramFactory)], clients }
    }

    /// Lets the web channel reach a gateway's clients.
    pub(crate) fn reach(&self, clients: Arc<dyn ClientEvents>) {
        if self.clients.0.set(clients).is_err() {
            tracing::error!("the web channel reaches the clients of another gateway");
        }
    }

    /// The factories.
    pub(crate) fn factories(&self) -> Vec<Arc<dyn ChannelFactory>> {
        self.factories.clone()
    }

    /// Only what needs no service: for turns in this process, which must not take a running
    /// gateway's accounts.
    pub(crate) fn local(&self) -> Self {
        let local = self.factories.iter();
        let local = local.filter(|factory| factory.descriptor().delivers_by_commit);
        Self { factories: local.cloned().collect(), clients: self.clients.clone() }
    }
}

impl ChannelParser for Channels {
    fn kinds(&self) -> Vec<String> {
        self.factories.iter().map(|factory| factory.kind().into_string()).collect()
    }

    fn schema(&self, kind: &str) -> Option<Value> {
        self.factories
            .iter()
            .find(|factory| factory.kind().as_str() == kind)
            .map(|factory| factory.schema())
    }

    fn check(&self, table: &ChannelTable) -> Vec<Issue> {
        let factory = self.factories.iter().find(|factory| factory.kind() == table.kind);
        factory.and_then(|factory| factory.parse(table).err()).unwrap_or_default()
    }
}

/// The clients of the gateway that is made after its channels.
#[derive(Debug, Default)]
struct ClientsLater(OnceLock<Arc<dyn ClientEvents>>);

impl ClientEvents for ClientsLater {
    fn typing(&self, channel: &ChannelId, chat: &ChatAddress) {
        if let Some(clients) = self.0.get() {
            clients.typing(channel, chat);
        }
    }
}
