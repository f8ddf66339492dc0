//! The web chat against the kit of all channels, and what is its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use openclaw_channel_traits::conformance::{
    Arrived, Credential, Failure, Push, Pushed, ServiceDriver,
};
use openclaw_channel_traits::{
    Channel, ChannelFactory, ChannelTable, ClientEvents, DmPolicy, Environment, Found, Lookup,
    MediaStore,
};
use openclaw_channel_web::WebFactory;
use openclaw_core::{
    ChannelId, ChatAddress, ChatId, Outbound, OutboxId, SendMessage, SystemClock, Typing, UserId,
};
use tempfile::TempDir;

#[derive(Debug, Default)]
struct RecordedEvents(Mutex<Vec<(ChannelId, ChatAddress)>>);

impl ClientEvents for RecordedEvents {
    fn typing(&self, channel: &ChannelId, chat: &ChatAddress) {
        self.0.lock().unwrap().push((channel.clone(), chat.clone()));
    }
}

/// There is no service: nothing can be pushed, arrive outside of the store, or fail.
struct NoService {
    folder: TempDir,
    events: Arc<RecordedEvents>,
}

fn chat() -> ChatAddress {
    ChatAddress { chat_id: ChatId::new("main").unwrap(), thread_id: None }
}

#[async_trait]
impl ServiceDriver for NoService {
    fn channel(&self, _: Credential) -> Arc<dyn Channel> {
        let factory = WebFactory::new(Arc::clone(&self.events) as _);
        let account = factory.unconfigured().accounts.remove(0);
        account.builder.build(Arc::new(SystemClock), self.media())
    }

    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }

    fn media(&self) -> Arc<MediaStore> {
        Arc::new(MediaStore::new(self.folder.path()))
    }

    fn direct_chat(&self) -> ChatAddress {
        chat()
    }

    fn person(&self) -> UserId {
        UserId::new("owner").unwrap()
    }

    fn delivery_limit(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn acknowledges(&self) -> bool {
        false
    }

    fn can_fail(&self, _: &Failure) -> bool {
        false
    }

    async fn push(&self, push: Push) -> Pushed {
        unreachable!("no case that applies pushes {push:?}")
    }

    async fn is_acknowledged(&self, _: &Pushed) -> bool {
        false
    }

    async fn acknowledged(&self, _: &Pushed) {}

    async fn arrived(&self) -> Vec<Arrived> {
        Vec::new()
    }

    async fn fail_next(&self, failure: Failure) {
        unreachable!("nothing fails like {failure:?}")
    }
}

async fn driver() -> NoService {
    NoService { folder: TempDir::new().unwrap(), events: Arc::default() }
}

openclaw_channel_traits::channel_conformance!(driver, lifecycle);
openclaw_channel_traits::channel_conformance!(driver, outbound: [
    edits_work_as_described,
    deletes_work_as_described,
    reactions_work_as_described,
    polls_work_as_described,
    typing_works_as_described,
    the_account_is_looked_up,
]);

fn factory() -> WebFactory {
    WebFactory::new(Arc::<RecordedEvents>::default())
}

fn table(toml: &str) -> ChannelTable {
    ChannelTable::from_toml(factory().kind(), toml, &Environment::default()).unwrap()
}

#[tokio::test]
async fn typing_reaches_the_clients_and_a_message_is_known_by_its_key() {
    let driver = driver().await;
    let channel = driver.channel(Credential::Valid);
    let typing = Outbound::Typing(Typing { chat: chat() });
    assert_eq!(channel.deliver(typing).await.unwrap().external_id, None);
    assert_eq!(*driver.events.0.lock().unwrap(), [(ChannelId::web(), chat())]);

    let key = OutboxId::new("row-1").unwrap();
    let text = "hello".to_owned();
    let send = SendMessage {
        chat: chat(),
        text: text.clone(),
        media: Vec::new(),
        buttons: Vec::new(),
        reply_to: None,
        key: key.clone(),
    };
    let receipt = channel.deliver(Outbound::Send(send)).await.unwrap();
    let since = receipt.sent_at;
    let lookup = Lookup::OwnMessage { chat: chat(), key, text, since };
    let Found::OwnMessage(Some(found)) = channel.lookup(lookup).await.unwrap() else {
        panic!("a committed message is found")
    };
    assert_eq!(Some(found.external_id), receipt.external_id);
    assert_eq!(driver.events.0.lock().unwrap().len(), 1, "a message is no event of this port");
}

#[test]
fn it_is_there_without_a_table_and_can_be_switched_off() {
    let factory = factory();
    let fingerprints: Vec<_> = [
        (factory.unconfigured(), true),
        (factory.parse(&table("")).unwrap(), true),
        (factory.parse(&table("enabled = false")).unwrap(), false),
    ]
    .into_iter()
    .map(|(parsed, enabled)| {
        let [account] = &parsed.accounts[..] else { panic!("there is one web chat") };
        assert_eq!(account.channel_id, ChannelId::web());
        assert_eq!(account.enabled, enabled);
        assert_eq!(account.access.dm_policy, DmPolicy::Open);
        account.fingerprint.clone()
    })
    .collect();
    assert_eq!(fingerprints[0], fingerprints[1]);
    assert_ne!(fingerprints[1], fingerprints[2]);
}

#[test]
fn keys_that_would_restrict_nothing_are_refused() {
    let issues = factory().parse(&table("allow_from = []\nenabled = 1")).unwrap_err();
    let issues: Vec<_> = issues.iter().map(ToString::to_string).collect();
    assert_eq!(
        issues,
        [
            "openclaw.toml:1:1: channels.web.allow_from: unknown key; allowed here: enabled",
            "openclaw.toml:2:11: channels.web.enabled: expected true or false, found an integer",
        ]
    );
    assert_eq!(factory().schema()["properties"]["enabled"]["default"], true);
}
