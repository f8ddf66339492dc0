use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use openclaw_channel_telegram::{TelegramChannel, TelegramSettings, TimeLimits};
use openclaw_channel_traits::{
    Accept, AccountHold, BaseUrl, Channel, ChannelContext, ChannelError, ChannelState,
    DeliveryError, Ingress, MediaStore, MenuCommand, StatusReport, StatusSink,
};
use openclaw_core::{
    ChannelId, ChatAddress, ChatId, Clock, ExternalId, Inbound, MediaRef, Outbound, OutboxId,
    Receipt, RunId, Secret, SendMessage, SystemClock, SystemIds, SystemRng,
};
use openclaw_testkit::telegram::{FakeBot, FakeTelegram};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) const TOKEN: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";
pub(crate) const ANN: i64 = 5;
pub(crate) const BOB: i64 = 6;
pub(crate) const TEAM: i64 = -40;
pub(crate) const FORUM: i64 = -1_000_000_000_077;
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A PNG of one pixel.
pub(crate) const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

pub(crate) fn limits() -> TimeLimits {
    TimeLimits {
        delivery: Duration::from_secs(3),
        call: Duration::from_secs(2),
        poll: Duration::from_secs(2),
        poll_grace: Duration::from_secs(1),
        download: Duration::from_secs(6),
        busy: Duration::from_secs(5),
    }
}

/// The fake, a bot, and the people and groups around it.
pub(crate) struct Service {
    pub(crate) fake: FakeTelegram,
    pub(crate) bot: FakeBot,
    pub(crate) media: Arc<MediaStore>,
    _folder: tempfile::TempDir,
}

impl Service {
    pub(crate) async fn start() -> Self {
        let fake = FakeTelegram::start().await;
        let bot = fake.add_bot(TOKEN, "fake_bot");
        bot.add_user(ANN, "Ann", Some("ann"));
        bot.add_user(BOB, "Bob", None);
        bot.add_group(TEAM, "Team", &[ANN, BOB]);
        bot.add_forum(FORUM, "Forum", &[ANN, BOB]);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let media = Arc::new(MediaStore::new(folder.path()));
        Self { fake, bot, media, _folder: folder }
    }

    pub(crate) fn settings(&self, token: &str) -> TelegramSettings {
        TelegramSettings {
            token: Secret::new(token),
            base_url: Some(BaseUrl::parse(&self.fake.base_url()).expect("a loopback URL")),
            media_max_bytes: None,
            limits: limits(),
        }
    }

    pub(crate) fn channel(&self) -> Arc<TelegramChannel> {
        self.channel_with(self.settings(TOKEN))
    }

    pub(crate) fn channel_with(&self, settings: TelegramSettings) -> Arc<TelegramChannel> {
        Arc::new(TelegramChannel::new(settings, Arc::new(SystemClock), Arc::clone(&self.media)))
    }

    pub(crate) async fn store(&self, bytes: &[u8], name: &str) -> MediaRef {
        self.media.put_bytes(bytes, Some(name)).await.expect("the store works")
    }

    /// Runs a channel.
    pub(crate) fn start_channel(&self) -> Running {
        Running::start(self.channel(), &self.media, Arc::new(SystemClock))
    }

    /// Runs a channel and waits until it is connected.
    pub(crate) async fn connect(&self) -> Running {
        let running = self.start_channel();
        running.status.wait_for(ChannelState::Connected).await;
        running
    }
}

/// A channel that runs.
pub(crate) struct Running {
    pub(crate) channel: Arc<TelegramChannel>,
    pub(crate) ingress: Arc<TestIngress>,
    pub(crate) status: Arc<TestStatus>,
    cancel: CancellationToken,
    tasks: TaskTracker,
    run: JoinHandle<Result<(), ChannelError>>,
}

impl Running {
    pub(crate) fn start(
        channel: Arc<TelegramChannel>,
        media: &Arc<MediaStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::start_with(channel, media, clock, Arc::default())
    }

    /// Starts it with commands for the menu.
    pub(crate) fn start_with(
        channel: Arc<TelegramChannel>,
        media: &Arc<MediaStore>,
        clock: Arc<dyn Clock>,
        commands: Arc<[MenuCommand]>,
    ) -> Self {
        let (ingress, status) = (Arc::new(TestIngress::default()), Arc::new(TestStatus::default()));
        let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
        let context = ChannelContext {
            channel_id: ChannelId::new("telegram/work").expect("a channel id"),
            ingress: Arc::clone(&ingress) as _,
            status: Arc::clone(&status) as _,
            media: Arc::clone(media),
            hold: AccountHold::lasting(),
            cancel: cancel.clone(),
            tasks: tasks.clone(),
            commands,
            clock,
            ids: Arc::new(SystemIds),
            rng: Arc::new(SystemRng),
        };
        let run = TaskTracker::new().spawn(Arc::clone(&channel).run(context));
        Self { channel, ingress, status, cancel, tasks, run }
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(self) -> Result<(), ChannelError> {
        tokio::time::timeout(PATIENCE, self.run).await.expect("it ends").expect("no panic")
    }

    /// Cancels it; it must end within 2 s and leave no task.
    pub(crate) async fn stop(self) {
        self.cancel.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(2), self.run).await;
        ended.expect("a cancelled run ends within 2 s").expect("no panic").expect("it ends well");
        self.tasks.close();
        tokio::time::timeout(Duration::from_secs(2), self.tasks.wait())
            .await
            .expect("no task left");
    }
}

/// Keeps what is handed in; answers from a script, then that it is known or stored.
#[derive(Default)]
pub(crate) struct TestIngress {
    answers: Mutex<VecDeque<Accept>>,
    handed_in: watch::Sender<Vec<Inbound>>,
    migrations: watch::Sender<Vec<(String, String)>>,
}

impl TestIngress {
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Accept>) {
        self.answers.lock().expect("not poisoned").extend(answers);
    }

    pub(crate) fn handed_in(&self) -> Vec<Inbound> {
        self.handed_in.borrow().clone()
    }

    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Inbound> {
        let mut events = self.handed_in.subscribe();
        let reached = events.wait_for(|events| events.len() >= count);
        match tokio::time::timeout(PATIENCE, reached).await {
            Ok(events) => events.expect("the ingress lives").clone(),
            Err(_) => panic!("{count} events were not handed in: {:#?}", self.handed_in()),
        }
    }

    /// The only event so far.
    pub(crate) async fn only(&self) -> Inbound {
        let mut events = self.wait_for(1).await;
        assert_eq!(events.len(), 1, "{events:#?}");
        events.remove(0)
    }

    pub(crate) async fn wait_for_migrations(&self, count: usize) -> Vec<(String, String)> {
        let mut migrations = self.migrations.subscribe();
        let reached = migrations.wait_for(|migrations| migrations.len() >= count);
        let migrations = tokio::time::timeout(PATIENCE, reached).await.expect("told in time");
        migrations.expect("the ingress lives").clone()
    }
}

#[async_trait]
impl Ingress for TestIngress {
    async fn accept(&self, inbound: Inbound) -> Accept {
        let scripted = self.answers.lock().expect("not poisoned").pop_front();
        self.handed_in.send_modify(|events| events.push(inbound));
        scripted
            .unwrap_or_else(|| Accept::Accepted { run_id: RunId::new("run-1").expect("a run id") })
    }

    async fn chat_migrated(&self, channel: &ChannelId, from: &ChatId, to: &ChatId) {
        assert_eq!(channel.as_str(), "telegram/work");
        self.migrations
            .send_modify(|migrations| migrations.push((from.to_string(), to.to_string())));
    }
}

/// Keeps the reports and counts the signs of life.
#[derive(Default)]
pub(crate) struct TestStatus {
    reports: watch::Sender<Vec<StatusReport>>,
    alive: watch::Sender<u64>,
}

impl TestStatus {
    pub(crate) fn reports(&self) -> Vec<StatusReport> {
        self.reports.borrow().clone()
    }

    pub(crate) async fn wait_for(&self, state: ChannelState) {
        let mut reports = self.reports.subscribe();
        let reached =
            reports.wait_for(|reports| reports.iter().any(|report| report.state == state));
        if tokio::time::timeout(PATIENCE, reached).await.is_err() {
            panic!("{state:?} was not reported: {:?}", self.reports());
        }
    }

    pub(crate) async fn wait_alive(&self, count: u64) {
        let mut alive = self.alive.subscribe();
        let reached = alive.wait_for(|alive| *alive >= count);
        tokio::time::timeout(PATIENCE, reached).await.expect("alive in time").expect("it lives");
    }
}

impl StatusSink for TestStatus {
    fn report(&self, report: StatusReport) {
        self.reports.send_modify(|reports| reports.push(report));
    }

    fn alive(&self) {
        self.alive.send_modify(|alive| *alive += 1);
    }
}

pub(crate) fn chat(id: i64) -> ChatAddress {
    ChatAddress { chat_id: ChatId::new(id.to_string()).expect("a chat id"), thread_id: None }
}

pub(crate) fn id(message: i64) -> ExternalId {
    ExternalId::new(message.to_string()).expect("a message id")
}

pub(crate) fn message(to: ChatAddress, text: &str) -> SendMessage {
    SendMessage {
        chat: to,
        text: text.to_owned(),
        media: Vec::new(),
        buttons: Vec::new(),
        reply_to: None,
        key: OutboxId::new("key").expect("a key"),
    }
}

pub(crate) async fn send(
    channel: &TelegramChannel,
    to: i64,
    text: &str,
) -> Result<Receipt, DeliveryError> {
    channel.deliver(Outbound::Send(message(chat(to), text))).await
}

pub(crate) fn message_id(receipt: &Receipt) -> i64 {
    let id = receipt.external_id.as_ref().expect("a message has an id");
    id.as_str().parse().expect("a Telegram id")
}

impl Service {
    /// Sends and expects that it works.
    pub(crate) async fn channel_deliver(&self, send: SendMessage) -> Receipt {
        self.channel().deliver(Outbound::Send(send)).await.expect("a working service takes it")
    }
}
