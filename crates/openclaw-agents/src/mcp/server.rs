use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use openclaw_config::{ExecAsk, McpServer, McpTransport};
use openclaw_tools::commands::{CommandPlan, CommandRules};
use openclaw_tools::{ToolContext, ToolDefinition, ToolError, ToolOutput, ToolPolicy};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::foreign::{self, ForeignTool};
use super::program::Place;
use super::servers::Shared;
use super::{McpError, outcome, schema, stored};

/// A connection that ends sooner counts as one that failed.
const SOON: Duration = Duration::from_secs(30);

/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// How long the start of a turn waits for a server whose tools are not known.
const LEARN_LIMIT: Duration = Duration::from_secs(20);

/// One server of the configuration: started when it is needed.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) settings: McpServer,
    pub(super) place: Place,
    shared: Arc<Shared>,
    /// What the configuration says of its tools.
    rules: ToolPolicy,
    link: Mutex<Link>,
    tools: RwLock<Option<Arc<[Offer]>>>,
    is_refreshing: AtomicBool,
    gone: CancellationToken,
}

/// A tool and what models are offered of it.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    tool: ForeignTool,
    pub(super) definition: ToolDefinition,
}

#[derive(Debug, Default)]
struct Link {
    connection: Option<Arc<Connection>>,
    /// Failures since it last worked.
    failures: u32,
    paused_until: Option<Instant>,
    why: String,
}

impl Link {
    fn failed(&mut self, why: String) {
        self.failures = self.failures.saturating_add(1);
        let pause = Duration::from_secs(1 << self.failures.saturating_sub(1).min(10));
        self.paused_until = Some(Instant::now() + pause.min(LONGEST_PAUSE));
        self.why = why;
    }
}

impl Server {
    pub(super) fn new(settings: McpServer, place: Place, shared: Arc<Shared>) -> Self {
        let name = format!("mcp.servers.{}.tools", settings.name);
        let rules = ToolPolicy::allow_all().and(name, &settings.allow, &settings.deny);
        Self {
            settings,
            place,
            shared,
            rules,
            link: Mutex::default(),
            tools: RwLock::default(),
            is_refreshing: AtomicBool::default(),
            gone: CancellationToken::new(),
        }
    }

    /// Whether it is the same server: what differs in the rest of the settings restarts it.
    pub(super) fn is(&self, settings: &McpServer, place: &Place) -> bool {
        let same_place = match settings.transport {
            McpTransport::Stdio(_) => self.place == *place,
            McpTransport::Http(_) => true,
        };
        same_place && self.settings == *settings
    }

    /// What is offered of it, as far as that is known.
    pub(super) fn offers(&self) -> Option<Arc<[Offer]>> {
        self.tools.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Finds out which tools it has: from the last time, else by starting it.
    pub(super) async fn learn(self: &Arc<Self>) {
        if self.offers().is_some() {
            return;
        }
        if let Some(tools) = stored::load(self.shared.storage.as_ref(), &self.settings).await {
            self.offer(tools);
            return;
        }
        let server = &self.settings.name;
        match tokio::time::timeout(LEARN_LIMIT, self.connection()).await {
            Ok(Ok(_)) => {}
            Ok(Err(McpError::Paused { .. } | McpError::Gone)) => {}
            Ok(Err(error)) => {
                tracing::warn!(server, %error, "the tools of an MCP server are not known: {error}")
            }
            Err(_) => tracing::warn!(
                server,
                "an MCP server takes long to start; its tools are not known yet"
            ),
        }
    }

    /// Runs one call.
    pub(super) async fn call(
        self: &Arc<Self>,
        context: &ToolContext,
        name: &str,
        arguments: Value,
    ) -> Result<ToolOutput, ToolError> {
        let arguments = object(name, arguments)?;
        // A tool that is not known may be new, or the list may not have been had yet.
        let tool = match self.find(name) {
            Some(tool) => tool,
            None if self.offers().is_none() => {
                self.connected(context).await?;
                self.find(name).ok_or_else(|| ToolError::Unknown(name.to_owned()))?
            }
            None => return Err(ToolError::Unknown(name.to_owned())),
        };
        let given = Value::Object(arguments.clone());
        schema::problems(&tool.schema, &given)
            .map_err(|message| ToolError::InvalidArguments { tool: name.to_owned(), message })?;
        self.approved(context, name, &given).await?;
        let connection = self.connected(context).await?;
        let ended = tokio::select! {
            biased;
            () = context.cancel.cancelled() => return Err(ToolError::Cancelled),
            ended = connection.call(&tool.name, arguments) => ended,
        };
        match ended {
            Ok(result) => {
                self.link.lock().await.failures = 0;
                outcome::output(&self.settings.name, result, &self.shared.media).await
            }
            Err(error) => {
                if matches!(error, McpError::Lost(_) | McpError::SignInNeeded { .. }) {
                    self.drop_connection(&connection).await;
                }
                let note = match error {
                    McpError::Lost(_) | McpError::TimedOut { .. } => {
                        "; the call may or may not have taken effect"
                    }
                    _ => "",
                };
                Err(self.told(&error, note))
            }
        }
    }

    /// Ends it. Whoever holds it gets errors from now on.
    pub(super) async fn close(&self) {
        self.gone.cancel();
        let connection = self.link.lock().await.connection.take();
        if let Some(connection) = connection {
            connection.close().await;
        }
    }

    fn find(&self, name: &str) -> Option<ForeignTool> {
        let offers = self.offers()?;
        offers.iter().find(|offer| offer.definition.name == name).map(|offer| offer.tool.clone())
    }

    fn offer(&self, tools: Vec<ForeignTool>) {
        let server = &self.settings.name;
        let offers = tools.into_iter().filter(|tool| tool.is_allowed(&self.rules));
        let offers: Arc<[Offer]> =
            offers.map(|tool| Offer { definition: tool.definition(server), tool }).collect();
        *self.tools.write().unwrap_or_else(PoisonError::into_inner) = Some(offers);
    }

    async fn approved(
        &self,
        context: &ToolContext,
        name: &str,
        arguments: &Value,
    ) -> Result<(), ToolError> {
        if self.settings.ask == ExecAsk::Off {
            return Ok(());
        }
        let rules = CommandRules { ask: self.settings.ask, ..(*context.commands).clone() };
        let context = ToolContext { commands: Arc::new(rules), ..context.clone() };
        let plan = CommandPlan {
            argv: vec![name.to_owned(), arguments.to_string()],
            shell: false,
            cwd: format!("the MCP server {}", self.settings.name),
            env: Vec::new(),
            files: Vec::new(),
            sandboxed: false,
            hosts: Vec::new(),
            paths: Vec::new(),
            image: None,
        };
        self.shared.approvals.clear(&context, plan).await.map(drop)
    }

    async fn connected(
        self: &Arc<Self>,
        context: &ToolContext,
    ) -> Result<Arc<Connection>, ToolError> {
        tokio::select! {
            biased;
            () = context.cancel.cancelled() => Err(ToolError::Cancelled),
            connection = self.connection() => connection.map_err(|error| self.told(&error, "")),
        }
    }

    fn told(&self, error: &McpError, note: &str) -> ToolError {
        tracing::info!(server = self.settings.name, %error, "an MCP server could not be used");
        ToolError::RespondToModel(format!("the MCP server {}: {error}{note}", self.settings.name))
    }

    /// The connection that there is, else a new one.
    async fn connection(self: &Arc<Self>) -> Result<Arc<Connection>, McpError> {
        let mut link = self.link.lock().await;
        if self.gone.is_cancelled() {
            return Err(McpError::Gone);
        }
        if let Some(connection) = &link.connection {
            if !connection.is_closed() {
                return Ok(connection.clone());
            }
            let ended = connection.clone();
            link.connection = None;
            if ended.since.elapsed() < SOON {
                link.failed("it ended soon after its start".to_owned());
            }
            ended.close().await;
        }
        if let Some(until) = link.paused_until
            && let Some(left) = until.checked_duration_since(Instant::now())
        {
            let seconds = left.as_secs().max(1);
            return Err(McpError::Paused { seconds, why: link.why.clone() });
        }
        let attempt = tokio::select! {
            () = self.gone.cancelled() => return Err(McpError::Gone),
            attempt = self.connect() => attempt,
        };
        match attempt {
            Ok(connection) => {
                let connection = Arc::new(connection);
                link.connection = Some(connection.clone());
                link.paused_until = None;
                Ok(connection)
            }
            Err(error) => {
                link.failed(error.to_string());
                Err(error)
            }
        }
    }

    async fn connect(self: &Arc<Self>) -> Result<Connection, McpError> {
        let weak = Arc::downgrade(self);
        let changed = Arc::new(move || {
            if let Some(server) = weak.upgrade() {
                server.refresh();
            }
        });
        let began = Instant::now();
        let connector = &self.shared.connector;
        let connection = connector.connect(&self.settings, &self.place, changed).await?;
        if let Err(error) = self.read_tools(&connection).await {
            connection.close().await;
            return Err(error);
        }
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(server = self.settings.name, took_ms, "an MCP server is connected");
        Ok(connection)
    }

    async fn read_tools(&self, connection: &Connection) -> Result<(), McpError> {
        let tools = foreign::tools(&self.settings.name, connection.list().await?);
        stored::save(self.shared.storage.as_ref(), &self.settings, &tools).await;
        self.offer(tools);
        Ok(())
    }

    /// Reads the tools again, in the background; once at a time.
    fn refresh(self: &Arc<Self>) {
        if self.gone.is_cancelled() || self.is_refreshing.swap(true, Ordering::AcqRel) {
            return;
        }
        let server = self.clone();
        self.shared.connector.tasks.spawn(async move {
            // What changes while this reads is told again.
            server.is_refreshing.store(false, Ordering::Release);
            let connection = server.link.lock().await.connection.clone();
            let Some(connection) = connection else { return };
            if let Err(error) = server.read_tools(&connection).await {
                tracing::warn!(server = server.settings.name, %error, "the tools of an MCP server could not be read again");
            }
        });
    }

    async fn drop_connection(&self, connection: &Arc<Connection>) {
        let mut link = self.link.lock().await;
        let is_this = link.connection.as_ref().is_some_and(|own| Arc::ptr_eq(own, connection));
        if !is_this {
            return;
        }
        link.connection = None;
        if connection.since.elapsed() < SOON {
            link.failed("it ended soon after its start".to_owned());
        }
        drop(link);
        connection.close().await;
    }
}

/// A model's arguments as an object; models give them as a string at times.
fn object(name: &str, arguments: Value) -> Result<Map<String, Value>, ToolError> {
    match arguments {
        Value::Object(map) => return Ok(map),
        Value::Null => return Ok(Map::new()),
        Value::String(text) if text.trim().is_empty() => return Ok(Map::new()),
        Value::String(text) => {
            if let Ok(Value::Object(map)) = serde_json::from_str(&text) {
                return Ok(map);
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => {}
    }
    let message = "an object is needed".to_owned();
    Err(ToolError::InvalidArguments { tool: name.to_owned(), message })
}
