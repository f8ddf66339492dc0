//! A gateway process under test.

mod http;
mod lock;
mod standing_still;
mod telegram;

use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use openclaw_client::{Client, Endpoint, Events, Trust, connect_websocket};
use openclaw_core::Secret;
use openclaw_testkit::model::ModelServer;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

pub(crate) use http::HttpAnswer;
#[allow(unused_imports, reason = "one of the test programs needs it")]
pub(crate) use lock::WriteLock;
pub(crate) use telegram::Telegram;

pub(crate) const TOKEN: &str = "end-to-end-token-of-sufficient-length";
/// For whatever takes no time worth mentioning on an idle machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// A gateway process on a state folder that lives as long as this; killed when dropped.
#[derive(Debug)]
pub(crate) struct TestGateway {
    port: u16,
    child: Child,
    /// Unmounted before the folder goes.
    disk: Option<SmallDisk>,
    folder: TempDir,
}

/// A real file system of a few mebibytes, in memory.
#[derive(Debug)]
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf, mebibytes: u32) -> Self {
        let size = format!("size={mebibytes}m");
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&at)
            .status()
            .expect("mount can be started");
        assert!(mounted.success(), "a tmpfs can be mounted only as root");
        Self(at)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let ended = std::process::Command::new("umount").arg("--lazy").arg(&self.0).status();
        assert!(ended.is_ok_and(|status| status.success()), "{} is left", self.0.display());
    }
}

impl TestGateway {
    /// Starts one that asks this model, with more configuration after it.
    pub(crate) async fn with_model(model: &ModelServer, more: &str) -> Self {
        let config = format!(
            "[agents]\nmodel = \"test/test-model\"\n[models.providers.test]\napi = \"openai-chat\"\nbase_url = \"{}\"\napi_key = \"sk-test\"\n{more}",
            model.base_url()
        );
        Self::with_config(&config).await
    }

    /// Starts one with this configuration.
    pub(crate) async fn with_config(config: &str) -> Self {
        Self::on_disk(config, None).await
    }

    /// Starts one whose state folder is on a disk of so many mebibytes, or on the usual one.
    pub(crate) async fn on_disk(config: &str, mebibytes: Option<u32>) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let state = folder.path().join("state");
        fs::create_dir(&state).expect("the state folder can be made");
        let disk = mebibytes.map(|mebibytes| SmallDisk::mount(state, mebibytes));
        fs::write(folder.path().join("state/openclaw.toml"), config)
            .expect("the configuration can be written");
        let port = free_port();
        let child = spawn(&folder, port);
        let mut gateway = Self { port, child, disk, folder };
        gateway.wait_ready().await;
        gateway
    }

    /// Starts it again on the same state.
    pub(crate) async fn restart(&mut self) {
        assert!(self.child.id().is_none(), "the gateway runs");
        self.child = spawn(&self.folder, self.port);
        self.wait_ready().await;
    }

    /// Ends it as the kernel would for lack of memory.
    pub(crate) async fn kill_hard(&mut self) {
        self.signal(Signal::SIGKILL);
        self.exit_within(LIMIT).await;
    }

    /// Asks it to stop and waits until it is gone.
    pub(crate) async fn terminate(&mut self, limit: Duration) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.exit_within(limit).await
    }

    fn signal(&self, signal: Signal) {
        let id = self.child.id().expect("the gateway runs");
        let pid = Pid::from_raw(i32::try_from(id).expect("a process id fits"));
        kill(pid, signal).expect("the process is ours");
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn exit_within(&mut self, limit: Duration) -> ExitStatus {
        match timeout(limit, self.child.wait()).await {
            Ok(status) => status.expect("the process is ours"),
            Err(_) => panic!("the gateway did not exit in {limit:?}\n{}", self.log()),
        }
    }

    async fn wait_ready(&mut self) {
        let ready = async {
            while !matches!(http::get(self.port, "/ready").await, Ok(answer) if answer.status == 200)
            {
                let ended = self.child.try_wait().expect("the process is ours");
                assert!(ended.is_none(), "the gateway ended: {ended:?}\n{}", self.log());
                tokio::time::sleep(TRY_AGAIN).await;
            }
        };
        if timeout(LIMIT, ready).await.is_err() {
            panic!("the gateway is not ready after {LIMIT:?}\n{}", self.log());
        }
    }

    /// A signed-in WebSocket.
    pub(crate) async fn connect(&self) -> (Client, Events) {
        self.connect_as(Some(TOKEN)).await
    }

    /// A WebSocket with this credential.
    pub(crate) async fn connect_as(&self, token: Option<&str>) -> (Client, Events) {
        let endpoint = Endpoint {
            address: self.address(),
            token: token.map(Secret::new),
            trust: Trust::Plain,
        };
        match connect_websocket(&endpoint).await {
            Ok(transport) => Client::start(transport),
            Err(error) => panic!("cannot connect: {error}\n{}", self.log()),
        }
    }

    /// Posts a body to `/rpc`.
    pub(crate) async fn post_rpc(&self, token: Option<&str>, body: &str) -> HttpAnswer {
        timeout(LIMIT, http::post(self.port, "/rpc", token, body))
            .await
            .expect("the gateway answers in time")
            .expect("the gateway answers")
    }

    /// Posts a body with these headers.
    pub(crate) async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> HttpAnswer {
        timeout(LIMIT, http::post_with(self.port, path, headers, body))
            .await
            .expect("the gateway answers in time")
            .expect("the gateway answers")
    }

    /// Gets a path with these headers.
    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> HttpAnswer {
        timeout(LIMIT, http::get_with(self.port, path, headers))
            .await
            .expect("the gateway answers in time")
            .expect("the gateway answers")
    }

    /// Runs the command line against it.
    pub(crate) async fn openclaw(&self, arguments: &[&str]) -> Output {
        let mut command = command(&self.folder, self.port);
        command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        timeout(LIMIT, command.output())
            .await
            .expect("the command ends in time")
            .expect("the program can be started")
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its port.
    #[allow(dead_code, reason = "only one of the programs that share this needs it")]
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    #[allow(dead_code, reason = "only one of the programs that share this needs it")]
    pub(crate) fn process_id(&self) -> u32 {
        self.child.id().expect("the gateway runs")
    }

    /// Its state folder.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Whether it is on a disk of its own.
    pub(crate) fn has_own_disk(&self) -> bool {
        self.disk.is_some()
    }

    /// Waits until its log holds so many times this.
    pub(crate) async fn wait_for_log(&self, text: &str, times: usize) {
        let waiting = async {
            while self.log().matches(text).count() < times {
                tokio::time::sleep(TRY_AGAIN).await;
            }
        };
        if timeout(LIMIT, waiting).await.is_err() {
            panic!("not {times} times {text:?}\n{}", self.log());
        }
    }

    /// What it has logged since the first start.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(log_file(&self.folder)).unwrap_or_default()
    }
}

/// Runs the command line on a state folder of its own, without a token, with these files in it.
#[allow(dead_code, reason = "only one of the programs that share this needs it")]
pub(crate) async fn run_alone(arguments: &[&str], files: &[(&str, &str)]) -> Output {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let state = folder.path().join("state");
    fs::create_dir(&state).expect("the state folder can be made");
    for (name, text) in files {
        fs::write(state.join(name), text).expect("it can be written");
    }
    let mut command = command(&folder, free_port());
    command.env_remove("OPENCLAW_GATEWAY_TOKEN").args(arguments);
    command.stdin(Stdio::null()).kill_on_drop(true);
    timeout(LIMIT, command.output())
        .await
        .expect("the command ends in time")
        .expect("the program can be started")
}

impl TestGateway {
    /// Runs a command from a shell that knows the state folder and not the port.
    #[allow(dead_code, reason = "only one of the programs that share this needs it")]
    pub(crate) async fn cli_without_port(&self, arguments: &[&str]) -> Output {
        let mut command = command(&self.folder, self.port);
        command.env_remove("OPENCLAW_GATEWAY_PORT").args(arguments);
        command.stdin(Stdio::null()).kill_on_drop(true);
        timeout(LIMIT, command.output())
            .await
            .expect("the command ends in time")
            .expect("the program can be started")
    }
}

fn command(folder: &TempDir, port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_openclaw"));
    command
        .env_clear()
        .env("HOME", folder.path())
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("OPENCLAW_STATE_DIR", folder.path().join("state"))
        .env("OPENCLAW_GATEWAY_TOKEN", TOKEN)
        .env("OPENCLAW_GATEWAY_PORT", port.to_string());
    command
}

fn spawn(folder: &TempDir, port: u16) -> Child {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(log_file(folder))
        .expect("the log can be written");
    command(folder, port)
        .args(["gateway", "run"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .expect("the program can be started")
}

fn log_file(folder: &TempDir) -> PathBuf {
    folder.path().join("gateway.log")
}

pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}
