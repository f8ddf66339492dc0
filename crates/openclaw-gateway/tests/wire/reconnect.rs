//! What becomes of a send that is under way while its channel is connected anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use openclaw_channel_traits::{
    Channel, ChannelAccount, ChannelBuilder, ChannelContext, ChannelDescriptor, ChannelError,
    ChannelFactory, ChannelState, ChannelTable, DeliveryError, Found, Issue, Lookup, MediaStore,
    ParsedChannel, StatusReport,
};
use openclaw_core::{ChannelId, ChannelKind, Clock, ExternalId, Outbound, Receipt, Timestamp};
use openclaw_gateway::hub::WatchFor;
use openclaw_storage::rows::{OutboxRow, OutboxState};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::channel::FakeChannel;
use crate::support::{PATIENCE, TestGateway};

/// A service whose answer to a send is held back, and whose connection can be cut meanwhile.
#[derive(Debug, Clone)]
struct Halting {
    inner: FakeChannel,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    arrived: Semaphore,
    answer: Semaphore,
    cut: Semaphore,
    connected: Semaphore,
    sends: AtomicU32,
}

impl Halting {
    fn new() -> Self {
        let none = || Semaphore::new(0);
        let shared = Shared {
            arrived: none(),
            answer: none(),
            cut: none(),
            connected: none(),
            sends: AtomicU32::new(0),
        };
        Self { inner: FakeChannel::new("fake", false), shared: Arc::new(shared) }
    }
}

async fn take(semaphore: &Semaphore) {
    timeout(PATIENCE, semaphore.acquire()).await.expect("in time").expect("open").forget();
}

#[async_trait]
impl Channel for Halting {
    fn descriptor(&self) -> &ChannelDescriptor {
        &self.inner.0
    }

    async fn run(self: Arc<Self>, context: ChannelContext) -> Result<(), ChannelError> {
        let state = ChannelState::Connected;
        context.status.report(StatusReport { state, account: None, detail: None });
        self.shared.connected.add_permits(1);
        tokio::select! {
            () = context.cancel.cancelled() => Ok(()),
            permit = self.shared.cut.acquire() => {
                permit.expect("open").forget();
                Err(ChannelError::Connection { message: "cut".to_owned(), retry_after: None })
            }
        }
    }

    async fn deliver(&self, _: Outbound) -> Result<Receipt, DeliveryError> {
        let number = self.shared.sends.fetch_add(1, Ordering::SeqCst);
        self.shared.arrived.add_permits(1);
        take(&self.shared.answer).await;
        let external_id = ExternalId::new(format!("m{number}")).expect("valid");
        Ok(Receipt { external_id: Some(external_id), sent_at: Timestamp::from_millis(0) })
    }

    async fn lookup(&self, _: Lookup) -> Result<Found, DeliveryError> {
        Err(DeliveryError::Unsupported("looking up"))
    }
}

impl ChannelBuilder for Halting {
    fn build(&self, _: Arc<dyn Clock>, _: Arc<MediaStore>) -> Arc<dyn Channel> {
        Arc::new(self.clone())
    }
}

impl ChannelFactory for Halting {
    fn kind(&self) -> ChannelKind {
        ChannelFactory::kind(&self.inner)
    }

    fn descriptor(&self) -> &ChannelDescriptor {
        &self.inner.0
    }

    fn schema(&self) -> Value {
        json!({ "type": "object" })
    }

    fn parse(&self, table: &ChannelTable) -> Result<ParsedChannel, Vec<Issue>> {
        let mut parsed = self.inner.parse(table)?;
        for account in &mut parsed.accounts {
            let builder: Box<dyn ChannelBuilder> = Box::new(self.clone());
            *account = ChannelAccount { builder, ..take_account(account) };
        }
        Ok(parsed)
    }
}

fn take_account(account: &ChannelAccount) -> ChannelAccount {
    ChannelAccount {
        channel_id: account.channel_id.clone(),
        enabled: account.enabled,
        access: account.access.clone(),
        text_limit: account.text_limit,
        fingerprint: account.fingerprint.clone(),
        builder: Box::new(Halting::new()),
    }
}

/// Sends a message and waits until the service has it and keeps its answer back.
async fn send_halfway(gateway: &TestGateway, channel: &Halting) {
    take(&channel.shared.connected).await;
    let reply = gateway
        .post(
            r#"{"jsonrpc":"2.0","id":1,"method":"message.send","params":{"channel_id":"fake","chat_id":"5","content":"hello","idempotency_key":"k"}}"#,
        )
        .await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    take(&channel.shared.arrived).await;
}

/// The row once it has ended.
async fn ended(gateway: &TestGateway) -> OutboxRow {
    let state = &gateway.state;
    let known = state.storage.outbox_by_idempotency_key("k").await.expect("reads").expect("there");
    let key = known.session_key.expect("a session");
    let watch = state.hub.watch_session(key, WatchFor::Messages);
    loop {
        let row =
            state.storage.outbox_by_idempotency_key("k").await.expect("reads").expect("there");
        if row.state.is_final() {
            return row;
        }
        timeout(PATIENCE, watch.changed()).await.expect("in time");
    }
}

fn assert_sent_once(channel: &Halting, row: &OutboxRow) {
    assert_eq!((row.state, row.uncertain), (OutboxState::Sent, 0), "{:?}", row.error);
    assert_eq!(channel.shared.sends.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_that_comes_after_a_reconnection_counts() {
    let channel = Halting::new();
    let gateway = TestGateway::with_channel(Arc::new(channel.clone())).await;
    send_halfway(&gateway, &channel).await;
    channel.shared.cut.add_permits(1);
    take(&channel.shared.connected).await;
    channel.shared.answer.add_permits(1);
    assert_sent_once(&channel, &ended(&gateway).await);
}

#[tokio::test]
async fn an_answer_that_comes_while_the_channel_is_down_counts() {
    let channel = Halting::new();
    let gateway = TestGateway::with_channel(Arc::new(channel.clone())).await;
    send_halfway(&gateway, &channel).await;
    let id = ChannelId::new("fake").expect("valid");
    gateway.state.channels.disconnect(&id).await.expect("disconnects");
    channel.shared.answer.add_permits(1);
    assert_sent_once(&channel, &ended(&gateway).await);
}
