use openclaw_core::{AgentId, SessionKey};
use openclaw_tools::{ToolContext, ToolError};
use serde_json::json;

use crate::support::Bench;

async fn start(bench: &Bench, command: &str) {
    let text = bench.call("bash", json!({"command": command, "background": true})).await;
    assert_eq!(text.expect("it starts"), "runs in the background as process 1");
}

#[tokio::test]
async fn it_is_written_to_and_polled() {
    let bench = Bench::new();
    start(&bench, "while read line; do echo got $line; done; echo over").await;
    let written = bench.call("process", json!({"action": "write", "id": 1, "data": "one\n"})).await;
    assert_eq!(written.expect("written"), "written");
    let text = bench.call("process", json!({"action": "poll", "id": 1, "wait_seconds": 30})).await;
    assert_eq!(text.expect("polled"), "got one\n[running]");
    let ended = bench.call("process", json!({"action": "write", "id": 1, "eof": true})).await;
    assert_eq!(ended.expect("written"), "written");
    let mut all = String::new();
    while !all.contains("[exit") {
        let poll = json!({"action": "poll", "id": 1, "wait_seconds": 30});
        all.push_str(&bench.call("process", poll).await.expect("polled"));
    }
    assert_eq!(all.replace("[running]", ""), "over\n[exit 0]");
    let late = bench.call("process", json!({"action": "write", "id": 1, "data": "x"})).await;
    assert!(matches!(late, Err(ToolError::RespondToModel(_))), "{late:?}");
}

#[tokio::test]
async fn it_is_listed_and_killed() {
    let bench = Bench::new();
    assert_eq!(
        bench.call("process", json!({"action": "list"})).await.expect("listed"),
        "no processes"
    );
    start(&bench, "trap '' TERM; sleep 600 & wait").await;
    let list = bench.call("process", json!({"action": "list"})).await.expect("listed");
    assert!(list.starts_with("1 [running] "), "{list}");
    let killed = bench.call("process", json!({"action": "kill", "id": 1})).await.expect("killed");
    assert_eq!(killed, "[killed]");
}

#[tokio::test]
async fn other_sessions_do_not_see_it() {
    let bench = Bench::new();
    start(&bench, "sleep 600").await;
    let other = SessionKey::new(&AgentId::main(), "other").expect("a key");
    assert_ne!(other, SessionKey::main(&AgentId::main()));
    for arguments in [json!({"action": "poll", "id": 1}), json!({"action": "kill", "id": 1})] {
        let context = ToolContext { session_key: other.clone(), ..bench.context() };
        let outcome = bench.call_in(context, "process", arguments).await;
        let error = outcome.expect_err("there is none").to_string();
        assert_eq!(error, "there is no process 1; list shows those there are");
    }
}

#[tokio::test]
async fn a_gateway_that_ends_ends_them() {
    let bench = Bench::new();
    start(&bench, "sleep 600").await;
    bench.stop.cancel();
    let text = bench.call("process", json!({"action": "poll", "id": 1, "wait_seconds": 30})).await;
    // Gone from the list, or still there as killed.
    let text = text.unwrap_or_else(|error| error.to_string());
    assert!(text == "[killed]" || text.starts_with("there is no process 1"), "{text}");
}

#[tokio::test]
async fn with_a_terminal_a_program_is_interactive() {
    let bench = Bench::new();
    let arguments = json!({"command": "test -t 0 && test -t 1 && echo a terminal", "pty": true});
    assert_eq!(bench.call("bash", arguments).await.expect("it runs"), "a terminal\r\n[exit 0]");
}
