//! A gateway process under measurement.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use openclaw_client::{Client, Endpoint, Events, Trust, connect_websocket};
use openclaw_core::{RunId, Secret, SessionKey};
use openclaw_protocol::event::topic;
use openclaw_protocol::methods::{AgentRun, AgentRunParams, NoParams, Ping};
use tokio::time::Instant;

const TOKEN: &str = "bench-token-of-sufficient-length";
const READY_LIMIT: Duration = Duration::from_secs(30);

/// A running gateway; killed when dropped.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    address: String,
    state: PathBuf,
    /// From start to the first authenticated answer.
    pub ready_after: Duration,
}

impl Gateway {
    /// Starts the program on a fresh state folder, with a model at this port.
    ///
    /// # Errors
    /// When it cannot be started or does not answer in 30 s.
    pub async fn start(program: &Path, model_port: u16) -> Result<Self> {
        let state = std::env::temp_dir().join(format!(
            "openclaw-bench-{}-{}",
            std::process::id(),
            free_port()?
        ));
        std::fs::create_dir_all(&state)?;
        let config = format!(
            "[gateway]\nmax_connections = 20000\n[gateway.rate_limit]\nrequests_per_second = 0\n[agents]\nmodel = \"mock/mock-1\"\n[models.providers.mock]\napi = \"openai-chat\"\nbase_url = \"http://127.0.0.1:{model_port}/v1\"\napi_key = \"sk-mock\"\n"
        );
        std::fs::write(state.join("openclaw.toml"), config)?;
        Self::start_in(program, state).await
    }

    async fn start_in(program: &Path, state: PathBuf) -> Result<Self> {
        let port = free_port()?;
        let log = std::fs::File::create(state.join("gateway.log"))?;
        let began = Instant::now();
        let child = Command::new(program)
            .args(["gateway", "run", "--port", &port.to_string()])
            .env_clear()
            .env("HOME", &state)
            .env("OPENCLAW_STATE_DIR", &state)
            .env("OPENCLAW_GATEWAY_TOKEN", TOKEN)
            .env("OPENCLAW_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut gateway = Self {
            child,
            address: format!("127.0.0.1:{port}"),
            state,
            ready_after: Duration::ZERO,
        };
        loop {
            if let Ok((client, _events)) = gateway.connect().await {
                client.call::<Ping>(&NoParams {}).await?;
                gateway.ready_after = began.elapsed();
                return Ok(gateway);
            }
            if began.elapsed() > READY_LIMIT {
                bail!(
                    "the gateway did not answer; see {}",
                    gateway.state.join("gateway.log").display()
                );
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Puts a file into the workspace.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, name: &str, text: &str) -> Result<()> {
        let folder = self.state.join("workspace");
        std::fs::create_dir_all(&folder)?;
        Ok(std::fs::write(folder.join(name), text)?)
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A signed-in connection.
    ///
    /// # Errors
    /// When nothing listens.
    pub async fn connect(&self) -> Result<(Client, Events)> {
        let endpoint = Endpoint {
            address: self.address.clone(),
            token: Some(Secret::new(TOKEN)),
            trust: Trust::Plain,
        };
        Ok(Client::start(connect_websocket(&endpoint).await?))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let ended = self.child.kill().and_then(|()| self.child.wait().map(|_| ()));
        let removed = std::fs::remove_dir_all(&self.state);
        if ended.is_err() || removed.is_err() {
            left_behind(&self.state);
        }
    }
}

/// One connection that asks for turns.
#[derive(Debug)]
pub struct Talker {
    client: Client,
    events: Events,
    next: u64,
    name: String,
}

impl Talker {
    /// Connects under a name that makes its run ids unique.
    ///
    /// # Errors
    /// When nothing listens.
    pub async fn connect(gateway: &Gateway, name: &str) -> Result<Self> {
        let (client, events) = gateway.connect().await?;
        Ok(Self { client, events, next: 0, name: name.to_owned() })
    }

    /// Runs one turn to its end.
    ///
    /// # Errors
    /// When it fails or the connection is lost.
    pub async fn turn(&mut self, session: &SessionKey) -> Result<()> {
        self.say(session, "hello").await
    }

    /// Runs one turn that begins with this message to its end.
    ///
    /// # Errors
    /// When it fails or the connection is lost.
    pub async fn say(&mut self, session: &SessionKey, message: &str) -> Result<()> {
        self.next += 1;
        let run_id = RunId::new(format!("{}-{}", self.name, self.next))?;
        let params = AgentRunParams {
            message: message.to_owned(),
            session_key: Some(session.clone()),
            idempotency_key: Some(run_id.clone()),
            ..AgentRunParams::default()
        };
        self.client.call::<AgentRun>(&params).await?;
        loop {
            let event = self.events.next().await.context("the connection was lost")?;
            if event.run_id.as_ref() != Some(&run_id) {
                continue;
            }
            match event.topic.as_ref() {
                topic::AGENT_DONE => return Ok(()),
                topic::AGENT_ERROR => bail!("a turn failed: {}", event.data),
                _ => {}
            }
        }
    }

    /// The connection.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

/// A session key for measurements.
///
/// # Errors
/// Never for numbers.
pub fn session(number: u64) -> Result<SessionKey> {
    Ok(SessionKey::parse(&format!("agent:main:bench:{number}"))?)
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

#[expect(clippy::print_stderr, reason = "a measuring program talks to whoever runs it")]
fn left_behind(state: &Path) {
    eprintln!("the gateway under measurement left something behind in {}", state.display());
}
