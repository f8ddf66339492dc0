use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{SinkExt as _, StreamExt as _};
use openclaw_agents::Desk;
use openclaw_agents::Ledger;
use openclaw_agents::memory::{Memory, MemoryDeps};
use openclaw_agents::model::{ModelHttp, Models, RetryPolicy};
use openclaw_agents::schedule::{Jobs, JobsDeps};
use openclaw_channel_traits::ChannelFactory;
use openclaw_config::{ChannelTable, Config, Environment, LoadRequest, NoChannels, validate_text};
use openclaw_core::{ChannelKind, Secret, SystemClock, SystemIds, SystemRng, Timestamp};
use openclaw_errors::OpenClawError;
use openclaw_gateway::auth::{Authenticator, Grant, Principal};
use openclaw_gateway::lifecycle::{CommitFan, ConfigSource, Gateway, Parts};
use openclaw_gateway::rpc::{Caller, answer};
use openclaw_gateway::server::{Server, ServerLimits, ServerOptions, Serving};
use openclaw_gateway::tools::GatewayHandle;
use openclaw_gateway::{GatewayState, Identity};
use openclaw_media::{Fetcher, MediaStore};
use openclaw_protocol::{Scope, ScopeSet};
use openclaw_storage::Storage;
use openclaw_storage::memory::MemoryStorage;
use openclaw_tools::approvals::Approvals;
use openclaw_tools::{Tool, ToolContext, ToolError, ToolOutput, ToolRegistry};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::channel::FakeChannel;
use crate::runner::EchoRunner;

pub(crate) const TOKEN: &str = "correct horse battery staple";
/// Longer than anything here takes, shorter than a person waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway on a port of its own, with everything in memory.
pub(crate) struct TestGateway {
    pub(crate) state: Arc<GatewayState>,
    pub(crate) runner: Arc<EchoRunner>,
    pub(crate) source: Arc<SettableSource>,
    pub(crate) port: u16,
    pub(crate) serving: Serving,
    _gateway: Gateway,
    _media: tempfile::TempDir,
}

/// A configuration that tests replace.
#[derive(Debug)]
pub(crate) struct SettableSource(Mutex<Arc<Config>>);

impl SettableSource {
    pub(crate) fn change(&self, change: impl FnOnce(&mut Config)) {
        let mut config = self.0.lock().expect("not poisoned");
        let mut changed = Config::clone(&config);
        change(&mut changed);
        *config = Arc::new(changed);
    }
}

#[async_trait]
impl ConfigSource for SettableSource {
    async fn load(&self) -> Result<Arc<Config>, Vec<String>> {
        Ok(self.0.lock().expect("not poisoned").clone())
    }

    async fn keep(&self) {}

    fn get(&self, key: Option<&str>) -> Result<Value, OpenClawError> {
        Ok(json!({ "asked": key }))
    }

    async fn set(
        &self,
        _: &str,
        _: Option<&Value>,
        author: &str,
    ) -> Result<PathBuf, OpenClawError> {
        Ok(PathBuf::from(format!("/by/{author}")))
    }

    async fn change(
        &self,
        _: &[(String, Option<Value>)],
        author: &str,
    ) -> Result<PathBuf, OpenClawError> {
        Ok(PathBuf::from(format!("/by/{author}")))
    }

    fn schema(&self) -> Value {
        json!({ "type": "object" })
    }
}

/// A tool that says what it was given.
#[derive(Debug)]
struct Echo;

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
struct EchoArgs {
    text: String,
}

#[async_trait]
impl Tool for Echo {
    type Args = EchoArgs;
    const NAME: &'static str = "echo";
    const DESCRIPTION: &'static str = "Says what it was given.";
    const ALIASES: &'static [(&'static str, &'static str)] = &[];

    async fn call(&self, _: &ToolContext, args: EchoArgs) -> Result<ToolOutput, ToolError> {
        match args.text.as_str() {
            "wrong" => Err(ToolError::RespondToModel("that is wrong".to_owned())),
            "panic" => panic!("asked to"),
            text => Ok(ToolOutput::text(text)),
        }
    }
}

impl TestGateway {
    pub(crate) async fn start() -> Self {
        Self::with("", ServerLimits::default()).await
    }

    /// With a configuration and limits.
    pub(crate) async fn with(toml: &str, limits: ServerLimits) -> Self {
        Self::assembled(toml, limits, Arc::new(FakeChannel::new("fake", false))).await
    }

    /// With another channel in the place of `fake`.
    pub(crate) async fn with_channel(fake: Arc<dyn ChannelFactory>) -> Self {
        Self::assembled("", ServerLimits::default(), fake).await
    }

    async fn assembled(toml: &str, limits: ServerLimits, fake: Arc<dyn ChannelFactory>) -> Self {
        let fan = Arc::new(CommitFan::new());
        let storage = Arc::new(MemoryStorage::new(Arc::new(SystemClock), fan.clone()));
        Self::on(storage, fan, toml, limits, fake).await
    }

    /// Another gateway on the same store.
    pub(crate) async fn again(&self) -> Self {
        let fake = Arc::new(FakeChannel::new("fake", false));
        let storage = self.state.storage.clone();
        Self::on(storage, Arc::new(CommitFan::new()), "", ServerLimits::default(), fake).await
    }

    async fn on(
        storage: Arc<dyn Storage>,
        fan: Arc<CommitFan>,
        toml: &str,
        limits: ServerLimits,
        fake: Arc<dyn ChannelFactory>,
    ) -> Self {
        let environment = Environment::new([], "/nowhere", "/nowhere");
        let text = format!("[gateway]\nport = 0\n{toml}");
        let request = LoadRequest::new(&environment, &NoChannels);
        let loaded = validate_text(&request, &text).expect("the configuration is good");
        let mut config = Config::clone(&loaded.config);
        config.channels = ["web", "fake"]
            .map(|kind| ChannelKind::new(kind).expect("valid"))
            .map(|kind| {
                let table = ChannelTable::from_toml(kind.clone(), "", &environment);
                (kind, table.expect("an empty table"))
            })
            .into_iter()
            .collect::<BTreeMap<_, _>>();
        let config = Arc::new(config);
        let media = tempfile::tempdir().expect("a folder");
        let runner = Arc::new(EchoRunner::default());
        let source = Arc::new(SettableSource(Mutex::new(config.clone())));
        let ledger = Arc::new(Ledger::new(storage.clone(), jiff::tz::TimeZone::UTC));
        drop(rustls::crypto::ring::default_provider().install_default());
        let memory = Memory::new(MemoryDeps {
            storage: storage.clone(),
            clock: Arc::new(SystemClock),
            rng: Arc::new(SystemRng),
            config: config.clone(),
        });
        let (clock, ids) = (Arc::new(SystemClock), Arc::new(SystemIds));
        let jobs = Jobs::new(JobsDeps {
            storage: storage.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            zone: jiff::tz::TimeZone::UTC,
        });
        let desk = Desk::new(storage.clone(), Arc::new(SystemClock), Arc::new(SystemIds));
        let gateway = Gateway::assemble(Parts {
            contexts: Arc::new(openclaw_agents::NoContexts),
            skills: Arc::new(openclaw_agents::NoContexts),
            desk,
            handle: GatewayHandle::default(),
            config,
            jobs: Arc::new(jobs),
            fetcher: Fetcher::builder().build().expect("a client"),
            source: source.clone(),
            storage,
            fan,
            runner: runner.clone(),
            models: Arc::new(Models::new(
                ModelHttp::new(Default::default()),
                Arc::new(SystemRng),
                RetryPolicy::default(),
            )),
            ledger,
            tools: Arc::new(
                ToolRegistry::builder()
                    .with(Echo)
                    .asking(Arc::new(Approvals::new(Arc::new(SystemClock), Arc::new(SystemIds))))
                    .build(),
            ),
            memory,
            factories: vec![Arc::new(FakeChannel::new("web", true)), fake],
            media: Arc::new(MediaStore::new(media.path())),
            clock,
            ids,
            rng: Arc::new(SystemRng),
            time_zone: jiff::tz::TimeZone::UTC,
            identity: Identity {
                gateway_id: "gateway".to_owned(),
                version: "0.0.0",
                started_at: Timestamp::from_millis(0),
                pid: std::process::id(),
            },
        })
        .expect("assembles");
        let state = gateway.state().clone();
        let options = ServerOptions { token: Secret::new(TOKEN) };
        let server = Server::bind_with(state.clone(), options, limits).await.expect("binds");
        let port = server.address().expect("bound").port();
        gateway.start().await.expect("starts");
        let serving = server.start();
        Self { state, runner, source, port, serving, _gateway: gateway, _media: media }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.expect("connects")
    }

    /// Sends raw bytes and reads the answer until the connection ends.
    pub(crate) async fn raw(&self, request: &[u8]) -> Reply {
        let mut stream = self.connect().await;
        stream.write_all(request).await.expect("sends");
        Reply::read(&mut stream).await
    }

    /// One request with `Connection: close`.
    pub(crate) async fn http(&self, head: &str, headers: &[&str], body: &str) -> Reply {
        self.raw(request(head, headers, body).as_bytes()).await
    }

    /// A signed-in call over HTTP.
    pub(crate) async fn post(&self, body: &str) -> Reply {
        let bearer = format!("Authorization: Bearer {TOKEN}");
        self.http("POST /rpc", &["Host: localhost", &bearer], body).await
    }

    /// A signed-in socket.
    pub(crate) async fn socket(&self) -> TestSocket {
        self.open(Some(TOKEN)).await.expect("upgrades")
    }

    pub(crate) async fn anonymous(&self) -> TestSocket {
        self.open(None).await.expect("upgrades")
    }

    /// A socket, or the status of the refusal.
    pub(crate) async fn open(&self, token: Option<&str>) -> Result<TestSocket, u16> {
        let mut request =
            format!("ws://127.0.0.1:{}/ws", self.port).into_client_request().expect("valid");
        if let Some(token) = token {
            let value = format!("Bearer {token}").parse().expect("valid");
            request.headers_mut().insert("authorization", value);
        }
        match client_async(request, self.connect().await).await {
            Ok((socket, _)) => Ok(TestSocket { socket, next_id: 1, events: Vec::new() }),
            Err(tokio_tungstenite::tungstenite::Error::Http(reply)) => Err(reply.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Calls as a principal of these scopes, past the port.
    pub(crate) async fn call_as(
        &self,
        name: &str,
        scopes: &[Scope],
        method: &str,
        params: Value,
    ) -> Value {
        let principal =
            Principal::new(name, scopes.iter().copied().collect::<ScopeSet>(), Grant::lasting());
        let authenticator = Authenticator::new(
            &Secret::new(TOKEN),
            self.state.credentials.clone(),
            Arc::new(SystemClock),
        );
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let caller = Caller::new(address, None, Arc::new(authenticator), Some(principal));
        let text = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answered = answer(&self.state, &Arc::new(caller), &text.to_string()).await;
        serde_json::from_str(&answered.expect("an answer")).expect("JSON")
    }

    /// Calls as the owner over HTTP; the result, else the error.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Result<Value, Value> {
        let text = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        outcome(self.post(&text.to_string()).await.json())
    }
}

/// The code of a call's error.
pub(crate) fn code(outcome: Result<Value, Value>) -> i64 {
    outcome.expect_err("an error")["code"].as_i64().expect("a code")
}

pub(crate) fn outcome(answer: Value) -> Result<Value, Value> {
    match answer.get("error") {
        Some(error) => Err(error.clone()),
        None => Ok(answer["result"].clone()),
    }
}

pub(crate) fn request(head: &str, headers: &[&str], body: &str) -> String {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    format!(
        "{head} HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let read = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("ends in time");
        if bytes.is_empty() {
            read.expect("an answer");
        }
        let text = String::from_utf8(bytes).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}"));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Self { status: status.expect("a status"), headers, body: body.to_owned() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub(crate) fn error_code(&self) -> i64 {
        self.json()["error"]["code"].as_i64().unwrap_or_else(|| panic!("{self:?}"))
    }
}

/// A client's socket.
pub(crate) struct TestSocket {
    pub(crate) socket: WebSocketStream<TcpStream>,
    next_id: u64,
    /// Events that came while an answer was waited for.
    pub(crate) events: Vec<Value>,
}

/// What a socket brings.
#[derive(Debug, PartialEq)]
pub(crate) enum Brought {
    Text(Value),
    Close(Option<u16>),
}

impl TestSocket {
    pub(crate) async fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.expect("sends");
    }

    /// Sends a call without waiting; gives its id.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let text = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.say(&text.to_string()).await;
        id
    }

    /// Calls and waits for the answer; events before it are kept.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.ask(method, params).await;
        self.answer_to(id).await
    }

    pub(crate) async fn answer_to(&mut self, id: u64) -> Result<Value, Value> {
        loop {
            match self.next().await {
                Brought::Text(text) if text["id"] == id => return outcome(text),
                Brought::Text(text) if text["method"] == "event" => {
                    self.events.push(text["params"].clone());
                }
                other => panic!("instead of the answer to {id}: {other:?}"),
            }
        }
    }

    /// The next event of this topic; others before it are dropped.
    pub(crate) async fn event(&mut self, topic: &str) -> Value {
        if let Some(at) = self.events.iter().position(|event| event["topic"] == topic) {
            return self.events.drain(..=at).next_back().expect("there");
        }
        self.events.clear();
        loop {
            match self.next().await {
                Brought::Text(text) if text["params"]["topic"] == topic => {
                    return text["params"].clone();
                }
                Brought::Text(_) => {}
                other => panic!("instead of {topic}: {other:?}"),
            }
        }
    }

    pub(crate) async fn next(&mut self) -> Brought {
        loop {
            let next = timeout(PATIENCE, self.socket.next()).await.expect("something in time");
            match next {
                Some(Ok(Message::Text(text))) => {
                    return Brought::Text(serde_json::from_str(&text).expect("JSON"));
                }
                Some(Ok(Message::Close(frame))) => {
                    return Brought::Close(frame.map(|frame| u16::from(frame.code)));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Brought::Close(None),
            }
        }
    }

    /// Waits for the end and gives its code; texts before it are dropped.
    pub(crate) async fn end(&mut self) -> Option<CloseCode> {
        loop {
            if let Brought::Close(code) = self.next().await {
                return code.map(CloseCode::from);
            }
        }
    }
}
