//! A key that stands in the operating system's keyring: a real one, started for the test.

use std::path::Path;
use std::process::{Output, Stdio};

use openclaw_testkit::model::ModelServer;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::LIMIT;

/// Starts a session bus with an unlocked keyring, puts a secret there, and runs what follows.
const WITH_KEYRING: &str = r#"
printf password | gnome-keyring-daemon --unlock --components=secrets >/dev/null || exit 90
printf %s "$STORED" | secret-tool store --label=test service openclaw username "$ACCOUNT" || exit 91
exec "$@"
"#;

const SECRET: &str = "sk-from-the-keyring";

/// A state folder with a model whose key is in the keyring.
fn state(model: &ModelServer) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let config = format!(
        "[agents]\nmodel = \"test/test-model\"\n[models.providers.test]\napi = \"openai-chat\"\nbase_url = \"{}\"\napi_key = {{ keyring = \"openclaw/test\" }}\n",
        model.base_url()
    );
    std::fs::write(folder.path().join("openclaw.toml"), config).expect("it can be written");
    folder
}

/// Runs with this home, which is the state folder too, and nothing else of ours.
async fn run(mut command: Command, home: &Path) -> Output {
    let path = "/usr/local/bin:/usr/bin:/bin";
    command.env("HOME", home).env("OPENCLAW_STATE_DIR", home).env("XDG_RUNTIME_DIR", home);
    command.env("PATH", path).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(LIMIT, command.output()).await.expect("it ends in time");
    output.expect("openclaw and dbus-run-session can be started")
}

/// Runs a turn with a keyring that has the secret under this account.
async fn run_with_keyring(account: &str, home: &Path) -> Output {
    let mut command = Command::new("dbus-run-session");
    command.args(["--", "sh", "-c", WITH_KEYRING, "sh", env!("CARGO_BIN_EXE_openclaw")]);
    command.args(["agent", "run", "--message", "hello"]);
    command.env_clear().env("STORED", SECRET).env("ACCOUNT", account);
    run(command, home).await
}

#[tokio::test]
async fn a_key_is_read_from_the_keyring() {
    let model = ModelServer::start().await;
    let folder = state(&model);
    let output = run_with_keyring("test", folder.path()).await;
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("You said: hello"), "{output:?}");
    let request = model.last_request();
    assert_eq!(request.header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
}

#[tokio::test]
async fn an_entry_that_is_missing_is_told() {
    let model = ModelServer::start().await;
    let folder = state(&model);
    let output = run_with_keyring("somebody-else", folder.path()).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("openclaw.toml:6:11: models.providers.test.api_key"), "{said}");
    assert!(said.contains("the keyring has no such entry"), "{said}");
}

#[tokio::test]
async fn a_machine_without_a_keyring_is_told() {
    let model = ModelServer::start().await;
    let folder = state(&model);
    let mut command = Command::new(env!("CARGO_BIN_EXE_openclaw"));
    command.args(["agent", "run", "--message", "hello"]).env_clear();
    let output = run(command, folder.path()).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("no keyring is available here"), "{said}");
    assert!(model.requests().is_empty());
}
