use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::tz::TimeZone;
use openclaw_agents::model::RetryPolicy;
use openclaw_agents::{AgentRunner, Compacted, ContextOverview, Contexts, RunnerDeps, SkillShelf};
use openclaw_config::{Config, Environment, LoadRequest, NoChannels, validate_text};
use openclaw_core::{
    AgentId, ChannelId, ChatId, ChatKind, Clock, Conversation, Direction, ExternalId, Inbound,
    InboundKind, InboxId, MessageContent, MessageId, RunId, RunStatus, Sender, Session,
    SessionConfig, SessionContext, SessionId, SessionKey, SessionState, SystemRng, UserId,
};
use openclaw_media::MediaStore;
use openclaw_sessions::{Steering, Turn, TurnOutcome, TurnResult, TurnRunner};
use openclaw_storage::memory::{CommitHook, MemoryStorage};
use openclaw_storage::rows::{InboxRow, InputState, RunOptions, TranscriptKind, TranscriptRow};
use openclaw_storage::{
    Batch, EventReads, Fence, InputChange, LogEntry, NewInput, NewMessage, NoObserver, Storage,
    TranscriptDraft, TranscriptReads, Write,
};
use openclaw_testkit::model::{Api, ModelServer, Script};
use openclaw_testkit::{ManualClock, SeededIds};
use openclaw_tools::{Tool, ToolContext, ToolError, ToolOutput, ToolRegistry};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use crate::recording::Recording;

/// No test waits longer for anything.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Runs a test once per wire.
#[macro_export]
macro_rules! on_every_wire {
    ($($(#[$meta:meta])* async fn $name:ident($api:ident: Api) $body:block)*) => {$(
        mod $name {
            use super::*;
            use openclaw_testkit::model::Api;

            async fn body($api: Api) $body

            $(#[$meta])*
            #[tokio::test]
            async fn chat() {
                body(Api::Chat).await;
            }

            $(#[$meta])*
            #[tokio::test]
            async fn messages() {
                body(Api::Messages).await;
            }

            $(#[$meta])*
            #[tokio::test]
            async fn responses() {
                body(Api::Responses).await;
            }

            $(#[$meta])*
            #[tokio::test]
            async fn gemini() {
                body(Api::Gemini).await;
            }

            $(#[$meta])*
            #[tokio::test]
            async fn ollama() {
                body(Api::Ollama).await;
            }
        }
    )*};
}

/// One session, its store, its runner, and the server it asks.
pub(crate) struct Harness {
    pub(crate) server: ModelServer,
    pub(crate) storage: Arc<MemoryStorage>,
    pub(crate) config: Arc<Config>,
    pub(crate) session: Session,
    pub(crate) tools: Arc<TestTools>,
    pub(crate) media: MediaStore,
    pub(crate) stream: Arc<Recording>,
    pub(crate) workspace: PathBuf,
    runner: Arc<AgentRunner>,
    tasks: TaskTracker,
    fence: Fence,
    clock: Arc<ManualClock>,
    runs: std::sync::atomic::AtomicUsize,
    _folder: TempDir,
}

/// What a harness is built with.
pub(crate) struct Setup {
    pub(crate) api: Api,
    pub(crate) script: Script,
    /// More lines of `[agents]`.
    pub(crate) agents: String,
    /// More lines of the provider.
    pub(crate) provider: String,
    /// More tables.
    pub(crate) toml: String,
    pub(crate) hook: Option<Arc<dyn CommitHook>>,
    pub(crate) file_tools: bool,
}

impl Setup {
    pub(crate) fn new(api: Api) -> Self {
        Self {
            api,
            script: Script::new(),
            agents: String::new(),
            provider: String::new(),
            toml: String::new(),
            hook: None,
            file_tools: false,
        }
    }

    pub(crate) fn script(mut self, script: Script) -> Self {
        self.script = script;
        self
    }

    pub(crate) fn agents(mut self, lines: &str) -> Self {
        self.agents.push_str(lines);
        self.agents.push('\n');
        self
    }

    pub(crate) fn provider(mut self, lines: &str) -> Self {
        self.provider.push_str(lines);
        self
    }

    pub(crate) fn toml(mut self, text: &str) -> Self {
        self.toml.push_str(text);
        self.toml.push('\n');
        self
    }

    pub(crate) fn hook(mut self, hook: Arc<dyn CommitHook>) -> Self {
        self.hook = Some(hook);
        self
    }

    pub(crate) fn file_tools(mut self) -> Self {
        self.file_tools = true;
        self
    }

    pub(crate) async fn build(self) -> Harness {
        install_crypto();
        let folder = tempfile::tempdir().expect("a folder");
        let server = ModelServer::with(self.script).await;
        let workspace = folder.path().join("workspace");
        std::fs::create_dir_all(&workspace).expect("a workspace");
        let tables = format!("{}\n{}", self.provider, self.toml);
        let config = config(&folder, &server, self.api, &self.agents, &tables);
        let clock = Arc::new(ManualClock::default());
        let mut storage = MemoryStorage::new(clock.clone(), Arc::new(NoObserver));
        if let Some(hook) = self.hook {
            storage = storage.with_hook(hook);
        }
        let storage = Arc::new(storage);
        let media = MediaStore::new(folder.path().join("media"));
        let tools = Arc::new(TestTools::default());
        let registry = registry(&tools, &media, self.file_tools);
        let tasks = TaskTracker::new();
        let runner = runner(storage.clone(), registry, media.clone(), clock.clone(), tasks.clone());
        let session = session(clock.now());
        let lane = format!("lane:{}", session.session_key);
        let mut start = Batch::new().with(Write::CreateSession(Box::new(session.clone())));
        start.push(Write::TakeLease { resource: lane, owner: "me".to_owned(), ttl: LIMIT * 100 });
        let applied = storage.apply(start).await.expect("a session and its lane");
        Harness {
            fence: Fence::from(&applied.leases[0]),
            server,
            storage,
            config,
            session,
            tools,
            media,
            stream: Arc::default(),
            workspace,
            runner,
            tasks,
            clock,
            runs: std::sync::atomic::AtomicUsize::new(0),
            _folder: folder,
        }
    }
}

pub(crate) fn install_crypto() {
    // The second test of a process finds it installed.
    drop(rustls::crypto::ring::default_provider().install_default());
}

fn config(
    folder: &TempDir,
    server: &ModelServer,
    api: Api,
    agents: &str,
    more: &str,
) -> Arc<Config> {
    let wire = api.config_name();
    let root = folder.path().display();
    let model = if agents.contains("model =") { "" } else { "model = \"fake/test-model\"" };
    let text = format!(
        "[agents]\n{model}\nworkspace = \"{root}/workspace\"\n{agents}\n\
         [models.providers.fake]\napi = \"{wire}\"\nbase_url = \"{}\"\napi_key = \"canary-key\"\n{more}",
        server.base_url(),
    );
    load(folder, &text, &[])
}

/// Loads a configuration with these variables in the environment.
pub(crate) fn load(folder: &TempDir, text: &str, variables: &[(&str, &str)]) -> Arc<Config> {
    let state = folder.path().join("state").display().to_string();
    let own = [("OPENCLAW_STATE_DIR", state.as_str())];
    let variables =
        variables.iter().chain(&own).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment = Environment::new(variables, folder.path(), folder.path());
    validate_text(&LoadRequest::new(&environment, &NoChannels), text)
        .unwrap_or_else(|error| panic!("{error:?}\n{text}"))
        .config
}

fn registry(tools: &Arc<TestTools>, media: &MediaStore, files: bool) -> Arc<ToolRegistry> {
    if files {
        return Arc::new(ToolRegistry::builder().with_file_tools(media.clone()).build());
    }
    let registry = ToolRegistry::builder()
        .with(Add)
        .with(Fail)
        .with(Break)
        .with(Wait(tools.clone()))
        .with(Count(tools.clone()))
        .build();
    Arc::new(registry)
}

fn runner(
    storage: Arc<MemoryStorage>,
    tools: Arc<ToolRegistry>,
    media: MediaStore,
    clock: Arc<ManualClock>,
    tasks: TaskTracker,
) -> Arc<AgentRunner> {
    let retry = RetryPolicy {
        pauses: [2, 4, 8].map(Duration::from_millis).to_vec(),
        ..RetryPolicy::default()
    };
    Arc::new(AgentRunner::new(RunnerDeps {
        storage,
        tools,
        media,
        clock,
        ids: Arc::new(SeededIds::new(7)),
        rng: Arc::new(SystemRng),
        tasks,
        zone: TimeZone::UTC,
        retry,
    }))
}

fn session(now: openclaw_core::Timestamp) -> Session {
    let agent = AgentId::main();
    Session {
        id: SessionId::new("session-1").expect("valid"),
        session_key: SessionKey::main(&agent),
        agent_id: agent,
        channel_id: ChannelId::web(),
        user_id: UserId::new("owner").expect("valid"),
        chat_id: ChatId::new("chat").expect("valid"),
        label: None,
        config: SessionConfig::default(),
        state: SessionState::Running,
        context: SessionContext::default(),
        last_seq: 0,
        created_at: now,
        updated_at: now,
        last_activity_at: now,
        ended_at: None,
    }
}

impl Harness {
    /// Takes a runner that knows nothing of the session yet, as after a restart.
    pub(crate) fn restart(&mut self) {
        let registry = registry(&self.tools, &self.media, false);
        self.runner = runner(
            self.storage.clone(),
            registry,
            self.media.clone(),
            self.clock.clone(),
            self.tasks.clone(),
        );
    }

    pub(crate) fn models(&self) -> Arc<openclaw_agents::model::Models> {
        self.runner.models()
    }

    pub(crate) fn ledger(&self) -> Arc<openclaw_agents::Ledger> {
        self.runner.ledger()
    }

    pub(crate) fn now(&self) -> openclaw_core::Timestamp {
        self.clock.now()
    }

    pub(crate) fn advance_hours(&self, hours: u64) {
        self.clock.advance(Duration::from_secs(hours * 3_600));
    }

    /// Runs a turn for one message that must end with an answer, whose run is stored as the lane
    /// and the ingress do.
    pub(crate) async fn finish(&self, text: &str) {
        let number = self.runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let row = self.input(number, MessageContent::text(text));
        let message = NewMessage {
            id: row.message_id.clone(),
            channel_id: ChannelId::web(),
            direction: Direction::Inbound,
            sender: None,
            chat: row.inbound.conversation.address(),
            content: row.inbound.content.clone(),
            reply_to: None,
            external_id: None,
        };
        let entry = LogEntry {
            session_id: self.session.id.clone(),
            session_key: self.session.session_key.clone(),
            run_id: Some(row.run_id.clone()),
            message: Some(message),
            transcript: None,
            event: None,
            at: self.clock.now(),
        };
        let accepted = NewInput {
            id: row.id.clone(),
            run_id: row.run_id.clone(),
            principal: row.principal.clone(),
            session_id: row.session_id.clone(),
            session_key: row.session_key.clone(),
            message_id: row.message_id.clone(),
            inbound: row.inbound.clone(),
            options: RunOptions::default(),
            reply_back: true,
            state: InputState::Waiting,
            error: None,
            merged_into: None,
            at: row.created_at,
        };
        let batch = Batch::new()
            .with(Write::Append(Box::new(entry)))
            .with(Write::AcceptInput(Box::new(accepted)));
        self.storage.apply(batch).await.expect("accepted");
        let turn = self.turn_of(row.clone()).await;
        let outcome = self.run(turn).await;
        let TurnResult::Done { entry, .. } = outcome.result else {
            panic!("no answer: {:?}", outcome.result)
        };
        self.append(None, entry).await;
        let change = InputChange {
            usage: Some(outcome.usage),
            ..InputChange::new(
                row.id,
                vec![InputState::Waiting],
                InputState::Answered,
                RunStatus::Done,
                self.clock.now(),
            )
        };
        let batch = Batch::new().with(Write::ChangeInput(Box::new(change)));
        self.storage.apply(batch).await.expect("ended");
    }

    /// Runs a turn for one message to its end.
    pub(crate) async fn say(&self, text: &str) -> TurnOutcome {
        let turn = self.turn(MessageContent::text(text)).await;
        self.run(turn).await
    }

    /// Runs a turn for one message that must end with an answer, which is stored as the lane does.
    pub(crate) async fn reply(&self, text: &str) -> String {
        match self.say(text).await.result {
            TurnResult::Done { reply, entry, .. } => {
                self.append(None, entry).await;
                reply
            }
            other => panic!("no answer: {other:?}"),
        }
    }

    pub(crate) async fn run(&self, turn: Turn) -> TurnOutcome {
        tokio::time::timeout(LIMIT, self.runner.run(turn)).await.expect("a turn ends")
    }

    pub(crate) async fn approve_skill(&self, name: &str) {
        let agent = &self.session.agent_id;
        self.runner.approve_skill(&self.config, agent, name).await.expect("a skill");
    }

    pub(crate) async fn context(&self) -> ContextOverview {
        let turn = self.turn(MessageContent::text("/context")).await;
        self.runner.overview(&turn).await.expect("an overview")
    }

    pub(crate) async fn compact(&self, instructions: &str) -> Option<Compacted> {
        let turn = self.turn(MessageContent::text("/compact")).await;
        self.runner.compact(&turn, Some(instructions)).await.expect("compacted")
    }

    /// Runs a turn in the background.
    pub(crate) fn start(&self, turn: Turn) -> tokio::task::JoinHandle<TurnOutcome> {
        let runner = self.runner.clone();
        self.tasks.spawn(async move { runner.run(turn).await })
    }

    /// Waits until no task of a runner is left.
    pub(crate) async fn settle(&self) {
        let settled = async {
            while !self.tasks.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, settled).await.expect("the tasks end");
    }

    /// A turn whose input is stored.
    pub(crate) async fn turn(&self, content: MessageContent) -> Turn {
        let number = self.runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.turn_of(self.input(number, content)).await
    }

    /// Runs a turn of this input that must end with an answer.
    pub(crate) async fn answer(&self, input: InboxRow) -> String {
        let turn = self.turn_of(input).await;
        match self.run(turn).await.result {
            TurnResult::Done { reply, .. } => reply,
            other => panic!("no answer: {other:?}"),
        }
    }

    pub(crate) async fn turn_of(&self, input: InboxRow) -> Turn {
        let run_id = input.run_id.clone();
        let draft =
            self.runner.user_entry(&self.config, &self.session, std::slice::from_ref(&input));
        self.append(Some(run_id.clone()), draft).await;
        Turn {
            run_id,
            session: self.session.clone(),
            inputs: vec![input],
            config: self.config.clone(),
            fence: self.fence.clone(),
            attempt: 1,
            timeout: LIMIT,
            stream: self.stream.clone(),
            steering: Arc::new(NoSteering),
            cancel: CancellationToken::new(),
        }
    }

    pub(crate) fn input(&self, number: usize, content: MessageContent) -> InboxRow {
        let now = self.clock.now();
        InboxRow {
            id: InboxId::new(format!("inbox-{number}")).expect("valid"),
            position: i64::try_from(number).expect("small"),
            run_id: RunId::new(format!("run-{number}")).expect("valid"),
            principal: "owner".to_owned(),
            session_id: self.session.id.clone(),
            session_key: self.session.session_key.clone(),
            message_id: MessageId::new(format!("message-{number}")).expect("valid"),
            inbound: Inbound {
                conversation: Conversation {
                    channel_id: ChannelId::web(),
                    chat_id: self.session.chat_id.clone(),
                    kind: ChatKind::Direct,
                    thread_id: None,
                    title: None,
                },
                external_id: ExternalId::new(format!("external-{number}")).expect("valid"),
                kind: InboundKind::Message,
                sender: Sender {
                    id: self.session.user_id.clone(),
                    display_name: Some("Ann".to_owned()),
                    username: None,
                    roles: Vec::new(),
                    is_bot: false,
                },
                content,
                reply_to: None,
                mentions_self: true,
                sent_at: now,
            },
            options: RunOptions::default(),
            reply_back: true,
            state: InputState::Running,
            status: RunStatus::Running,
            merged_into: None,
            delivered: None,
            reply: None,
            usage: None,
            error: None,
            attempts: 1,
            owner: None,
            lease_until: None,
            fence: None,
            created_at: now,
            started_at: Some(now),
            ended_at: None,
        }
    }

    pub(crate) async fn append(&self, run_id: Option<RunId>, transcript: TranscriptDraft) -> i64 {
        let entry = LogEntry {
            session_id: self.session.id.clone(),
            session_key: self.session.session_key.clone(),
            run_id,
            message: None,
            transcript: Some(transcript),
            event: None,
            at: self.clock.now(),
        };
        let batch = Batch::new().with(Write::Append(Box::new(entry)));
        self.storage.apply(batch).await.expect("stored").seqs[0]
    }

    /// What the lane stores when steered.
    pub(crate) async fn steered(&self, turn: &Turn, number: usize, text: &str) -> TranscriptRow {
        self.steered_by(turn, self.input(number, MessageContent::text(text))).await
    }

    /// What the lane stores when steered with this input.
    pub(crate) async fn steered_by(&self, turn: &Turn, input: InboxRow) -> TranscriptRow {
        let draft = self.runner.user_entry(&self.config, &self.session, &[input]);
        let seq = self.append(Some(turn.run_id.clone()), draft).await;
        let rows = self.transcript().await;
        rows.into_iter().find(|row| row.seq == seq).expect("stored")
    }

    pub(crate) async fn transcript(&self) -> Vec<TranscriptRow> {
        self.storage.transcript_tail(&self.session.id, 100_000, u64::MAX).await.expect("readable")
    }

    /// The kinds of the stored entries, in order.
    pub(crate) async fn kinds(&self) -> Vec<TranscriptKind> {
        self.transcript().await.into_iter().map(|row| row.kind).collect()
    }

    /// The stored `agent.tool` events as `(phase, call, is_error)`.
    pub(crate) async fn tool_events(&self) -> Vec<(String, String, Option<bool>)> {
        let events = self.storage.events_after(&self.session.id, 0, 1_000).await.expect("readable");
        events
            .into_iter()
            .filter(|event| event.topic == "agent.tool")
            .map(|event| event.data.unwrap_or(Value::Null))
            .map(|data| {
                let text = |key: &str| data[key].as_str().unwrap_or_default().to_owned();
                (text("phase"), text("call_id"), data["is_error"].as_bool())
            })
            .collect()
    }

    /// Holds for every test: the server never had to refuse what it was sent.
    pub(crate) fn assert_sound(&self) {
        assert_eq!(self.server.violations(), Vec::<String>::new());
    }
}

pub(crate) struct NoSteering;

#[async_trait]
impl Steering for NoSteering {
    async fn take(&self) -> Vec<TranscriptRow> {
        Vec::new()
    }
}

/// What the test's tools share.
#[derive(Debug, Default)]
pub(crate) struct TestTools {
    pub(crate) waiting: Notify,
    pub(crate) release: Notify,
    pub(crate) counted: std::sync::atomic::AtomicUsize,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AddArgs {
    a: i64,
    b: i64,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct NoArgs {}

macro_rules! tool {
    ($name:ident, $tool:literal, $args:ty, |$this:ident, $context:ident, $given:ident| $body:expr) => {
        #[async_trait]
        impl Tool for $name {
            type Args = $args;
            const NAME: &'static str = $tool;
            const DESCRIPTION: &'static str = "A tool of the tests.";
            const ALIASES: &'static [(&'static str, &'static str)] = &[];

            async fn call(
                &self,
                $context: &ToolContext,
                $given: Self::Args,
            ) -> Result<ToolOutput, ToolError> {
                let $this = self;
                $body
            }
        }
    };
}

#[derive(Debug)]
struct Add;
tool!(Add, "add", AddArgs, |_this, context, args| {
    (context.output)("adding");
    Ok(ToolOutput::text((args.a + args.b).to_string()))
});

#[derive(Debug)]
struct Fail;
tool!(Fail, "fail", NoArgs, |_this, _context, _args| {
    Err(ToolError::RespondToModel("the disk is full".to_owned()))
});

#[derive(Debug)]
struct Break;
tool!(Break, "break", NoArgs, |_this, _context, _args| {
    Err(ToolError::Fatal("the sandbox is gone".to_owned()))
});

/// Waits until it is released or cancelled.
#[derive(Debug)]
struct Wait(Arc<TestTools>);
tool!(Wait, "wait", NoArgs, |this, context, _args| {
    this.0.waiting.notify_one();
    tokio::select! {
        () = this.0.release.notified() => Ok(ToolOutput::text("released")),
        () = context.cancel.cancelled() => Err(ToolError::Cancelled),
    }
});

/// Counts how often it ran.
#[derive(Debug)]
struct Count(Arc<TestTools>);
tool!(Count, "count", NoArgs, |this, _context, _args| {
    let before = this.0.counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    Ok(ToolOutput::text(format!("count {}", before + 1)))
});
