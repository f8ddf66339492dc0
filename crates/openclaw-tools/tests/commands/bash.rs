use std::time::Duration;

use openclaw_tools::ToolError;
use serde_json::json;
use tokio::time::Instant;

use crate::support::Bench;

#[tokio::test]
async fn a_result_is_the_output_and_how_it_ended() {
    let bench = Bench::new();
    assert_eq!(bench.bash("echo hello").await, "hello\n[exit 0]");
    assert_eq!(bench.bash("echo out; echo err >&2; exit 3").await, "out\nerr\n[exit 3]");
    assert_eq!(bench.bash("true").await, "[exit 0]");
    assert_eq!(bench.bash("no-such-program").await.lines().last(), Some("[exit 127]"));
    assert_eq!(bench.bash("kill -KILL $$").await, "[exit 137]");
    let old = bench.call("exec", json!({"cmd": "pwd", "cwd": "."})).await.expect("it runs");
    assert_eq!(old, "/workspace\n[exit 0]");
}

#[tokio::test]
async fn a_folder_can_be_chosen() {
    let bench = Bench::new();
    std::fs::create_dir(bench.root().join("sub")).expect("made");
    for (folder, expected) in
        [("sub", "/workspace/sub"), ("/workspace/sub", "/workspace/sub"), ("/tmp", "/tmp")]
    {
        let arguments = json!({"command": "pwd", "workdir": folder});
        let text = bench.call("bash", arguments).await.expect("it runs");
        assert_eq!(text, format!("{expected}\n[exit 0]"));
    }
    for folder in ["..", "missing", "sub/../../.."] {
        let outcome = bench.call("bash", json!({"command": "pwd", "workdir": folder})).await;
        assert!(matches!(outcome, Err(ToolError::RespondToModel(_))), "{folder}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_ended() {
    let bench = Bench::new();
    let began = Instant::now();
    let arguments = json!({"command": "echo begun; trap '' TERM; sleep 600", "timeout": 1});
    let text = bench.call("bash", arguments).await.expect("it runs");
    assert_eq!(text, "begun\n[timed out]");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn the_configured_limit_cannot_be_exceeded() {
    let mut bench = Bench::new();
    bench.rules.timeout = Duration::from_secs(1);
    let arguments = json!({"command": "sleep 600", "timeout_seconds": 1000});
    assert_eq!(bench.call("bash", arguments).await.expect("it runs"), "[timed out]");
}

#[tokio::test]
async fn memory_is_told() {
    let mut bench = Bench::new();
    bench.rules.limits.memory_bytes = 64 * 1024 * 1024;
    let text = bench.bash("x=$(head -c 400000000 /dev/zero | tr '\\0' x); echo ${#x}").await;
    assert_eq!(text.lines().last(), Some("[killed: memory]"), "{text}");
}

#[tokio::test]
async fn cancelling_ends_all_of_it_within_a_quarter_of_a_second() {
    let bench = Bench::new();
    let call = bench.call("bash", json!({"command": "echo begun; sleep 600 & sleep 600"}));
    let cancel = async {
        while !bench.shown.lock().expect("free").contains("begun") {
            tokio::task::yield_now().await;
        }
        bench.cancel.cancel();
        Instant::now()
    };
    let (outcome, cancelled) = tokio::join!(call, cancel);
    assert!(matches!(outcome, Err(ToolError::Cancelled)), "{outcome:?}");
    assert!(cancelled.elapsed() < Duration::from_millis(250), "{:?}", cancelled.elapsed());
}

#[tokio::test]
async fn output_is_shown_while_it_runs_and_a_flood_is_cut() {
    let bench = Bench::new();
    let text = bench.bash("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo the end").await;
    assert!(text.len() < 66 * 1024, "{}", text.len());
    assert!(
        text.starts_with("xxxx") && text.ends_with("x\nthe end\n[exit 0]"),
        "{}",
        &text[text.len() - 40..]
    );
    assert!(text.contains(" bytes left out …]"));
    let shown = bench.shown.lock().expect("free");
    assert!(shown.len() > 1000 && shown.len() < 300 * 1024, "{}", shown.len());
}

#[tokio::test]
async fn bytes_that_are_no_text_do_no_harm() {
    let bench = Bench::new();
    let text = bench.bash("printf 'a\\377b\\000c'").await;
    assert_eq!(text, "a\u{FFFD}b\0c\n[exit 0]");
}

#[tokio::test]
async fn empty_and_impossible_commands_are_refused() {
    let bench = Bench::new();
    for command in ["", "  \n", "a\0b", &"x".repeat(200_000)] {
        let outcome = bench.call("bash", json!({"command": command})).await;
        assert!(matches!(outcome, Err(ToolError::RespondToModel(_))), "{outcome:?}");
    }
}
