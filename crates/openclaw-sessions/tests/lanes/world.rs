use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use openclaw_config::{
    AgentSettings, AuthSettings, Config, DeliverySettings, DmScope, GatewaySettings, OnUncertain,
    QueueSettings, RateLimitSettings, ResetMode, ResetSettings, SandboxSettings, SessionSettings,
    StorageBackend, ToolSettings,
};
use openclaw_core::{
    AgentId, ChannelId, ChatAddress, ChatId, ChatKind, Clock, Conversation, Direction, ExternalId,
    IdGen, Inbound, InboundKind, InboxId, MessageContent, MessageId, OriginKind, Outbound,
    QueueMode, ReplyBack, ReportTo, RunId, RunOrigin, Sender, Session, SessionConfig,
    SessionContext, SessionId, SessionKey, SessionState, Spawned, Timestamp, UserId,
};
use openclaw_sessions::{LaneDeps, LaneLimits, Lanes, Wake};
use openclaw_storage::memory::{CommitHook, MemoryStorage};
use openclaw_storage::rows::{
    EventRow, InboxRow, InputState, OutboxKind, RunOptions, TranscriptRow,
};
use openclaw_storage::{
    Batch, EventDraft, EventReads, InboxReads, LogEntry, NewInput, NewMessage, NoObserver,
    OutboxReads, SessionPatch, SessionReads, Storage, StorageError, TranscriptReads, Write,
};
use openclaw_testkit::SeededIds;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::delivery::RecordingDelivery;
use crate::runner::ScriptedRunner;

/// What outlives a gateway: the store, the time, and the record of what was run and sent.
pub(crate) struct World {
    pub(crate) storage: Arc<MemoryStorage>,
    pub(crate) clock: Arc<WorldClock>,
    pub(crate) runner: Arc<ScriptedRunner>,
    pub(crate) delivery: Arc<RecordingDelivery>,
    pub(crate) limits: LaneLimits,
    pub(crate) cut: Arc<Cut>,
    config: watch::Sender<Arc<Config>>,
    ids: Arc<SeededIds>,
}

/// One life of a gateway.
pub(crate) struct Life<'w> {
    pub(crate) world: &'w World,
    pub(crate) lanes: Lanes,
}

impl World {
    pub(crate) fn new(mode: QueueMode) -> Self {
        let clock = Arc::new(WorldClock::default());
        let ids = Arc::new(SeededIds::new(1));
        let cut = Arc::new(Cut::default());
        let storage =
            MemoryStorage::new(clock.clone(), Arc::new(NoObserver)).with_hook(cut.clone());
        Self {
            storage: Arc::new(storage),
            clock,
            runner: Arc::default(),
            delivery: Arc::new(RecordingDelivery::new(ids.clone())),
            limits: LaneLimits::default(),
            cut,
            config: watch::Sender::new(Arc::new(config(mode))),
            ids,
        }
    }

    /// A world with a waiting time and a most of what may wait.
    pub(crate) fn with_queue(mode: QueueMode, queue: QueueSettings) -> Self {
        let world = Self::new(mode);
        world.config.send_modify(|config| {
            let mut changed = Config::clone(config);
            changed.session.queue = queue;
            *config = Arc::new(changed);
        });
        world
    }

    /// The inputs of a session key, in order.
    pub(crate) async fn inputs(&self, name: &str) -> Vec<InboxRow> {
        let mut rows = self.storage.recent_inputs(Some(&key(name)), 1_000).await.expect("reads");
        rows.sort_by_key(|row| row.position);
        rows
    }

    /// Accepts the task of a subagent of the session `parent`, without waking anybody.
    pub(crate) async fn spawn(&self, parent: &str, name: &str, run: &str, text: &str) {
        let asked = Input { key: name, ..input(run, text) };
        let at = self.clock.now();
        let mut batch = Batch::new();
        let session = match self.storage.session_by_key(&key(name)).await.expect("reads") {
            Some(session) => session,
            None => {
                let mut session = self.session(&key(name), at);
                session.context.spawned = Some(Box::new(Spawned {
                    parent: key(parent),
                    run_id: self::run("m0"),
                    depth: 1,
                    ends_after_run: false,
                    within: Vec::new(),
                }));
                batch.push(Write::CreateSession(Box::new(session.clone())));
                session
            }
        };
        let inbound = inbound(&asked, at);
        let report = ReportTo {
            session_key: key(parent),
            conversation: inbound.conversation.clone(),
            sender: inbound.sender.clone(),
            principal: "channel:test".into(),
            reply_back: true,
            name: "Subagent \"c\"".into(),
        };
        let origin = RunOrigin {
            kind: OriginKind::Task,
            session_key: key(parent),
            run_id: self::run("m0"),
            askers: Vec::new(),
            by_owner: true,
            exchanges: 0,
            answers: None,
            report: Some(Box::new(report)),
        };
        batch.push(Write::AcceptInput(Box::new(NewInput {
            id: InboxId::new(self.new_id()).expect("valid"),
            run_id: self::run(run),
            principal: "channel:test".into(),
            session_id: session.id,
            session_key: key(name),
            message_id: MessageId::new(self.new_id()).expect("valid"),
            inbound,
            options: RunOptions { origin: Some(Box::new(origin)), ..RunOptions::default() },
            reply_back: false,
            state: InputState::Waiting,
            error: None,
            merged_into: None,
            at,
        })));
        self.storage.apply(batch).await.expect("accepted");
    }

    /// Lives one life as gateway `g`; what is left at its end is dropped as by a crash.
    pub(crate) fn live<T>(&self, life: impl AsyncFnOnce(Life<'_>) -> T) -> T {
        self.live_as("g", life)
    }

    pub(crate) fn live_as<T>(&self, owner: &str, life: impl AsyncFnOnce(Life<'_>) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let answer = runtime.block_on(async {
            self.clock.begin();
            let lanes = self.lanes(owner);
            lanes.recover().await.expect("reads");
            let answer = life(Life { world: self, lanes }).await;
            self.clock.end();
            answer
        });
        drop(runtime);
        answer
    }

    /// Lanes of a gateway. Must be called within a life.
    pub(crate) fn lanes(&self, owner: &str) -> Lanes {
        Lanes::new(LaneDeps {
            storage: self.storage.clone(),
            runner: self.runner.clone(),
            delivery: self.delivery.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            config: self.config.subscribe(),
            owner: owner.to_owned(),
            limits: self.limits,
        })
    }

    pub(crate) fn new_id(&self) -> String {
        self.ids.new_id()
    }

    /// Accepts an input as ingress does, without waking anybody.
    pub(crate) async fn accept(&self, input: Input<'_>) {
        let at = self.clock.now();
        let key = key(input.key);
        let mut batch = Batch::new();
        let session_id = match self.storage.session_by_key(&key).await.expect("reads") {
            Some(session) => session.id,
            None => {
                let session = self.session(&key, at);
                let id = session.id.clone();
                batch.push(Write::CreateSession(Box::new(session)));
                id
            }
        };
        let run_id = run(input.run);
        let message_id = MessageId::new(self.new_id()).expect("valid");
        let inbound = inbound(&input, at);
        batch.push(Write::Append(Box::new(LogEntry {
            session_id: session_id.clone(),
            session_key: key.clone(),
            run_id: Some(run_id.clone()),
            message: Some(NewMessage {
                id: message_id.clone(),
                channel_id: inbound.conversation.channel_id.clone(),
                direction: Direction::Inbound,
                sender: Some(inbound.sender.clone()),
                chat: inbound.conversation.address(),
                content: inbound.content.clone(),
                reply_to: None,
                external_id: Some(inbound.external_id.clone()),
            }),
            transcript: None,
            event: Some(EventDraft {
                topic: "message.received",
                message_id: Some(message_id.clone()),
                data: None,
            }),
            at,
        })));
        batch.push(Write::AcceptInput(Box::new(NewInput {
            id: InboxId::new(self.new_id()).expect("valid"),
            run_id,
            principal: "channel:test".into(),
            session_id,
            session_key: key,
            message_id,
            inbound,
            options: RunOptions { timeout_seconds: input.timeout_seconds, ..RunOptions::default() },
            reply_back: input.reply_back,
            state: InputState::Waiting,
            error: None,
            merged_into: None,
            at,
        })));
        self.storage.apply(batch).await.expect("accepted");
    }

    fn session(&self, key: &SessionKey, at: Timestamp) -> Session {
        Session {
            id: SessionId::new(self.new_id()).expect("valid"),
            session_key: key.clone(),
            agent_id: AgentId::main(),
            channel_id: ChannelId::new("telegram").expect("valid"),
            user_id: UserId::new("5").expect("valid"),
            chat_id: ChatId::new("5").expect("valid"),
            label: None,
            config: SessionConfig::default(),
            state: SessionState::Idle,
            context: SessionContext::default(),
            last_seq: 0,
            created_at: at,
            updated_at: at,
            last_activity_at: at,
            ended_at: None,
        }
    }

    /// Ends the live session of a key and begins another, as a reset does.
    pub(crate) async fn reset(&self, name: &str) {
        let at = self.clock.now();
        let old = self.session_of(name).await;
        let new = self.session(&old.session_key, at);
        let batch = Batch::new()
            .with(Write::EndSession { id: old.id, at })
            .with(Write::CreateSession(Box::new(new)));
        self.storage.apply(batch).await.expect("reset");
    }

    pub(crate) async fn set_mode(&self, name: &str, mode: QueueMode) {
        let session = self.session_of(name).await;
        let patch = SessionPatch {
            config: Some(SessionConfig { queue_mode: Some(mode), ..SessionConfig::default() }),
            ..SessionPatch::default()
        };
        let write = Write::UpdateSession { id: session.id, patch };
        self.storage.apply(Batch::new().with(write)).await.expect("updated");
    }

    pub(crate) async fn session_of(&self, name: &str) -> Session {
        self.storage.session_by_key(&key(name)).await.expect("reads").expect("a session")
    }

    pub(crate) async fn row(&self, name: &str) -> InboxRow {
        self.storage.input_by_run(&run(name)).await.expect("reads").expect("a run")
    }

    /// Run, state, status and the run that took it.
    pub(crate) async fn end_of(&self, name: &str) -> (&'static str, &'static str, Option<String>) {
        let row = self.row(name).await;
        (row.state.as_str(), row.status.as_str(), row.merged_into.map(RunId::into_string))
    }

    /// What was put into the outbox for the Telegram chat, in order: run, kind, text.
    pub(crate) async fn sent(&self) -> Vec<(String, OutboxKind, String)> {
        let channel = ChannelId::new("telegram").expect("valid");
        let chat = ChatAddress { chat_id: ChatId::new("5").expect("valid"), thread_id: None };
        let rows = self.storage.open_outbox(&channel, &chat, 1_000).await.expect("reads");
        rows.into_iter()
            .map(|row| {
                let text = match row.outbound {
                    Outbound::Send(send) => send.text,
                    other => panic!("unexpected {other:?}"),
                };
                (row.run_id.map(RunId::into_string).unwrap_or_default(), row.kind, text)
            })
            .collect()
    }

    /// The texts of [`Self::sent`].
    pub(crate) async fn texts(&self) -> Vec<String> {
        self.sent().await.into_iter().map(|(_, _, text)| text).collect()
    }

    pub(crate) async fn events(&self, name: &str) -> Vec<EventRow> {
        let session = self.session_of(name).await;
        self.storage.events_after(&session.id, 0, 1_000).await.expect("reads")
    }

    pub(crate) async fn transcript(&self, name: &str) -> Vec<TranscriptRow> {
        let session = self.session_of(name).await;
        self.storage.transcript_tail(&session.id, 1_000, u64::MAX).await.expect("reads")
    }

    pub(crate) async fn is_settled(&self) -> bool {
        self.storage.backlog().await.expect("reads").inputs == 0
    }
}

impl Life<'_> {
    /// Accepts an input and wakes its lane.
    pub(crate) async fn say(&self, input: Input<'_>) {
        let key = key(input.key);
        self.world.accept(input).await;
        self.lanes.wake(&key, Wake::Input);
    }

    /// Begins a subagent of the session `one`.
    pub(crate) async fn spawn(&self, name: &str, run: &str, text: &str) {
        self.spawn_below("one", name, run, text).await;
    }

    /// Begins a subagent of a session.
    pub(crate) async fn spawn_below(&self, parent: &str, name: &str, run: &str, text: &str) {
        self.world.spawn(parent, name, run, text).await;
        self.lanes.wake(&key(name), Wake::Input);
    }

    /// Waits until a run has ended.
    pub(crate) async fn ended(&self, name: &str) {
        let limit = Duration::from_secs(3_600);
        self.lanes.wait_for_run(&run(name), limit).await.expect("the run ends");
    }

    /// Lets the time pass; everything due in it happens.
    pub(crate) async fn pass(&self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}

/// An input to accept.
#[derive(Clone, Copy)]
pub(crate) struct Input<'i> {
    pub(crate) run: &'i str,
    pub(crate) text: &'i str,
    pub(crate) key: &'i str,
    pub(crate) channel: &'i str,
    pub(crate) reply_back: bool,
    pub(crate) timeout_seconds: Option<u64>,
}

/// An input of the Telegram chat in the session `one`.
pub(crate) fn input<'i>(run: &'i str, text: &'i str) -> Input<'i> {
    Input { run, text, key: "one", channel: "telegram", reply_back: true, timeout_seconds: None }
}

pub(crate) fn run(name: &str) -> RunId {
    RunId::new(name).expect("valid")
}

/// Those that are not named `one` or `two` are subagents'.
pub(crate) fn key(name: &str) -> SessionKey {
    let rest = match name {
        "child" | "grandchild" | "stranger" => format!("subagent:{name}"),
        other => other.to_owned(),
    };
    SessionKey::new(&AgentId::main(), &rest).expect("valid")
}

fn inbound(input: &Input<'_>, at: Timestamp) -> Inbound {
    Inbound {
        conversation: Conversation {
            channel_id: ChannelId::new(input.channel).expect("valid"),
            chat_id: ChatId::new("5").expect("valid"),
            kind: ChatKind::Direct,
            thread_id: None,
            title: None,
        },
        external_id: ExternalId::new(input.run).expect("valid"),
        kind: InboundKind::Message,
        sender: Sender {
            id: UserId::new("5").expect("valid"),
            display_name: None,
            username: None,
            roles: Vec::new(),
            is_bot: false,
        },
        content: MessageContent::text(input.text),
        reply_to: None,
        mentions_self: false,
        sent_at: at,
    }
}

fn config(queue_mode: QueueMode) -> Config {
    Config {
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
        agents: vec![AgentSettings {
            id: AgentId::main(),
            is_default: true,
            model: Some("test/scripted".into()),
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
        }],
        providers: Default::default(),
        model_aliases: Default::default(),
        tts: None,
        subagents: Default::default(),
        tools: ToolSettings::default(),
        session: SessionSettings {
            dm_scope: DmScope::PerChannelPeer,
            queue_mode,
            queue: Default::default(),
            reply_back: ReplyBack::Always,
            owners: Vec::new(),
            reset: ResetSettings { mode: ResetMode::Never, at_minutes: 240, idle: None },
            identity_links: Default::default(),
        },
        skills: openclaw_config::SkillsSettings::default(),
        routing: Vec::new(),
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

/// The time of a world: that of the runtime of the present life, after that of the lives before.
#[derive(Debug)]
pub(crate) struct WorldClock(Mutex<(Timestamp, Option<Instant>)>);

impl Default for WorldClock {
    fn default() -> Self {
        Self(Mutex::new((Timestamp::from_millis(1_767_268_800_000), None)))
    }
}

impl WorldClock {
    fn begin(&self) {
        self.0.lock().expect("not poisoned").1 = Some(Instant::now());
    }

    fn end(&self) {
        let now = self.now();
        *self.0.lock().expect("not poisoned") = (now, None);
    }
}

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        let (base, since) = *self.0.lock().expect("not poisoned");
        since.map_or(base, |since| base.plus(since.elapsed()))
    }
}

/// Where the store's log is cut, and which commits fail.
#[derive(Debug, Default)]
pub(crate) struct Cut(Mutex<CutState>);

#[derive(Debug, Default)]
struct CutState {
    commits: usize,
    plan: Option<Plan>,
}

/// What happens to commits.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Plan {
    /// After so many commits none succeeds any more, as if the process were gone.
    EndAfter(usize),
    /// The answer of this commit, counted from 1, is lost.
    LoseAnswer(usize),
    /// The next commits that end an input fail, so many times, for want of disk.
    FailEnds(usize),
}

impl Cut {
    pub(crate) fn plan(&self, plan: Plan) {
        *self.0.lock().expect("not poisoned") = CutState { commits: 0, plan: Some(plan) };
    }

    pub(crate) fn clear(&self) {
        *self.0.lock().expect("not poisoned") = CutState::default();
    }

    /// Commits since the plan was made.
    pub(crate) fn commits(&self) -> usize {
        self.0.lock().expect("not poisoned").commits
    }
}

fn ends_input(batch: &Batch) -> bool {
    batch.writes.iter().any(
        |write| matches!(write, Write::ChangeInput(change) if change.to == InputState::Answered),
    )
}

impl CommitHook for Cut {
    fn before_commit(&self, batch: &Batch) -> Result<(), StorageError> {
        let mut state = self.0.lock().expect("not poisoned");
        match state.plan {
            Some(Plan::EndAfter(limit)) if state.commits >= limit => Err(StorageError::Closed),
            Some(Plan::FailEnds(times)) if times > 0 && ends_input(batch) => {
                state.plan = Some(Plan::FailEnds(times - 1));
                Err(StorageError::Full("no space left on device".into()))
            }
            _ => Ok(()),
        }
    }

    fn after_commit(&self, _: &Batch) -> Result<(), StorageError> {
        let mut state = self.0.lock().expect("not poisoned");
        state.commits += 1;
        match state.plan {
            Some(Plan::LoseAnswer(number)) if state.commits == number => {
                Err(StorageError::Lost("connection reset".into()))
            }
            _ => Ok(()),
        }
    }
}
