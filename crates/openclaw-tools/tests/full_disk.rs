//! Alone in its process: the largest file the process may write stands in for a full disk.

mod support;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use support::Bench;
use tokio::signal::unix::SignalKind;

#[tokio::test]
async fn a_failed_write_leaves_the_old_file() {
    let bench = Bench::new();
    bench.put("full/file", "old");
    // Without this the signal that goes with the limit would end the process.
    let mut signals = tokio::signal::unix::signal(SignalKind::from_raw(25)).expect("SIGXFSZ");
    let before = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: Some(4096), ..before }).expect("limited");
    let arguments = json!({"path": "full/file", "content": "n".repeat(100_000)});
    let outcome = bench.call("write", arguments).await;
    setrlimit(Resource::Fsize, before).expect("as before");
    signals.recv().await.expect("the limit was met");
    let message = outcome.expect_err("the disk is full").to_string();
    assert!(message.starts_with("cannot write full/file: File too large"), "{message}");
    assert_eq!(bench.get("full/file"), "old");
    assert_eq!(std::fs::read_dir(bench.root().join("full")).expect("listed").count(), 1);
}
